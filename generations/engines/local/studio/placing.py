"""Product Placement and backgrounds: 1 to 14 cut-outs in one scene, on one floor.

The layout follows the number of products and the sizes the merchant gave them: up to four stand in
one row, up to eight in two, more in three; rows further back stand higher and smaller. Each product
stands on its own contact shadow and casts one the way the scene's light falls. Products are scaled
and otherwise left as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from generations.engines.local.pixels import arrays, brushes, shadows
from generations.engines.local.pixels.arrays import Check, Floats, Photo, Size, no_deadline
from generations.engines.local.studio.backdrops import Scene

MOST_PRODUCTS = 14
# "group" makes rows by the number of products, "row" one row, "steps" a row for every two.
Layout = Literal["group", "row", "steps"]
_TINT = np.array([1.0, 0.985, 0.95], np.float32)
_ROW_STEP = 0.11  # How much higher the next row back stands, as share of the height.
_ROW_SHRINK = 0.86
SIZES = (0.2, 5.0)


@dataclass(frozen=True)
class Product:
    """A cut-out (RGBA) and how large it is to look next to the others."""

    cut: Photo
    size: float = 1.0

    def __post_init__(self) -> None:
        if not SIZES[0] <= self.size <= SIZES[1]:
            raise ValueError("A product's size is from 0.2 to 5.")


@dataclass(frozen=True)
class PlacingOptions:
    """The picture's size in pixels; shadow from 0 to 1; fill is how much room products take."""

    size: Size
    shadow: float = 0.68
    fill: float = 1.0
    seed: int = 0
    layout: Layout = "group"


@dataclass(frozen=True)
class Stage:
    """A scene with the shadows of its products, and the products apart, the furthest first."""

    ground: Photo
    things: tuple[Placed, ...]


@dataclass
class _Thing:
    """A product on its way into the scene; measures are shares of the picture's height."""

    cut: Photo
    sides: tuple[brushes.Side, ...]
    wide: float
    high: float
    row: int = 0
    x: float = 0.0  # Its middle, as share of the picture's width.
    base: float = 1.0


@dataclass(frozen=True)
class Placed:
    """A product at its size (premultiplied RGBA) and place in pixels."""

    cut: Photo
    left: int
    top: int
    stands: bool

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Top, bottom, left, right."""
        height, width = self.cut.shape[:2]
        return self.top, self.top + height, self.left, self.left + width


def placed(
    products: Sequence[Product],
    scene: Scene,
    options: PlacingOptions,
    *,
    check: Check = no_deadline,
) -> Photo:
    """One picture (RGB) with all products in the scene.

    Raises ValueError for none or more than fourteen, NoProductError for an empty cut-out.
    """
    things = _things(products, scene, options, check)
    shade = _shade(things, scene, options, check)
    return _blended(things, scene, shade, options, check)


def staged(
    products: Sequence[Product],
    scene: Scene,
    options: PlacingOptions,
    *,
    check: Check = no_deadline,
) -> Stage:
    """Like `placed`, with the products still apart from the ground, for a camera to move."""
    things = _things(products, scene, options, check)
    shade = _shade(things, scene, options, check)
    return Stage(_blended([], scene, shade, options, check), tuple(things))


def _things(
    products: Sequence[Product], scene: Scene, options: PlacingOptions, check: Check
) -> list[Placed]:
    if not 1 <= len(products) <= MOST_PRODUCTS:
        raise ValueError(f"One to {MOST_PRODUCTS} products.")
    done = []
    for thing in _laid_out(products, scene, options):
        check()
        done.append(_scaled(thing, options.size))
    return done


def _laid_out(products: Sequence[Product], scene: Scene, options: PlacingOptions) -> list[_Thing]:
    """Things with size and place, the furthest first."""
    things = [_thing(product) for product in products]
    shape = options.size[0] / options.size[1]
    if len(things) == 1:
        _place_alone(things[0], scene, shape, options.fill)
        return things
    rows = _rows(things, options.layout)
    _size_rows(rows, scene, shape, options.fill)
    rng = np.random.default_rng(options.seed)
    for row in rows:
        _spread(row, rows, scene, shape, rng)
    for row in rows[1:]:
        for thing in row:
            _step_aside(thing, things, shape)
    return sorted(things, key=lambda thing: thing.base)


def _thing(product: Product) -> _Thing:
    sides = brushes.cut_off_sides(product.cut[..., 3])
    top, bottom, left, right = arrays.bounds(product.cut[..., 3] > 8)
    cut = product.cut[top:bottom, left:right]  # A view: fourteen large copies would be 1 GB.
    shape = (cut.shape[1] / cut.shape[0]) ** 0.5
    return _Thing(cut, sides, product.size * shape, product.size / shape)


def _scale(thing: _Thing, factor: float) -> None:
    thing.wide *= factor
    thing.high *= factor


def _place_alone(thing: _Thing, scene: Scene, shape: float, fill: float) -> None:
    """One product: in the middle; what is cut off goes to the edge that cuts it."""
    most_high, most_wide = 0.6 * fill, 0.62 * shape * fill
    base, thing.x = scene.base, 0.5
    if "bottom" in thing.sides:
        base, most_high, most_wide = 1.0, 0.88 * fill, 0.92 * shape
    if {"left", "right"} <= set(thing.sides):
        most_high, most_wide = 4.0, shape
    elif {"top", "bottom"} <= set(thing.sides):
        # From edge to edge: with room above it, a head would stand sawn off.
        most_high, most_wide = 1.0, 4.0 * shape
    _scale(thing, min(most_high / thing.high, most_wide / thing.wide))
    if scene.horizon == 0 and not thing.sides:
        base = 0.5 + thing.high / 2
    if "left" in thing.sides:
        thing.x = thing.wide / 2 / shape
    elif "right" in thing.sides:
        thing.x = 1.0 - thing.wide / 2 / shape
    thing.base = thing.high if "top" in thing.sides and "bottom" not in thing.sides else base


def _row_count(count: int, layout: Layout) -> int:
    if layout == "row":
        return 1
    if layout == "steps":
        return min(4, (count + 1) // 2 if count > 2 else 2)
    return 1 if count <= 4 else 2 if count <= 8 else 3


def _rows(things: list[_Thing], layout: Layout) -> list[list[_Thing]]:
    """Front row first. The tallest stand at the back, each row in the merchant's order."""
    count = len(things)
    number = _row_count(count, layout)
    by_height = sorted(range(count), key=lambda i: (things[i].high, i))
    rows, start = [], 0
    for row in range(number):
        length = (count - start) // (number - row)
        members = sorted(by_height[start : start + length])
        rows.append([things[i] for i in members])
        start += length
    for row_number, members_of_row in enumerate(rows):
        for thing in members_of_row:
            thing.row = row_number
    return rows


