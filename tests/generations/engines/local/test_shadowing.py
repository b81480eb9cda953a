"""AI Shadowing: a shadow beside the product, nothing on it."""

from __future__ import annotations

import numpy as np
import pytest

from generations.engines.base import PlatformError
from tests.generations.engines.local import jobs
from tests.generations.engines.local.colour_change import inside, mean_change

TOOL = "ai-shadowing"


@pytest.mark.parametrize("style", ["contact", "cast", "drop", "reflection"])
def test_a_shadow_takes_light_from_white_ground(style):
    result = jobs.run(jobs.job(TOOL, jobs.bottle(), shadow=style, ground="white", strength=80))

    picture = jobs.pixels(result)
    assert jobs.is_class(result, "1K")
    assert picture.shape[2] == 3
    assert picture[:20, :20].min() > 248
    below = picture[-picture.shape[0] // 5 :].astype(int)
    assert below.min() < 225, "no shadow under the product"


def test_the_products_pixels_are_only_scaled():
    bottle = jobs.bottle(900)
    plain = jobs.pixels(jobs.run(jobs.job(TOOL, bottle, ground="transparent", strength=0)))
    shaded = jobs.pixels(jobs.run(jobs.job(TOOL, bottle, ground="transparent", strength=100)))

    assert plain.shape == shaded.shape
    where = inside(plain[..., 3])
    assert mean_change(plain, shaded, where) < 0.01
    own = float(bottle[..., :3][inside(bottle[..., 3])].mean())
    assert abs(float(plain[..., :3][where].mean()) - own) < 2


def test_transparent_ground_stays_transparent_far_away():
    picture = jobs.pixels(jobs.run(jobs.job(TOOL, jobs.bottle(), ground="transparent")))

    assert picture.shape[2] == 4
    assert picture[:10, :10, 3].max() == 0
    shade = (picture[..., 3] > 10) & (picture[..., 3] < 200) & (picture[..., :3].max(axis=2) < 20)
    assert shade.sum() > 200


def test_the_chosen_colour_is_the_ground():
    picture = jobs.pixels(
        jobs.run(jobs.job(TOOL, jobs.bottle(), ground="colour", colour="#2040c0"))
    )

    assert np.abs(picture[:20, :20].mean(axis=(0, 1)) - (0x20, 0x40, 0xC0)).max() < 2


def test_a_cast_shadow_leans_to_the_asked_side():
    def darker_side(angle: int) -> float:
        made = jobs.pixels(
            jobs.run(jobs.job(TOOL, jobs.bottle(), shadow="cast", angle=angle, strength=100))
        )
        grey = made.astype(int).mean(axis=2)
        middle = made.shape[1] // 2
        return float(grey[:, :middle].mean() - grey[:, middle:].mean())

    assert darker_side(60) != pytest.approx(darker_side(-60), abs=0.5)


def test_on_its_own_ground_the_photo_keeps_its_shape():
    photo = jobs.photo(500)[:400]

    result = jobs.run(jobs.job(TOOL, photo, ground="original", resolution="1K"))

    [output] = result.outputs
    assert jobs.is_class(result, "1K")
    assert output.width is not None
    assert output.height is not None
    assert output.width / output.height == pytest.approx(500 / 400, abs=0.01)


def test_a_larger_photo_comes_out_in_the_asked_class():
    result = jobs.run(jobs.job(TOOL, jobs.bottle(1600), resolution="1K"))

    assert jobs.is_class(result, "1K")


def test_a_picture_of_nothing_is_a_sentence():
    empty = np.zeros((300, 300, 4), np.uint8)

    with pytest.raises(PlatformError, match="found no product"):
        jobs.run(jobs.job(TOOL, empty))
