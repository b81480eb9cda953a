"""The demo store's products and their pictures."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from ecomvance_app.wheel_files import WheelFileError
from shopify_auth.devstore import catalogue
from tests.photographs import photographs
from tests.wheels import own_index

__all__ = ["own_index", "photographs"]


def test_there_are_products_for_every_purpose():
    products = catalogue.demo_products()

    assert len(products) >= 8
    assert len({product.id for product in products}) == len(products)
    assert len({product.handle for product in products}) == len(products)
    for product in products:
        assert product.id.startswith("gid://shopify/Product/")
        assert all((product.title, product.vendor, product.product_type, product.tags))
        assert product.description_html.startswith("<p>")
        assert product.photos
        assert all(photo.alt for photo in product.photos)


def test_photographs_name_their_maker_and_drawings_say_that_they_are_drawn():
    pictures = [photo for product in catalogue.demo_products() for photo in product.photos]

    drawn = {photo.name for photo in pictures if photo.alt.startswith("Drawing of ")}
    assert drawn == {file.name for file in catalogue.DRAWINGS.glob("*.jpg")}
    photographed = [photo for photo in pictures if photo.name not in drawn]
    assert {photo.name for photo in photographed} == {file.name for file in catalogue.PHOTOGRAPHS}
    assert all(photo.credit for photo in photographed)


def test_every_picture_is_made_once_and_is_as_large_as_told(photographs, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    shutil.copytree(photographs, tmp_path / "demo_photos", ignore=shutil.ignore_patterns("*.jpg"))

    catalogue.make_photos()

    pictures = [photo for product in catalogue.demo_products() for photo in product.photos]
    for picture in pictures:
        with Image.open(picture.path) as image:
            assert image.size == (picture.width, picture.height)
            assert min(image.size) >= 256
            assert np.asarray(image.convert("L")).std() > 15, "a picture of something"
    written = {picture.path: picture.path.stat().st_mtime_ns for picture in pictures}
    assert sorted(path.name for path in (tmp_path / "demo_photos").iterdir()) == sorted(
        path.name for path in written
    )

    catalogue.make_photos()

    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_without_an_index_the_drawings_are_made_and_a_sentence_says_what_is_missing(
    own_index, tmp_path
):
    with pytest.raises(WheelFileError, match=r"pip could not download scikit-image 0\.26\.0"):
        catalogue.make_photos(tmp_path)

    with Image.open(tmp_path / "cedar-candle.jpg") as image:
        assert image.size == (1600, 1600)
