"""The small picture that is shown of a large one."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from generations.media import reading
from generations.media.reading import PictureRefused
from tests.generations.media.looking import corners, near, opacity
from tests.generations.sample_pictures import (
    RED,
    encoded,
    png_of_nothing,
    quarters,
    see_through,
)


class TestPreview:
    def test_the_longer_side_is_what_was_asked_for_and_the_shape_is_kept(self):
        preview = reading.make_preview(encoded(quarters(1200, 800), "JPEG"), 512)

        image = Image.open(io.BytesIO(preview))
        assert image.format == "WEBP"
        assert image.size == (512, 341)
        assert near(corners(image)[0], RED, tolerance=16)

    def test_transparency_is_kept(self):
        preview = reading.make_preview(encoded(see_through(), "PNG"), 512)

        image = Image.open(io.BytesIO(preview))
        assert image.size == (400, 400), "a small picture is not enlarged"
        assert opacity(image, 5, 5) == 0

    def test_a_small_picture_has_one_too(self):
        preview = reading.make_preview(encoded(quarters(90, 60), "JPEG"), 512)

        assert Image.open(io.BytesIO(preview)).size == (90, 60)

    @pytest.mark.parametrize("file_format", ["EPS", "TIFF", "GIF"])
    def test_other_formats_have_none(self, file_format):
        with pytest.raises(PictureRefused) as caught:
            reading.make_preview(encoded(quarters(), file_format), 512)

        assert caught.value.code == "not_a_picture"

    def test_a_png_of_196_megapixels_has_none(self):
        with pytest.raises(PictureRefused) as caught:
            reading.make_preview(png_of_nothing(14_000, 14_000), 512)

        assert caught.value.code == "too_many_pixels"