def _size_rows(rows: list[list[_Thing]], scene: Scene, shape: float, fill: float) -> None:
    """One factor for all, so that the widest row and the tallest product fit."""
    factors = []
    for number, row in enumerate(rows):
        shrink = _ROW_SHRINK**number
        for thing in row:
            _scale(thing, shrink)
        room = 0.82 if len(rows) == 1 else 0.74
        factors.append(room * scene.room * shape * fill / sum(thing.wide for thing in row))
        high = 0.8 / len(rows) if scene.horizon == 0 else scene.base - 0.14
        factors.append(high * fill / max(thing.high for thing in row))
    for row in rows:
        for thing in row:
            _scale(thing, min(*factors, 1.2))


def _spread(
    row: list[_Thing],
    rows: list[list[_Thing]],
    scene: Scene,
    shape: float,
    rng: np.random.Generator,
) -> None:
    """Places in a row, and how far up it stands."""
    number, count = row[0].row, len(rows)
    total, usable = sum(thing.wide for thing in row), 0.9 * shape * scene.room
    if count == 1:
        # Alone, a row keeps together: gaps of a third of a product's width at most.
        usable = min(usable, total * 1.34)
    gap = (usable - total) / len(row)
    at = (shape - usable) / 2
    if any(len(other) == len(row) for other in rows if other is not row):
        # Rows of as many products would hide one another: they move apart by half a place.
        at += (0.25 if number % 2 else -0.25) * usable / len(row)
    for thing in row:
        middle = at + (thing.wide + gap) / 2
        at += thing.wide + gap
        edge = thing.wide / 2 + 0.02 * shape
        thing.x = min(max(middle, edge), max(edge, shape - edge)) / shape
        thing.base = _base(thing, number, count, scene) + float(rng.uniform(-0.006, 0.006))


def _step_aside(thing: _Thing, things: Sequence[_Thing], shape: float) -> None:
    """Move a product of a row further back to where the others hide it least, but not far."""
    edge = min(0.5, thing.wide / 2 / shape + 0.02)
    places = np.linspace(edge, 1.0 - edge, 49)

    def cost(place: float) -> float:
        total = 0.35 * abs(place - thing.x)
        for other in things:
            if other is thing:
                continue
            reach = (thing.wide + other.wide) / 2 / shape - abs(place - other.x)
            across = min(max(0.0, reach), thing.wide / shape) * shape / thing.wide
            if other.row == thing.row:
                total += 1.5 * across
            elif other.row < thing.row:
                hidden = thing.base - (other.base - other.high)
                total += across * min(max(0.0, hidden / thing.high), 1.0)
        return total

    thing.x = float(min([thing.x, *places], key=cost))


