"""Image Enhance: larger, the same picture, the same colours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from generations.engines.local import weights
from generations.engines.local.pixels import enlarging
from tests.generations.engines.local import jobs

TOOL = "image-enhance"


def test_twice_as_large_without_a_size():
    result = jobs.run(jobs.job(TOOL, jobs.photo(360)[:270], resolution=""))

    assert jobs.pixels(result).shape == (540, 720, 3)
    assert result.model == "waifu2x upconv_7 photo"


def test_enlarged_and_shrunk_again_it_is_the_same_picture(photographs):
    with Image.open(photographs / "chelsea.png") as image:
        source = np.asarray(image.convert("RGB").resize((400, 266)))

    result = jobs.run(jobs.job(TOOL, source, resolution="", light=False))

    large = jobs.pixels(result)
    back = cv2.resize(large, (400, 266), interpolation=cv2.INTER_AREA).astype(np.float64)
    assert 10 * np.log10(255**2 / np.mean((back - source) ** 2)) > 35


def test_a_picture_that_is_nearly_large_enough_is_only_scaled():
    result = jobs.run(jobs.job(TOOL, jobs.photo(1800), resolution="2K"))

    assert jobs.is_class(result, "2K")
    assert result.model == "Plain scaling"


def test_never_larger_than_4k():
    assert enlarging.target_size(4000, 3000, "x2") == (4730, 3547)
    assert enlarging.target_size(6000, 6000, "x2") == (4096, 4096)


def test_better_light_keeps_every_hue():
    dark = (jobs.photo(260) * 0.4).astype(np.uint8)

    lit = jobs.pixels(jobs.run(jobs.job(TOOL, dark, resolution="", light=True)))
    plain = jobs.pixels(jobs.run(jobs.job(TOOL, dark, resolution="", light=False)))

    assert lit.mean() > 1.03 * plain.mean()
    before, after = (
        cv2.cvtColor(each, cv2.COLOR_RGB2HSV_FULL).astype(int) for each in (plain, lit)
    )
    coloured = (before[..., 1] > 60) & (before[..., 2] > 40)
    assert coloured.sum() > 500
    turn = (after - before)[..., 0][coloured]
    turn = np.abs((turn + 128) % 256 - 128) * 360 / 256
    assert turn.mean() < 2


def test_transparency_is_enlarged_too():
    bottle = jobs.bottle(260)

    after = jobs.pixels(jobs.run(jobs.job(TOOL, bottle, resolution="")))

    assert after.shape == (520, 520, 4)
    assert after[0, 0, 3] == 0
    assert after[312, 260, 3] == 255


def test_tiles_leave_no_seams():
    flat = np.full((300, 300, 3), (120, 90, 60), np.uint8)

    large, way = enlarging.enlarged(flat, weights.WAIFU2X.path, (600, 600))

    assert way == "network"
    assert np.ptp(large.reshape(-1, 3).astype(int), axis=0).max() <= 2


def test_the_deadline_is_kept_inside_the_tiles():
    def passed() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        enlarging.enlarged(jobs.photo(100), weights.WAIFU2X.path, (200, 200), check=passed)
