"""Products as a store has them, for sources of products that tests make up."""

from __future__ import annotations

from dataclasses import dataclass


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
