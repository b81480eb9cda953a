"""Small pictures of product photos: what the store's picture host may answer."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import Client
from PIL import Image

from generations import products
from generations.media import product_photos
from tests.generations.mug_store import OneMug
from tests.generations.sample_pictures import encoded, png_of_nothing, quarters
from tests.products import Photo


class AnyPhoto(OneMug):
    """A store whose picture host answers what the test says."""

    answer: bytes | Exception = b""

    def read_preview(self, url: str) -> bytes:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def host(settings: Any) -> type[AnyPhoto]:
    settings.PRODUCT_SOURCE = f"{__name__}.AnyPhoto"
    products._source.cache_clear()
    return AnyPhoto


def fetch(address: str) -> Any:
    return Client().get(product_photos.link(Photo("7", url=address)))


def test_a_photo_is_shown_small(host: type[AnyPhoto]) -> None:
    host.answer = encoded(quarters(1600, 900), "JPEG")

    response = fetch("https://cdn.shopify.com/large.jpg")

    assert response.status_code == 200
    assert Image.open(io.BytesIO(response.content)).size == (320, 180)


@pytest.mark.parametrize(
    "answer",
    [
        LookupError("The picture is gone"),
        ConnectionError("The store does not answer."),
        png_of_nothing(14_000, 14_000),
        encoded(quarters(), "EPS"),
        b"",
        b"<html>",
    ],
    ids=["gone", "away", "196 megapixels", "EPS", "nothing", "a page"],
)
def test_what_is_no_photo_is_not_there(host: type[AnyPhoto], answer: bytes | Exception) -> None:
    host.answer = answer

    assert fetch(f"https://cdn.shopify.com/{id(answer)}.png").status_code == 404
