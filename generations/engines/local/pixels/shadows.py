"""AI Shadowing: contact, cast, drop and reflection under a cut-out whose pixels stay untouched.

The shadow is darkness from 0 to 1, made from the alpha at `SOFT_SIDE` pixels at most and enlarged
strip by strip. The canvas grows where the shadow needs room unless it has to stay as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from generations.engines.local.pixels import arrays
from generations.engines.local.pixels.arrays import Check, Floats, Photo, no_deadline

Style = Literal["contact", "cast", "drop", "reflection"]
Ground = Literal["transparent", "white", "colour", "original"]

# A shadow outdoors and in a studio is a little blue: it takes less of the blue light away.
_TINT = np.array([1.0, 0.985, 0.95], np.float32)
# How far above the lowest point the product still counts as standing, as share of its height.
_FOOT = 0.10
_RIM = 0.06


@dataclass(frozen=True)
class ShadowOptions:
    """What the merchant chooses.

    `angle` is where a cast or drop shadow leans to, in degrees from straight back: negative to the
    left, positive to the right, from -75 to 75. `strength` is from 0 to 1. `colour` is the ground's
    when `ground` is "colour".
    """

    style: Style = "contact"
    angle: float = 35.0
    strength: float = 0.6
    ground: Ground = "transparent"
    colour: tuple[int, int, int] = (244, 242, 238)

    def __post_init__(self) -> None:
        if not -75.0 <= self.angle <= 75.0 or not 0.0 <= self.strength <= 1.0:
            raise ValueError("The angle is from -75 to 75 and the strength from 0 to 1.")


def darkness(alpha: Floats, options: ShadowOptions) -> Floats:
    """How much light a product of this alpha (0 to 1, on its canvas) takes from its ground."""
    solid = alpha > 0.5
    if not solid.any():
        return np.zeros_like(alpha)
    contact = _contact(alpha)
    if options.style == "drop":
        shade = _drop(alpha, options.angle)
    elif options.style == "cast":
        shade = _union(contact, 0.75 * _cast(alpha, options.angle))
    else:
        # A mirror takes little light; what is left says that the product touches it.
        shade = contact if options.style == "contact" else 0.4 * contact
    # The middle of the slider looks natural; its end is nearly black where the product stands.
    return np.asarray(np.clip(shade * (1.45 * options.strength), 0.0, 0.97), np.float32)


def _union(first: Floats, second: Floats) -> Floats:
    """Two shadows over one another take light away one after the other."""
    return np.asarray(1.0 - (1.0 - first) * (1.0 - second), np.float32)


def _extent(alpha: Floats) -> tuple[int, int, int, int]:
    return arrays.bounds(alpha > 0.5)


def _feet(alpha: Floats) -> Floats:
    """The thin line along which the product touches its ground, weaker where it lifts off it."""
    height = alpha.shape[0]
    solid = alpha > 0.5
    top, bottom, _, _ = _extent(alpha)
    lowest = np.where(solid.any(axis=0), height - 1 - np.argmax(solid[::-1], axis=0), -1)
    reach = _FOOT * (bottom - top) + 1.0
    near = np.clip(1.0 - (bottom - 1 - lowest) / reach, 0.0, 1.0) * (lowest >= 0)
    thick = max(1.0, 0.012 * (bottom - top))
    rows = np.arange(height, dtype=np.float32)[:, None]
    line = np.clip(1.5 - np.abs(rows - lowest[None]) / thick, 0.0, 1.0)
    return np.asarray(line * near[None], np.float32)


def _contact(alpha: Floats) -> Floats:
    """A dark line right under the product, a soft pool around it and a wide, faint one."""
    _, _, left, right = _extent(alpha)
    across = float(right - left)
    feet = _feet(alpha)
    line = np.clip(arrays.blurred(feet, 0.004 * across + 0.6) * 1.6, 0.0, 1.0)
    wide = max(3, int(0.05 * across) | 1)
    pool = cv2.dilate(feet, np.ones((max(3, int(0.012 * across) | 1), wide), np.uint8))
    near = np.clip(_flat_blur(np.asarray(pool, np.float32), 0.03 * across) * 1.35, 0.0, 1.0)
    far = np.clip(_flat_blur(np.asarray(pool, np.float32), 0.09 * across) * 1.5, 0.0, 1.0)
    return _union(_union(0.55 * line, 0.5 * near), 0.36 * far)


def _flat_blur(layer: Floats, sigma: float) -> Floats:
    """A blur wider than high: the ground is seen at a flat angle."""
    narrow = max(0.6, 0.4 * sigma)
    if sigma < 12:
        return np.asarray(cv2.GaussianBlur(layer, (0, 0), sigma, sigmaY=narrow), np.float32)
    size = (max(2, layer.shape[1] // 4), max(2, layer.shape[0] // 4))
    small = cv2.resize(layer, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / 4, sigmaY=narrow / 4)
    full = (layer.shape[1], layer.shape[0])
    return np.asarray(cv2.resize(small, full, interpolation=cv2.INTER_LINEAR), np.float32)


def _cast(alpha: Floats, angle: float) -> Floats:
    """The silhouette laid on the ground, leaning to the angle, softer and lighter far away."""
    height, width = alpha.shape
    top, bottom, left, right = _extent(alpha)
    base, across = bottom - 1.0, float(right - left)
    lean, length = float(np.tan(np.radians(angle))) * 0.55, 0.42
    # From the ground to the product: a row `d` above the base shows the row `d / length` above it.
    placing = np.array(
        [[1.0, lean / length, -lean / length * base], [0.0, 1.0 / length, base - base / length]]
    )
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = np.asarray(cv2.warpAffine(alpha, placing, (width, height), flags=how), np.float32)
    laid[int(bottom) :] = 0.0
    rows = (base - np.arange(height, dtype=np.float32))[:, None]
    share = np.clip(rows / max(1.0, length * (bottom - top)), 0.0, 1.0)
    near, middle, far = (arrays.blurred(laid, k * across) for k in (0.008, 0.028, 0.06))
    soft = np.where(
        share < 0.4,
        near + (middle - near) * (share / 0.4),
        middle + (far - middle) * ((share - 0.4) / 0.6),
    )
    return np.asarray(soft * (1.0 - 0.62 * share), np.float32)


def _drop(alpha: Floats, angle: float) -> Floats:
    """As if the product lay flat a little above the ground, seen from above."""
    top, bottom, left, right = _extent(alpha)
    size = float(np.sqrt((bottom - top) * (right - left)))
    shift = np.array([[1, 0, np.sin(np.radians(angle)) * 0.03 * size], [0, 1, 0.03 * size]])
    moved = cv2.warpAffine(alpha, shift, (alpha.shape[1], alpha.shape[0]))
    soft = arrays.blurred(np.asarray(moved, np.float32), 0.03 * size)
    tight = arrays.blurred(alpha, 0.008 * size)
    return np.asarray(np.clip(0.6 * soft + 0.15 * tight, 0.0, 1.0), np.float32)


def room(cut: Photo, options: ShadowOptions) -> tuple[int, int, int, int]:
    """Rows and columns the canvas needs more: top, bottom, left, right."""
    top, bottom, left, right = arrays.bounds(cut[..., 3] > 127)
    high, wide = bottom - top, right - left
    rim = round(_RIM * max(high, wide))
    need = [rim // 2, rim, rim, rim]
    if options.style == "drop":
        need = [round(1.2 * rim), round(2.2 * rim), 2 * rim, 2 * rim]
    if options.style == "reflection":
        need[1] = round(0.42 * high)
    if options.style == "cast":
        lean = round(abs(np.tan(np.radians(options.angle))) * 0.55 * high)
        need[2 if options.angle < 0 else 3] += lean
    have = [top, cut.shape[0] - bottom, left, cut.shape[1] - right]
    more = [max(0, n - h) for n, h in zip(need, have, strict=True)]
    return more[0], more[1], more[2], more[3]


def shadowed(
    cut: Photo,
    options: ShadowOptions,
    *,
    original: Photo | None = None,
    seed: int = 0,
    check: Check = no_deadline,
) -> Photo:
    """The cut-out with its shadow: RGBA on transparent ground, else RGB.

    Opaque pixels of the product keep their exact bytes. On the original ground (`original` is the
    whole photo, as large as the cut-out) the canvas stays; else it grows where the shadow needs
    room. Raises NoProductError when the cut-out is empty.
    """
    if options.ground == "original":
        if original is None or original.shape[:2] != cut.shape[:2]:
            raise ValueError("The original ground needs the whole photo at the cut-out's size.")
    else:
        top, bottom, left, right = room(cut, options)
        cut = np.pad(cut, ((top, bottom), (left, right), (0, 0)))
    check()
    height, width = cut.shape[:2]
    alpha = _small_alpha(cut)
    shade = darkness(alpha, options)
    mirror = _mirror(cut, options) if options.style == "reflection" else None
    if options.ground == "transparent":
        return _on_nothing(cut, shade, mirror, check)
    result = np.empty((height, width, 3), np.uint8)
    rng = np.random.default_rng(seed)
    for above, below in arrays.strips(height, check):
        ground = _ground_strip(options, original, (width, height), (above, below))
        ground = ground * (1.0 - _strip(shade, (width, height), above, below) * _TINT)
        if mirror is not None:
            part = mirror[above:below].astype(np.float32)
            ground += (part[..., :3] - ground) * (part[..., 3:] / 255.0)
        if options.ground != "original":
            ground += arrays.grain(rng, (width, below - above), 0.7)
        result[above:below] = over(cut[above:below], ground)
    return result


def over(cut: Photo, ground: Floats) -> Photo:
    """The cut-out on a ground; where it is opaque its bytes stay."""
    share = cut[..., 3:].astype(np.float32) / 255.0
    return arrays.as_photo(cut[..., :3] * share + ground * (1.0 - share))


def _small_alpha(cut: Photo) -> Floats:
    size = arrays.fitted(cut.shape[1], cut.shape[0], arrays.SOFT_SIDE)
    small = cv2.resize(np.ascontiguousarray(cut[..., 3]), size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255.0)


def _strip(shade: Floats, size: tuple[int, int], top: int, bottom: int) -> Floats:
    return arrays.strip_of(shade, size, top, bottom)[..., None]


def _ground_strip(
    options: ShadowOptions, original: Photo | None, size: tuple[int, int], rows: Sequence[int]
) -> Floats:
    if options.ground == "original" and original is not None:
        return original[rows[0] : rows[1]].astype(np.float32)
    colour = (255, 255, 255) if options.ground == "white" else options.colour
    return np.full((rows[1] - rows[0], size[0], 3), colour, np.float32)


def _mirror(cut: Photo, options: ShadowOptions) -> Photo:
    """The product upside down below its base (RGBA on the same canvas), fading with distance."""
    height = cut.shape[0]
    top, bottom, _, _ = arrays.bounds(cut[..., 3] > 127)
    # It begins a little under the product, which hides it there, so that no gap shows.
    axis = bottom - max(1, round(0.008 * (bottom - top)))
    rows = min(height - axis, round(0.45 * (bottom - top)))
    mirror = np.zeros_like(cut)
    part = cut[bottom - rows : bottom][::-1]
    soft = cv2.GaussianBlur(arrays.premultiplied(part), (0, 0), max(0.5, 0.0022 * (bottom - top)))
    mirror[axis : axis + rows] = arrays.straight(np.asarray(soft, np.uint8))
    fade = np.clip(1.0 - np.arange(rows) / max(1.0, 0.36 * (bottom - top)), 0.0, 1.0) ** 1.6
    share = (0.75 * options.strength * fade)[:, None].astype(np.float32)
    area = mirror[axis : axis + rows, :, 3]
    mirror[axis : axis + rows, :, 3] = np.rint(area * share).astype(np.uint8)
    return mirror


def _on_nothing(cut: Photo, shade: Floats, mirror: Photo | None, check: Check) -> Photo:
    """Shadow and product in one RGBA picture that can be laid on any ground."""
    height, width = cut.shape[:2]
    result = np.empty_like(cut)
    for top, bottom in arrays.strips(height, check):
        product = cut[top:bottom].astype(np.float32)
        share = product[..., 3:] / 255.0
        below = _strip(shade, (width, height), top, bottom)
        colour = np.zeros_like(product[..., :3])
        if mirror is not None:
            part = mirror[top:bottom].astype(np.float32)
            seen = part[..., 3:] / 255.0
            colour, below = part[..., :3] * seen, seen + below * (1.0 - seen)
        total = share + below * (1.0 - share)
        mixed = product[..., :3] * share + colour * (1.0 - share)
        result[top:bottom, :, :3] = arrays.as_photo(mixed / np.maximum(total, 1e-6))
        result[top:bottom, :, 3:] = arrays.as_photo(total * 255.0)
    return result
