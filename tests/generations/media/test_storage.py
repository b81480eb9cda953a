"""What fails half-way leaves no files behind: storage holds what the database knows."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, default_storage

from generations import tasks
from generations.engines import registry
from generations.media.reading import read_picture
from generations.models import Generation, Picture
from generations.runs import batches
from generations.runs.request import Order, Requester
from tests.generations import sample_pictures as samples
from tests.generations.engine import Engine
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
