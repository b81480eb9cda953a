"""A small studio for product pictures: grounds, light, turned bodies, tubes and printed labels.

Every body of revolution is seen by a parallel camera that looks down a little; light falls from a
soft box at the upper left and a weaker one at the right. Lengths are in pixels of the finished
picture, `SIDE` a side, with y counted downward. Everything repeats exactly: noise has fixed seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Floats = NDArray[np.floating[Any]]
Point = tuple[float, float]
Ring = tuple[float, Floats]
Window = tuple[slice, slice]
# From heights (0 at the foot, 1 at the top) and angles (0 toward the camera) to colours.
Paint = Callable[[Floats, Floats], Floats]

SIDE = 1600
# Drawn larger and scaled down, which smooths every edge.
OVERSAMPLING = 1.5
TILT = math.radians(14)


def colour(text: str) -> Floats:
    """`#c0ffee` as shares of red, green and blue."""
    return np.array([int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)], dtype=np.float32)


def plain(text: str) -> Paint:
    """One colour all over."""
    return lambda heights, _angles: np.broadcast_to(colour(text), (*heights.shape, 3))


@dataclass(frozen=True)
class Finish:
    """How a surface takes light: share of gloss, sharpness of its highlights, light of its own."""

    gloss: float = 0.25
    sharpness: float = 7.0
    glow: float = 0.0


@dataclass(frozen=True)
class Body:
    """A turned body: (height, radius) from foot to top, its middle and the middle of its foot."""

    profile: Sequence[tuple[float, float]]
    x: float
    y: float

    @property
    def height(self) -> float:
        return self.profile[-1][0]


class Canvas:
    """The picture while it is drawn, floats from 0 to 1."""

    def __init__(self, ground: Floats) -> None:
        self.pixels = ground

    @property
    def scale(self) -> float:
        return float(self.pixels.shape[0] / SIDE)

    def finished(self) -> Image.Image:
        """The picture at its final size, with the faint noise that a camera's sensor has."""
        image = Image.fromarray((self.pixels.clip(0, 1) * 255).astype(np.uint8))
        small = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
        noisy = small + np.random.default_rng(3).normal(0, 1.2, (SIDE, SIDE, 1))
        return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))

    def revolve(self, body: Body, paint: Paint, finish: Finish) -> None:
        """Draw the outside of a turned body, from its foot upward."""
        s = self.scale
        heights, radii = _outline(body, s)
        slopes = np.gradient(radii, heights)
        across = np.arange(-math.ceil(radii.max()), math.ceil(radii.max()) + 1, dtype=np.float32)
        sines = across[None] / np.maximum(radii[:, None], 0.5)
        seen = np.abs(sines) < 1
        cosines = np.sqrt(np.clip(1 - sines**2, 0, 1))
        rows = body.y * s - heights[:, None] * math.cos(TILT)
        rows = np.rint(rows + radii[:, None] * cosines * math.sin(TILT)).astype(np.int32)
        columns = np.broadcast_to(round(body.x * s) + across.astype(np.int32), rows.shape)
        length = np.sqrt(1 + slopes[:, None] ** 2)
        lit = _light(sines / length, -slopes[:, None] / length, cosines / length, finish)
        shares = np.broadcast_to((heights / heights[-1])[:, None], rows.shape)
        # Between the body's foot and the ground little light arrives.
        base = 1 - 0.35 * np.exp(-heights[:, None] / (18 * s))
        shown = (
            self._lit(paint(shares, np.arcsin(sines.clip(-1, 1))), lit, finish) * base[..., None]
        )
        side = self.pixels.shape[0]
        seen &= (rows >= 0) & (rows < side) & (columns >= 0) & (columns < side)
        self.pixels[rows[seen], columns[seen]] = shown[seen]

    def disc(self, x: float, y: float, radius: float, rings: Sequence[Ring]) -> None:
        """A level disc of nested rings: each (share of the radius, colour), the outermost first."""
        window, right, down = self._around(x, y, radius, radius * math.sin(TILT))
        far = np.hypot(right, down / math.sin(TILT))
        # The left wall of an opening lies in its own shadow, the right one in the light.
        turn = 1 + 0.16 * right / (radius * self.scale)
        for share, tint in rings:
            cover = (radius * share * self.scale - far) * math.sin(TILT) + 0.5
            self._blend(window, tint * turn[..., None], cover)

    def tube(self, middle: Point, reach: Point, width: float, tint: str) -> None:
        """A bent tube along an ellipse, such as a handle; what it joins is drawn over it."""
        s = self.scale
        window, right, down = self._around(*middle, reach[0] + width, reach[1] + width)
        x, y = right / (reach[0] * s), down / (reach[1] * s)
        far = np.maximum(np.hypot(x, y), 1e-3)
        # Distance from the ellipse's line, in half widths of the tube.
        steepness = np.hypot(x / (reach[0] * s), y / (reach[1] * s)) / far
        off = (far - 1) / np.maximum(steepness, 1e-6) / (width / 2 * s)
        rise = np.sqrt(np.clip(1 - off**2, 0, 1))
        finish = Finish(gloss=0.2)
        lit = _light(off * x / far, -off * y / far, rise, finish)
        cover = (1 - np.abs(off)) * width / 2 * s + 0.5
        self._blend(window, self._lit(colour(tint), lit, finish), cover)

    def shadow(
        self, x: float, y: float, reach: tuple[float, float], soft: float, depth: float
    ) -> None:
        """A soft elliptic shadow on the ground."""
        s = self.scale
        side = self.pixels.shape[0] // 4
        mask = Image.new("L", (side, side))
        box = [(x - reach[0]), (y - reach[1]), (x + reach[0]), (y + reach[1])]
        ImageDraw.Draw(mask).ellipse([value * s / 4 for value in box], fill=255)
        mask = mask.filter(ImageFilter.GaussianBlur(soft * s / 4))
        full = mask.resize((self.pixels.shape[1], self.pixels.shape[0]), Image.Resampling.BICUBIC)
        self.pixels *= 1 - depth * np.asarray(full, dtype=np.float32)[..., None] / 255

    def paste(self, shape: Image.Image, tint: Floats) -> None:
        """Lay colours over the picture through a mask of the picture's finished size."""
        size = (self.pixels.shape[1], self.pixels.shape[0])
        cover = np.asarray(shape.resize(size, Image.Resampling.BICUBIC), dtype=np.float32) / 255
        self._blend((slice(None), slice(None)), tint, cover)

    def _around(
        self, x: float, y: float, across: float, down: float
    ) -> tuple[Window, Floats, Floats]:
        """The part of the picture around a point, and its pixels' distances from the point."""
        s, side = self.scale, self.pixels.shape[0]
        left, right = max(0, int((x - across) * s) - 2), min(side, int((x + across) * s) + 3)
        top, bottom = max(0, int((y - down) * s) - 2), min(side, int((y + down) * s) + 3)
        rows, columns = np.ogrid[top:bottom, left:right]
        window = (slice(top, bottom), slice(left, right))
        return window, columns.astype(np.float32) - x * s, rows.astype(np.float32) - y * s

    def _blend(self, window: Window, shown: Floats, cover: Floats) -> None:
        part = self.pixels[window]
        part += cover.clip(0, 1)[..., None] * (shown - part)

    @staticmethod
    def _lit(tint: Floats, lit: tuple[Floats, Floats], finish: Finish) -> Floats:
        diffuse, shine = lit
        body = tint * (finish.glow + (1 - finish.glow) * diffuse[..., None])
        return np.asarray(body + shine[..., None] * (1 - body), dtype=np.float32)


