"""Decoding apart: what it may take, how many at once, and what it does not hold meanwhile."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from django.db import connection
from PIL import Image

from generations.media import decoding, reading
from generations.media.decoder import jpeg
from generations.media.decoding import Busy, Turns
from generations.media.reading import PictureRefused, read_picture
from tests.generations.sample_pictures import encoded, quarters

LONG = 30.0


def progressive_with_scans(repeats: int, width: int = 400, height: int = 300) -> bytes:
    """A progressive JPEG whose last scan comes so many times more."""
    content = encoded(quarters(width, height), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * repeats + content[-2:]


class TestScans:
    def test_a_progressive_jpeg_is_a_picture_like_any(self) -> None:
        assert read_picture(progressive_with_scans(0)).width == 400

    def test_thousands_of_scans_are_refused_and_none_is_decoded(self) -> None:
        content = progressive_with_scans(3_000, 7000, 7000)

        started = time.process_time()
        with pytest.raises(PictureRefused) as caught:
            read_picture(content)

        assert caught.value.code == "damaged"
        assert time.process_time() - started < 1

    def test_scans_of_a_picture_within_metadata_and_behind_the_end_do_not_count(self) -> None:
        content = progressive_with_scans(0)
        inner = progressive_with_scans(150)[:60_000]
        segment = b"\xff\xe5" + (len(inner) + 2).to_bytes(2, "big") + inner
        dressed = content[:2] + segment + content[2:] + progressive_with_scans(150)

        assert jpeg.count_scans(dressed) == jpeg.count_scans(content) <= 12
        assert read_picture(dressed) == read_picture(content)


class TestLimits:
    def test_a_process_that_takes_too_long_is_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(decoding, "SECONDS", 0.01)

        # Its file need not be damaged: the machine may have been busy.
        with pytest.raises(Busy, match="took too long"):
            read_picture(encoded(quarters(), "PNG"))

    def test_it_gives_way_before_it_loads_a_decoder(self) -> None:
        told = (
            "import os, runpy, sys\n"
            "def nice(by): raise SystemExit(f'{by} {\"PIL\" in sys.modules}')\n"
            "os.nice = nice\n"
            "runpy.run_module('generations.media.decoder', run_name='__main__')"
        )
        done = subprocess.run(
            [sys.executable, "-c", told], capture_output=True, text=True, check=False
        )

        assert done.stderr == "10 False\n"

    def test_the_process_has_none_of_the_servers_secrets(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: dict[str, str] = {}
        run = subprocess.run

        def spy(command: list[str], **options: Any) -> Any:
            seen.update(options["env"])
            return run(command, **options)

        monkeypatch.setenv("SECRET_KEY", "not for strangers")
        monkeypatch.setattr(subprocess, "run", spy)
        read_picture(encoded(quarters(), "PNG"))

        assert seen.keys() <= {"LANG", "LD_LIBRARY_PATH", "PATH"}

    def test_50_megapixels_with_transparency_are_within_them(self) -> None:
        content = encoded(Image.new("RGBA", (7071, 7071), (9, 9, 9, 80)), "PNG", compress_level=1)

        picture = read_picture(content)

        assert (picture.format, picture.has_alpha) == ("PNG", True)


class TestTurns:
    def test_no_more_at_once_than_in_all_and_of_one_account(self) -> None:
        turns = Turns(most=2, most_of_account=1)

        with turns.take(1):
            with pytest.raises(Busy), turns.take(1, wait_seconds=0):
                pass
            with turns.take(2), pytest.raises(Busy), turns.take(3, wait_seconds=0):
                pass
            with turns.take(3, wait_seconds=0):
                pass

    def test_who_waits_goes_on_when_another_is_done(self) -> None:
        turns = Turns(most=1, most_of_account=1)
        waits, worked = threading.Event(), threading.Event()

        def wait_for_a_turn() -> None:
            waits.set()
            with turns.take(2, LONG):
                worked.set()

        with turns.take(1):
            thread = threading.Thread(target=wait_for_a_turn)
            thread.start()
            assert waits.wait(LONG)
            assert not worked.is_set()
        thread.join()

        assert worked.is_set()

    def test_a_turn_ends_with_an_error_too(self) -> None:
        turns = Turns(most=1, most_of_account=1)

        with pytest.raises(ZeroDivisionError), turns.take(1):
            raise ZeroDivisionError

        with turns.take(1, wait_seconds=0):
            pass


def test_a_turn_says_whether_it_had_to_wait() -> None:
    looked = threading.Event()

    class Watched(Turns):
        def _is_free(self, account_id: int) -> bool:
            free = super()._is_free(account_id)
            if account_id == 2:
                looked.set()
            return free

    turns = Watched(1, 1)
    waited: list[bool] = []

    def wait() -> None:
        with turns.take(2) as had_to:
            waited.append(had_to)

    with turns.take(1) as had_to:
        waited.append(had_to)
        other = threading.Thread(target=wait)
        other.start()
        assert looked.wait(60)
    other.join()

    assert waited == [False, True]


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_no_database_connection_is_held_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []
    decode = decoding.ask

    def spy(source: Any, question: Any) -> Any:
        held.append(connection.connection is not None)
        return decode(source, question)

    monkeypatch.setattr(decoding, "ask", spy)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    read_picture(encoded(quarters(), "PNG"))
    reading.make_preview(io.BytesIO(encoded(quarters(), "PNG")), 100)

    assert held == [False, False]
