"""Backgrounds, placement and style cloning: cut-outs in a drawn scene, as they are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from generations import tool_options
from generations.engines.base import PlatformError
from generations.engines.local import scenes
from generations.engines.local.pixels import arrays
from generations.engines.local.studio import backdrops, placing
from tests.generations.engines.local import drawn_products, jobs
from tests.generations.engines.local.colour_change import inside, mean_change


def products(count: int) -> list[np.ndarray]:
    shapes = drawn_products.SHAPES * 3
    return [drawn_products.product(shapes[n], 300, n) for n in range(count)]


class TestBackgrounds:
    def test_the_prompt_picks_a_set_and_the_run_names_it(self):
        result = jobs.run(jobs.job("ai-backgrounds", jobs.bottle(), prompt="on white marble"))

        assert result.model == "Drawn set: White marble"
        assert jobs.is_class(result, "1K")

    def test_the_chosen_set_has_the_last_word(self):
        job = jobs.job("ai-backgrounds", jobs.bottle(), prompt="on the beach", set="concrete")

        assert jobs.run(job).model == "Drawn set: Concrete"

    def test_people_stand_in_sets_for_people(self):
        for seed in range(30):
            choice = scenes.chosen_set(jobs.job("model-backgrounds", jobs.bottle(), seed=seed))
            assert choice.backdrop.people

    def test_who_is_cut_off_above_and_below_reaches_from_edge_to_edge(self):
        person = np.zeros((400, 400, 4), np.uint8)
        cv2.rectangle(person, (120, 0), (280, 399), (200, 30, 40, 255), -1)
        job = jobs.job("model-backgrounds", person, ratio="original", set="studio-white")

        made = jobs.pixels(jobs.run(job)).astype(int)

        middle = made[:, made.shape[1] // 2]
        assert (middle[:, 0] - middle[:, 1] > 100).all()

    def test_the_form_offers_exactly_the_sets_that_there_are(self):
        offered = [choice.value for choice in tool_options.SET.choices]

        assert offered == ["from-prompt", *(each.slug for each in backdrops.SETS)]
        assert len(backdrops.SETS) >= 12

    @pytest.mark.parametrize("each", backdrops.SETS, ids=lambda each: each.slug)
    def test_every_set_can_be_drawn(self, each):
        scene = backdrops.drawn(backdrops.named(each.slug), (320, 200), 7)

        assert scene.colours.shape == (200, 320, 3)
        assert np.isfinite(scene.colours).all()
        assert scene.colours.std() > 1

    def test_another_seed_is_another_picture_and_the_same_one_the_same(self):
        contents = [
            jobs.run(jobs.job("ai-backgrounds", jobs.bottle(), set="oak-table", seed=seed))
            .outputs[0].content
            for seed in (4, 4, 5)
        ]  # fmt: skip

        assert contents[0] == contents[1]
        assert contents[0] != contents[2]

    @pytest.mark.parametrize("name", ["concrete", "window-light", "neon"])
    def test_the_products_pixels_are_only_scaled(self, name):
        asked = jobs.job("ai-backgrounds", jobs.bottle(700), set=name, ratio="1:1", seed=3)

        made = jobs.pixels(jobs.run(asked))

        [cut] = scenes.products_of(asked, "1K")
        size = (made.shape[1], made.shape[0])
        scene = backdrops.drawn(backdrops.named(name), size, 3)
        look = placing.PlacingOptions(size, seed=3)
        [thing] = placing.staged([placing.Product(cut)], scene, look).things
        high, wide = thing.cut.shape[:2]
        scaled = arrays.resized(arrays.trimmed(cut), (wide, high))
        part = made[thing.top : thing.top + high, thing.left : thing.left + wide]
        assert mean_change(scaled, part, inside(scaled[..., 3])) < 1

    def test_a_photo_comes_out_in_the_asked_shape(self):
        result = jobs.run(jobs.job("ai-backgrounds", jobs.bottle(), ratio="16:9"))

        [output] = result.outputs
        assert jobs.is_class(result, "1K")
        assert (output.width, output.height) == (1365, 768)


class TestPlacement:
    def test_a_products_pixels_are_only_scaled(self):
        cut = jobs.bottle(700)
        scene = backdrops.drawn(backdrops.named("concrete"), (1024, 1024), 3)
        look = placing.PlacingOptions((1024, 1024))

        made = placing.placed([placing.Product(cut)], scene, look)

        [thing] = placing.staged([placing.Product(cut)], scene, look).things
        high, wide = thing.cut.shape[:2]
        equally_scaled = arrays.resized(arrays.trimmed(cut), (wide, high))
        part = made[thing.top : thing.top + high, thing.left : thing.left + wide]
        assert mean_change(equally_scaled, part, inside(equally_scaled[..., 3])) < 1

    @pytest.mark.parametrize("layout", ["group", "row", "steps"])
    @pytest.mark.parametrize("count", [1, 2, 3, 6, 14])
    def test_every_product_is_in_the_picture(self, count, layout):
        scene = backdrops.drawn(backdrops.named("studio-white"), (640, 640), 0)
        things = [placing.Product(cut) for cut in products(count)]

        stage = placing.staged(things, scene, placing.PlacingOptions((640, 640), layout=layout))

        assert len(stage.things) == count
        for thing in stage.things:
            top, bottom, left, right = thing.box
            assert min(top, left) >= -2
            assert max(bottom, right) <= 642

    def test_in_a_row_all_stand_on_one_line_and_in_depth_they_do_not(self):
        scene = backdrops.drawn(backdrops.named("studio-white"), (640, 640), 0)
        things = [placing.Product(cut) for cut in products(6)]

        def feet(layout: placing.Layout) -> int:
            look = placing.PlacingOptions((640, 640), layout=layout)
            lows = [thing.box[1] for thing in placing.staged(things, scene, look).things]
            return max(lows) - min(lows)

        assert feet("row") < 12
        assert feet("steps") > 60

    def test_relative_sizes_are_the_merchants(self):
        scene = backdrops.drawn(backdrops.named("studio-white"), (640, 640), 0)
        cut = jobs.bottle()
        things = [placing.Product(cut, 1.0), placing.Product(cut, 2.0)]

        stage = placing.staged(things, scene, placing.PlacingOptions((640, 640)))

        small, large = sorted(thing.cut.shape[0] for thing in stage.things)
        assert large / small == pytest.approx(2.0, abs=0.05)

    @pytest.mark.parametrize(
        ("text", "sizes"),
        [
            ("", [1, 1, 1]),
            ("1, 0.5, 2", [1, 0.5, 2]),
            ("2", [2, 1, 1]),
            ("99; 0,nan", [5, 0.2, 1]),
        ],
    )
    def test_sizes_are_read_from_text(self, text, sizes):
        assert scenes.relative_sizes(text, 3) == sizes

    def test_three_products_make_one_picture(self):
        result = jobs.run(jobs.job("product-placement", *products(3), set="oak-table"))

        assert len(result.outputs) == 1
        assert jobs.is_class(result, "1K")


class TestStyleCloning:
    def test_the_backdrop_takes_the_references_colours_and_the_product_hardly(self):
        drawn = drawn_products.product("jar", 400, 1)
        photo = drawn_products.laid(drawn, drawn_products.texture(400, 1))
        blue = np.full((300, 300, 3), (30, 60, 200), np.uint8)

        made = jobs.pixels(jobs.run(jobs.job("style-cloning", photo, reference=blue, strength=100)))

        before = cv2.resize(photo, (1024, 1024), interpolation=cv2.INTER_CUBIC)
        alpha = cv2.resize(drawn[..., 3], (1024, 1024))
        assert mean_change(before, made, inside(alpha, 12)) < 3
        assert mean_change(before, made, alpha == 0) > 15

    def test_a_cut_out_stands_in_a_set_of_the_references_colours(self):
        red = np.full((300, 300, 3), (190, 40, 40), np.uint8)

        made = jobs.pixels(jobs.run(jobs.job("style-cloning", jobs.bottle(), reference=red)))

        corner = made[:60, :60].mean(axis=(0, 1))
        assert corner[0] > 2 * corner[1]

    def test_without_a_reference_it_is_a_sentence(self):
        with pytest.raises(PlatformError, match="reference"):
            jobs.run(jobs.job("style-cloning", jobs.bottle()))
