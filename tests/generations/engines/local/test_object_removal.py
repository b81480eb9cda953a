"""Object Removal: the mark is filled, nothing else changes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from generations.engines.base import EngineTimeoutError, PlatformError
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
