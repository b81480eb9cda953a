"""Pairs of pictures with and without a change of the product, made from twelve pictures.

Six are photographs of scikit-image, six the demo store's drawings. Each gets a printed label, set onto
its subject. The last four were not looked at while thresholds were chosen.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from generations.engines.local.pixels import mattes
from generations.truth import colour

TUNED = (
    ("coffee.png", "ORGANIC", "Dark roast"),
    ("chelsea.png", "WHISKER", "Salmon bites"),
    ("motorcycle_left.png", "TORQUE", "Engine oil"),
    ("camera.png", "FOCUSED", "Tripod grease"),
    ("sea-buckthorn-serum.jpg", "GLOWING", "Night cream"),
    ("brass-table-lamp.jpg", "LUMINOUS", "Warm white"),
    ("stoneware-mug.jpg", "KITCHEN", "Hand thrown"),
    ("stoneware-mug-on-table.jpg", "BREAKFAST", "Green tea"),
)
UNSEEN = (
    ("astronaut.png", "GALAXY", "Space suit"),
    ("rocket.jpg", "BOOSTER", "Fuel cells"),
    ("cedar-candle.jpg", "FOREST", "Pine needles"),
    ("canvas-tote.jpg", "MARKET", "Strong cotton"),
)
SIDE = 800


@dataclass(frozen=True)
class Pair:
    """A source and a result. `change` is what was done: a kind of change, or a way to leave it."""

    name: str
    kind: str  # "colour", "shape", "text", or "" for unaltered
    change: str
    result: Any


@dataclass(frozen=True)
class Product:
    """One of the twelve, with its label and without one, and where its product is."""

    name: str
    bare: Any
    source: Any
    matte: Any
    place: tuple[int, int]
    words: tuple[str, str]


def load(folder: Path, weights: Path, one: tuple[str, str, str]) -> Product:
    """The picture with its label in the middle of its subject."""
    name, *words = one
    with Image.open(folder / name) as opened:
        opened.thumbnail((SIDE, SIDE))
        bare = np.asarray(opened.convert("RGB"))
    matte = mattes.find_subject(bare, weights)
    rows, columns = np.nonzero(matte > 0.5)
    place = (int(np.median(columns)), int(np.median(rows)))
    source = labelled(bare, place, words[0], words[1])
    return Product(name, bare, source, matte, place, (words[0], words[1]))


def labelled(bare: Any, place: tuple[int, int], large: str, small: str) -> Any:
    """A card with two lines of print, set onto the picture."""
    height, width = bare.shape[:2]
    unit = max(width, height) // 40
    big, little = ImageFont.load_default(unit * 2), ImageFont.load_default(round(unit * 1.4))
    box = (max(int(big.getlength(large)), int(little.getlength(small))) + 2 * unit, unit * 6)
    card = Image.new("RGB", box, (244, 240, 230))
    draw = ImageDraw.Draw(card)
    draw.text((box[0] / 2, unit * 1.8), large, (30, 34, 40), big, anchor="mm")
    draw.text((box[0] / 2, unit * 4.2), small, (90, 40, 30), little, anchor="mm")
    picture = Image.fromarray(bare)
    corner = (
        min(max(0, place[0] - box[0] // 2), width - box[0]),
        min(max(0, place[1] - box[1] // 2), height - box[1]),
    )
    picture.paste(card, corner)
    return np.asarray(picture)


def pairs(product: Product) -> Iterator[Pair]:
    """Every pair of one picture; each result was encoded as JPEG."""
    for hue in (0, 120, 240):
        yield _pair(product, "colour", f"recoloured towards {hue}°", recoloured(product, hue))
    for wide, high in ((1.05, 1.0), (1.0, 1.05)):
        changed = on_ground(product, wide, high, ground=1)
        yield _pair(product, "shape", f"stretched {wide:g} × {high:g}", changed)
    yield _pair(product, "text", "label removed", product.bare)
    large, small = product.words
    swapped = labelled(product.bare, product.place, swap(large, 1), small)
    yield _pair(product, "text", "letters swapped", swapped)
    swapped = labelled(product.bare, product.place, swap(large, len(large) - 3), small)
    yield _pair(product, "text", "other letters swapped", swapped)
    yield _pair(product, "", "re-encoded", product.source, quality=75)
    smaller = cv2.resize(product.source, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    yield _pair(product, "", "resized", smaller)
    yield _pair(product, "", "new ground", on_ground(product, 1.0, 1.0, ground=2))


def _pair(product: Product, kind: str, change: str, picture: Any, quality: int = 90) -> Pair:
    target = io.BytesIO()
    Image.fromarray(picture).save(target, "JPEG", quality=quality)
    with Image.open(target) as encoded:
        return Pair(product.name, kind, change, np.asarray(encoded.convert("RGB")))


def swap(word: str, place: int) -> str:
    """The word with two letters that stand side by side swapped; they differ."""
    while word[place] == word[place + 1]:
        place -= 1
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def recoloured(product: Product, hue: int) -> Any:
    """The subject in another colour, on average 8 ΔE2000 away or a little more."""
    source = product.source.astype(np.float32) / 255
    lab = cv2.cvtColor(source, cv2.COLOR_RGB2LAB)
    inside = product.matte > 0.5
    towards = np.array([0, np.cos(np.radians(hue)), np.sin(np.radians(hue))], np.float32)
    changed = source
    for strength in range(6, 80, 2):
        moved = lab + product.matte[..., None] * towards * strength
        changed = np.clip(cv2.cvtColor(moved, cv2.COLOR_LAB2RGB), 0, 1)
        shown = cv2.cvtColor(changed, cv2.COLOR_RGB2LAB)
        if colour.delta_e(lab[inside], shown[inside]).mean() >= 8:
            break
    return (changed * 255).round().astype(np.uint8)


def on_ground(product: Product, wide: float, high: float, ground: int) -> Any:
    """The subject cut out, stretched so, a little smaller and elsewhere, on a drawn ground."""
    height, width = product.source.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    slope = (rows / height * 60 + columns / width * 40 * ground)[..., None]
    plain = np.array([[[150, 165, 180]], [[190, 180, 150]]], np.float32)[ground - 1] + slope
    matrix = np.array([[0.9 * wide, 0, width * 0.02], [0, 0.9 * high, height * 0.03]], np.float32)
    size = (width, height)
    alpha = cv2.warpAffine(product.matte, matrix, size, flags=cv2.INTER_LINEAR)[..., None]
    moved = cv2.warpAffine(product.source.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR)
    mixed = moved * alpha + np.clip(plain, 0, 255) * (1 - alpha)
    return mixed.round().astype(np.uint8)
