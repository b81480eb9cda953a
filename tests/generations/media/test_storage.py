"""What fails half-way leaves no files behind: storage holds what the database knows."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import OperationalError
from PIL import Image

from generations import tasks
from generations.engines import registry
from generations.media import decoding, storage
from generations.media.reading import read_picture
from generations.models import Generation, Picture
from generations.runs import batches
from generations.runs.request import Order, Requester
from tests.generations import sample_pictures as samples
from tests.generations.engine import Engine, picture_result
from tests.generations.mug_store import ask
from tests.merchants import Merchant


class FillingStorage(FileSystemStorage):
    """Storage with room for so many files more."""

    room = 0

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        if not FillingStorage.room:
            raise OSError(28, "No space left on device")
        FillingStorage.room -= 1
        return super().save(name, content, max_length)


@pytest.fixture
def filling(settings: Any) -> type[FillingStorage]:
    local = settings.STORAGES["default"]
    settings.STORAGES = settings.STORAGES | {
        "default": local | {"BACKEND": f"{__name__}.FillingStorage"}
    }
    return FillingStorage


def files_of(merchant: Merchant) -> set[str]:
    """All that storage holds for the merchant's account, previews too."""
    folder = f"accounts/{merchant.account.pk}"
    names = default_storage.listdir(folder)[1] if default_storage.exists(folder) else []
    return {f"{folder}/{name}" for name in names}


@pytest.mark.parametrize("room", [0, 1])
def test_of_a_request(owner: Merchant, filling: type[FillingStorage], room: int) -> None:
    filling.room = room

    with pytest.raises(OSError, match="No space left"):
        ask(owner.client)

    assert files_of(owner) == set()
    assert not Generation.objects.exists()
    assert owner.total == 100


@pytest.mark.parametrize("room", [1, 2, 3])
def test_of_a_batch(
    owner: Merchant,
    filling: type[FillingStorage],
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    room: int,
) -> None:
    monkeypatch.setitem(registry.LOCAL, batches.TOOL, engine)
    picture = read_picture(samples.encoded(samples.quarters(), "JPEG"))
    order = Order(batches.TOOL, "1K", uploads=(picture,))
    requester = Requester(owner.account.pk, owner.person.pk, "web")
    filling.room = room

    with pytest.raises(OSError, match="No space left"):
        batches.place_batch(requester, [order, order], "b")

    assert files_of(owner) == set()
    assert owner.total == 100


@pytest.mark.parametrize("room", [0, 1])
def test_of_an_output_that_is_delivered_by_the_next_attempt(
    owner: Merchant, filling: type[FillingStorage], engine: Engine, room: int
) -> None:
    filling.room = 2
    ask(owner.client)
    run = Generation.objects.get()

    filling.room = room
    tasks.run(generation_id=str(run.pk))
    filling.room = 10
    tasks.run(generation_id=str(run.pk))

    run.refresh_from_db()
    assert (run.state, run.attempts) == ("succeeded", 2)
    known = {name for one in Picture.objects.all() for name in (one.file, one.preview)}
    assert files_of(owner) == known
    assert owner.total == 80


class FullDisk(FileSystemStorage):
    """Storage that takes the first bytes of a file and then no more."""

    def _save(self, name: str, content: Any) -> str:
        super()._save(name, ContentFile(content.read(10)))  # type: ignore[misc]
        raise OSError(28, "No space left on device")


def test_of_a_file_that_was_half_written(owner: Merchant, settings: Any) -> None:
    local = settings.STORAGES["default"]
    settings.STORAGES = settings.STORAGES | {"default": local | {"BACKEND": f"{__name__}.FullDisk"}}

    with pytest.raises(OSError, match="No space left"):
        ask(owner.client)

    assert files_of(owner) == set()


def known_files() -> set[str]:
    return {name for one in Picture.objects.all() for name in (one.file, one.preview)}


class TestACommitWithoutItsAnswer:
    """The connection is cut when the commit was sent: the rows are there, and an error is raised."""

    @pytest.fixture(autouse=True)
    def _cut(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def cut(_undo: storage.Undo) -> None:
            raise OperationalError("server closed the connection unexpectedly")

        self.keep = storage.Undo.keep
        monkeypatch.setattr(storage.Undo, "keep", cut)

    def test_leaves_the_files_of_an_order(self, owner: Merchant) -> None:
        with pytest.raises(OperationalError):
            ask(owner.client)

        assert owner.total == 80
        assert files_of(owner) == known_files() != set()

    def test_leaves_the_files_of_an_output(
        self, owner: Merchant, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as connected:
            connected.setattr(storage.Undo, "keep", self.keep)
            ask(owner.client)
        run = Generation.objects.get()

        tasks.run(generation_id=str(run.pk))

        run.refresh_from_db()
        assert run.state == "succeeded"
        assert len(known_files()) == 4
        assert files_of(owner) == known_files()

    def test_leaves_files_that_the_database_cannot_be_asked_about(
        self, owner: Merchant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_arguments: object) -> None:
            raise OperationalError("the database system is shutting down")

        monkeypatch.setattr(storage, "_wait_for_commits", away)

        with pytest.raises(OperationalError, match="unexpectedly"):
            ask(owner.client)

        assert files_of(owner) == known_files() != set()


class TestNightlySweep:
    @staticmethod
    def put(account_id: int, name: str, age: timedelta) -> str:
        saved = default_storage.save(f"accounts/{account_id}/{name}", ContentFile(b"..."))
        then = time.time() - age.total_seconds()
        os.utime(Path(default_storage.path(saved)), (then, then))
        return saved

    def test_deletes_what_no_row_names_for_a_day(self, owner: Merchant) -> None:
        ask(owner.client)
        for name in known_files():
            os.utime(default_storage.path(name), (0, 0))
        old = self.put(owner.account.pk, "old.png", timedelta(hours=25))
        of_nobody = self.put(987_654_321, "old.png", timedelta(hours=25))
        young = self.put(owner.account.pk, "young.png", timedelta(hours=23))

        tasks.sweep_files()

        assert files_of(owner) == known_files() | {young}
        assert not default_storage.exists(old)
        assert not default_storage.exists(of_nobody)

    def test_finds_nothing_in_an_empty_storage(self) -> None:
        assert storage.sweep() == 0


class TestPreviews:
    """What a provider sends is a stranger's; what an engine of this machine encoded is not."""

    @pytest.mark.parametrize(("engine_name", "asked"), [("local", 0), ("google", 1)])
    def test_only_a_providers_pictures_are_decoded_by_a_process_of_their_own(
        self, owner: Merchant, engine: Engine, monkeypatch: pytest.MonkeyPatch,
        engine_name: str, asked: int,
    ) -> None:  # fmt: skip
        ask(owner.client)
        run = Generation.objects.get()
        engine.result = picture_result(engine=engine_name)
        decode, questions = decoding.ask, []

        def spy(source: Any, question: Any) -> Any:
            questions.append(question)
            return decode(source, question)

        monkeypatch.setattr(decoding, "ask", spy)
        tasks.run(generation_id=str(run.pk))

        output = Picture.objects.get(role=Picture.Role.OUTPUT)
        assert len(questions) == asked
        with default_storage.open(output.preview) as file, Image.open(file) as preview:
            assert (preview.format, preview.size) == ("WEBP", (400, 400))
            assert preview.has_transparency_data