def _light(x: Floats, up: Floats, toward: Floats, finish: Finish) -> tuple[Floats, Floats]:
    """Diffuse light and shine for a surface's normal."""
    key = np.clip((-0.62 * x + 0.42 * up + 0.66 * toward + 0.25) / 1.25, 0, 1)
    fill = np.clip(0.8 * x + 0.2 * up + 0.5 * toward, 0, 1)
    diffuse = 0.2 + 0.78 * key + 0.14 * fill
    angle = np.arctan2(x, np.maximum(toward, 1e-3))
    box = np.exp(-(((angle + 0.72) * finish.sharpness) ** 2))
    edge = np.exp(-(((angle - 1.12) * finish.sharpness * 1.4) ** 2))
    return diffuse, finish.gloss * (box + 0.45 * edge)


def _outline(body: Body, scale: float) -> tuple[Floats, Floats]:
    """Heights and radii along the profile without hard corners, less than half a pixel apart."""
    heights = np.arange(0, body.height * scale, 0.5)
    told_heights, told_radii = np.array(body.profile).T * scale
    radii = np.interp(heights, told_heights, told_radii)
    width = min(61, len(radii) // 8 * 2 + 1)
    padded = np.pad(radii, width // 2, mode="edge")
    radii = np.convolve(padded, np.ones(width) / width, mode="valid")
    way = np.concatenate([[0], np.cumsum(np.hypot(np.diff(heights), np.diff(radii)))])
    even = np.arange(0, way[-1], 0.45)
    return (
        np.interp(even, way, heights).astype(np.float32),
        np.interp(even, way, radii).astype(np.float32),
    )


def studio(upper: str, lower: str) -> Canvas:
    """A paper backdrop that bends without a corner from wall to floor."""
    side = round(SIDE * OVERSAMPLING)
    down, right = np.mgrid[:side, :side].astype(np.float32) / side
    bend = 1 / (1 + np.exp(-(down - 0.62) * 16))
    tints = [colour(text) for text in (upper, lower)]
    ground = tints[0] * (1 - bend[..., None]) + tints[1] * bend[..., None]
    light = 1.06 - 0.3 * np.hypot(right - 0.38, down - 0.42) ** 1.5
    return Canvas((ground * light[..., None]).astype(np.float32))


def wooden_table(wall: str, wood: str, edge: float) -> Canvas:
    """A plain wall above a table of planks; `edge` is the table's far edge, as a share of the side."""
    canvas = studio(wall, wall)
    side = canvas.pixels.shape[0]
    top = round(edge * side)
    noise = np.random.default_rng(5)
    depth = side - top
    grain = _stretched_noise(noise, depth, side, 1.0, 42.0)
    veins = _stretched_noise(noise, depth, side, 3.0, 90.0)
    rows = np.arange(depth, dtype=np.float32)[:, None] / depth
    # Planks run across and grow wider toward the camera.
    plank = np.floor(np.log1p(rows * 6) * 2.1)
    joint = np.minimum(1, np.abs(np.log1p(rows * 6) * 2.1 - np.rint(np.log1p(rows * 6) * 2.1)) * 70)
    tone = 1 + 0.07 * np.sin(plank * 2.3 + 1) + 0.05 * grain + 0.09 * np.sin(veins * 5)
    shade = tone * (0.72 + 0.28 * joint) * (0.82 + 0.2 * rows)
    canvas.pixels[top:] = np.float32(colour(wood)) * shade[..., None]
    canvas.pixels[top - 2 : top + 2] *= 0.82
    return canvas


def _stretched_noise(
    noise: np.random.Generator, height: int, width: int, down: float, across: float
) -> Floats:
    """Smooth noise of mean 0 and deviation 1, with features of the given size in pixels."""
    size = (max(2, round(height / down / 4)), max(2, round(width / across / 4)))
    coarse = Image.fromarray(noise.normal(0, 1, size).astype(np.float32))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    return np.asarray((smooth - smooth.mean()) / smooth.std(), dtype=np.float32)


def woven(side: int, tint: str) -> Floats:
    """Canvas cloth: threads over and under, with the unevenness of yarn."""
    noise = np.random.default_rng(9)
    down, right = np.mgrid[:side, :side].astype(np.float32)
    threads = np.sin(down * 1.15) * np.sin(right * 1.15)
    yarn = _stretched_noise(noise, side, side, 1.0, 9.0) + _stretched_noise(
        noise, side, side, 9.0, 1.0
    )
    tone = 1 + 0.035 * threads + 0.02 * yarn
    return np.asarray(colour(tint) * tone[..., None], dtype=np.float32)


def printed(
    size: tuple[int, int], paper: str, ink: str, lines: Sequence[tuple[str, int, float]]
) -> Floats:
    """A label: each line is (text, letter height, middle as a share of the label's height)."""
    image = Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(image)
    for text, letters, at in lines:
        font = ImageFont.load_default(letters)
        draw.text((size[0] / 2, size[1] * at), text, fill=ink, font=font, anchor="mm")
    return np.asarray(image, dtype=np.float32) / 255


def labelled(ground: Paint, label: Floats, band: tuple[float, float], half_width: float) -> Paint:
    """The ground's paint with a label between two heights, reaching to an angle on either side."""

    def paint(heights: Floats, angles: Floats) -> Floats:
        rows = (band[1] - heights) / (band[1] - band[0]) * label.shape[0]
        columns = (angles / half_width + 1) / 2 * label.shape[1]
        on = (rows >= 0) & (rows < label.shape[0]) & (columns >= 0) & (columns < label.shape[1])
        shown = np.array(ground(heights, angles))
        shown[on] = label[rows[on].astype(int), columns[on].astype(int)]
        return shown

    return paint