def _base(thing: _Thing, number: int, count: int, scene: Scene) -> float:
    """Where a product of a row (0 is the front one) stands, as share of the height."""
    if "bottom" in thing.sides:
        return 1.01
    if scene.horizon == 0:
        return 0.1 + 0.8 * (count - number - 0.5) / count + thing.high / 2
    front = min(0.95, scene.base + 0.045 * (count - 1) + (0.02 if scene.room == 1 else 0.0))
    step = min(_ROW_STEP, max(0.02, (front - scene.horizon - 0.05) / count))
    return front - step * number


def _scaled(thing: _Thing, size: Size) -> Placed:
    """The product at its size in pixels; colours weigh as much as they are seen."""
    width, height = size
    target = (max(1, round(thing.wide * height)), max(1, round(thing.high * height)))
    how = cv2.INTER_AREA if target[0] < thing.cut.shape[1] else cv2.INTER_CUBIC
    cut = np.asarray(
        cv2.resize(arrays.premultiplied(thing.cut), target, interpolation=how), np.uint8
    )
    # Cubic enlarging swings over; premultiplied colours are never above their alpha.
    cut[..., :3] = np.minimum(cut[..., :3], cut[..., 3:])
    left = round(thing.x * width - target[0] / 2)
    top = round(thing.base * height) - target[1]
    return Placed(cut, left, top, "bottom" not in thing.sides)


def _shade(things: list[Placed], scene: Scene, options: PlacingOptions, check: Check) -> Floats:
    """How much light all products together take from the scene, at soft size."""
    width, height = options.size
    small = arrays.fitted(width, height, arrays.SOFT_SIDE)
    factor = small[0] / width
    light = np.ones((small[1], small[0]), np.float32)
    style: shadows.Style = "drop" if scene.horizon == 0 else "cast"
    look = shadows.ShadowOptions(style=style, angle=scene.light, strength=options.shadow)
    for thing in things:
        check()
        if thing.stands:
            _take_light(light, thing, factor, look)
    return np.asarray(1.0 - light, np.float32)


def _take_light(light: Floats, thing: Placed, factor: float, look: shadows.ShadowOptions) -> None:
    """Multiply what one product leaves of the light into its part of the canvas."""
    high, wide = thing.cut.shape[:2]
    size = (max(2, round(wide * factor)), max(2, round(high * factor)))
    alpha = cv2.resize(np.ascontiguousarray(thing.cut[..., 3]), size, interpolation=cv2.INTER_AREA)
    rim = max(8, round(0.3 * size[0]))
    lean = round(0.6 * size[1] * abs(np.tan(np.radians(look.angle)))) + rim
    pad = ((round(0.1 * size[1]), rim), (lean if look.angle < 0 else rim, lean))
    canvas = np.pad(alpha, pad).astype(np.float32) / np.float32(255.0)
    if not (canvas > 0.5).any():
        return
    left = 1.0 - shadows.darkness(canvas, look)
    x, y = round(thing.left * factor) - pad[1][0], round(thing.top * factor) - pad[0][0]
    top, bottom = max(0, y), min(light.shape[0], y + left.shape[0])
    start, end = max(0, x), min(light.shape[1], x + left.shape[1])
    if top < bottom and start < end:
        light[top:bottom, start:end] *= left[top - y : bottom - y, start - x : end - x]


def _blended(
    things: list[Placed], scene: Scene, shade: Floats, options: PlacingOptions, check: Check
) -> Photo:
    width, height = options.size
    result = np.empty((height, width, 3), np.uint8)
    rng = np.random.default_rng(options.seed)
    for top, bottom in arrays.strips(height, check):
        strip = arrays.strip_of(scene.colours, options.size, top, bottom)
        dark = arrays.strip_of(shade, options.size, top, bottom)[..., None]
        strip = strip * (1.0 - dark * _TINT)
        strip += arrays.grain(rng, (width, bottom - top))
        for thing in things:
            _lay(strip, thing, top)
        result[top:bottom] = arrays.as_photo(strip)
    return result


def _lay(strip: Floats, thing: Placed, top: int) -> None:
    """One product's part of a strip, over what is there."""
    above, below, left, right = thing.box
    first, last = max(top, above), min(top + strip.shape[0], below)
    start, end = max(0, left), min(strip.shape[1], right)
    if first >= last or start >= end:
        return
    part = thing.cut[first - above : last - above, start - left : end - left].astype(np.float32)
    area = strip[first - top : last - top, start:end]
    strip[first - top : last - top, start:end] = part[..., :3] + area * (
        1.0 - part[..., 3:] / 255.0
    )
