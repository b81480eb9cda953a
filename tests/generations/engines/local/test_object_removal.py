"""Object Removal: the mark is filled, nothing else changes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from generations.engines.base import EngineTimeoutError, PlatformError
from generations.engines.local.pixels import erasing
from tests.generations.engines.local import drawn_products, jobs

TOOL = "object-removal"


def spotted(side: int = 1024) -> tuple[np.ndarray, np.ndarray]:
    """A texture with a red spot on it, and the mask of the spot."""
    photo = drawn_products.texture(side, 5)
    mask = np.zeros((side, side), np.uint8)
    cv2.circle(photo, (side // 3, side // 2), side // 14, (230, 20, 20), -1)
    cv2.circle(mask, (side // 3, side // 2), side // 12, 255, -1)
    return photo, mask


def test_the_marked_thing_goes_and_nothing_else_changes():
    photo, mask = spotted()

    after = jobs.pixels(jobs.run(jobs.job(TOOL, photo, mask=mask)))

    assert (after[mask == 0] == photo[mask == 0]).all()
    gone = after[mask > 0].astype(int)
    assert (gone[:, 0] - gone[:, 1] > 120).mean() < 0.01


def test_outside_the_mark_a_scaled_result_is_the_scaled_picture():
    photo, mask = spotted(600)

    after = jobs.pixels(jobs.run(jobs.job(TOOL, photo, mask=mask)))

    scaled = cv2.resize(photo, (1024, 1024), interpolation=cv2.INTER_CUBIC)
    outside = cv2.resize(mask, (1024, 1024), interpolation=cv2.INTER_CUBIC) == 0
    assert (after[outside] == scaled[outside]).all()


def test_the_same_seed_gives_the_same_bytes_and_another_another_try():
    photo, mask = spotted(500)
    runs = [jobs.run(jobs.job(TOOL, photo, mask=mask, seed=seed)) for seed in (0, 0, 1)]
    first, again, other = (each.outputs[0].content for each in runs)

    assert first == again
    assert first != other


def test_a_picture_with_transparency_keeps_it():
    photo, mask = spotted(500)
    alpha = np.full(photo.shape[:2], 255, np.uint8)
    alpha[:100] = 0

    after = jobs.pixels(jobs.run(jobs.job(TOOL, np.dstack([photo, alpha]), mask=mask)))

    assert after.shape[2] == 4
    assert after[:150, :, 3].max() == 0
    assert after[300:, :, 3].min() == 255


@pytest.mark.parametrize(("marked", "sentence"), [(0, "Mark what"), (255, "Mark less")])
def test_a_mark_of_nothing_or_of_everything_is_a_sentence(marked, sentence):
    photo, mask = spotted(300)

    with pytest.raises(PlatformError, match=sentence):
        jobs.run(jobs.job(TOOL, photo, mask=np.full_like(mask, marked)))


def test_the_deadline_is_kept():
    photo, mask = spotted(300)

    with pytest.raises(EngineTimeoutError):
        jobs.run(jobs.job(TOOL, photo, mask=mask, left=-1))


@pytest.mark.parametrize("kind", ["slope", "warm wall", "vignette", "sweep"])
def test_on_a_smooth_slope_of_light_no_spot_is_left(kind):
    slope = slopes(500)[kind]
    grain = np.random.default_rng(1).normal(0, 1.5, slope.shape)
    photo = np.clip(slope + grain, 0, 255).round().astype(np.uint8)
    mask = np.zeros(photo.shape[:2], np.uint8)
    cv2.ellipse(photo, (275, 225), (55, 85), 20, 0, 360, (160, 30, 40), -1)
    cv2.ellipse(mask, (275, 225), (65, 95), 20, 0, 360, 255, -1)

    filled = erasing.erased(photo, mask, seed=0)

    # A step of one level is seen on a calm ground; patches left up to five.
    off = np.abs(cv2.GaussianBlur(filled.astype(np.float32), (0, 0), 3) - slope)[mask > 0]
    assert off.mean() < 0.4
    assert np.percentile(off, 99) < 1.0


def test_beside_an_edge_the_ground_is_continued_and_not_smoothed():
    photo = np.full((500, 500, 3), 225, np.uint8)
    photo[300:] = (120, 80, 50)
    mask = np.zeros((500, 500), np.uint8)
    cv2.circle(photo, (250, 300), 50, (20, 120, 40), -1)
    cv2.circle(mask, (250, 300), 60, 255, -1)

    filled = erasing.erased(photo, mask, seed=0)

    assert np.abs(filled[mask > 0].astype(int)[:, 1] - 152).min() > 40  # Either wall or table.
    assert np.abs(filled[255:290, 230:270].astype(int) - 225).max() < 12
    assert np.abs(filled[312:345, 230:270].astype(int) - (120, 80, 50)).max() < 12


def slopes(side: int) -> dict[str, np.ndarray]:
    """Backdrops as light falls on them, in levels of 255."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    grey, fall = 90 + 120 * x + 20 * y, 1 / (1 + np.exp(-(y - 0.6) * 14))
    round_light = 235 - 170 * ((x - 0.5) ** 2 + (y - 0.45) ** 2)
    return {
        "slope": np.dstack([grey] * 3),
        "warm wall": np.dstack([240 - 90 * y, 220 - 100 * y - 20 * x, 200 - 120 * y]),
        "vignette": np.dstack([round_light] * 3),
        "sweep": np.dstack([225 - 70 * fall, 225 - 75 * fall, 230 - 80 * fall]),
    }
