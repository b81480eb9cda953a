"""Products as a store has them, for sources of products that tests make up."""

from __future__ import annotations

from dataclasses import dataclass

from tests.generations import sample_pictures as samples


@dataclass(frozen=True)
class Photo:
    id: str
    alt: str = ""
    url: str = "/static/img/mark.svg"


@dataclass(frozen=True)
class Product:
    id: str
    title: str
    photos: tuple[Photo, ...]


def photo_content(width: int = 480, height: int = 320) -> bytes:
    """What a store keeps as a product's photo: a JPEG of four coloured quarters."""
    return samples.encoded(samples.quarters(width, height), "JPEG")
