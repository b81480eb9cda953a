"""Corrections of a cut-out by hand, and the test whether a product is cut off by the picture.

A stroke is data: a mode (keep or erase), a radius as share of the picture's longer side, and
points from 0 to 1 across and down, so that what was painted on a small canvas holds at full size.
Strokes are applied in order to the engine's own alpha, which stays as it is: taking the last
stroke away and applying the rest is undo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np

from generations.engines.local.pixels.arrays import Check, Floats, Photo, no_deadline

Mode = Literal["keep", "erase"]
Side = Literal["top", "bottom", "left", "right"]

MOST_STROKES = 400
MOST_POINTS = 20_000
# The outer share of a stroke's radius over which it fades.
_FADE = 0.3
# A product touches a side when it is opaque on this share of it, and on so many pixels.
_CUT_OFF_SHARE = 0.015
_CUT_OFF_PIXELS = 4


class BadStrokesError(ValueError):
    """Strokes that are not what the brush sends."""


@dataclass(frozen=True)
class Stroke:
    """One line of the brush. Radius as share of the longer side, points as shares (x, y)."""

    mode: Mode
    radius: float
    points: tuple[tuple[float, float], ...]


def read_strokes(data: Any) -> tuple[Stroke, ...]:
    """Strokes from a list of {mode, radius, points}. Raises BadStrokesError."""
    if not isinstance(data, Sequence) or isinstance(data, str) or len(data) > MOST_STROKES:
        raise BadStrokesError(f"Strokes are a list of {MOST_STROKES} at most.")
    strokes = tuple(_read_stroke(each) for each in data)
    if sum(len(stroke.points) for stroke in strokes) > MOST_POINTS:
        raise BadStrokesError(f"Strokes have {MOST_POINTS} points at most.")
    return strokes


def _read_stroke(data: Any) -> Stroke:
    if not isinstance(data, Mapping) or data.get("mode") not in ("keep", "erase"):
        raise BadStrokesError("A stroke has a mode, keep or erase.")
    try:
        radius = float(data["radius"])
        points = tuple((float(x), float(y)) for x, y in data["points"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadStrokesError("A stroke has a radius and points of two numbers.") from error
    if not 0.0 < radius <= 0.5 or not points:
        raise BadStrokesError("A stroke's radius is above 0 and at most 0.5, and it has points.")
    if not all(-0.5 <= value <= 1.5 for point in points for value in point):
        raise BadStrokesError("A stroke's points lie from 0 to 1.")
    return Stroke(data["mode"], radius, points)


def brushed_alpha(alpha: Photo, strokes: Sequence[Stroke], *, check: Check = no_deadline) -> Photo:
    """The alpha (height, width) after all strokes, at its own size."""
    result = alpha.copy()
    for stroke in strokes:
        check()
        _apply(result, stroke)
    return result


def brushed(
    cut: Photo, photo: Photo, strokes: Sequence[Stroke], *, check: Check = no_deadline
) -> Photo:
    """The cut-out (RGBA) after all strokes; what is brought back has the photo's own colours."""
    alpha = brushed_alpha(np.ascontiguousarray(cut[..., 3]), strokes, check=check)
    before = cut[..., 3]
    gained = alpha > before
    result = cut.copy()
    if gained.any():
        # The cleaned edge colour fades into the photo's as the alpha was raised.
        share = (alpha[gained] - before[gained]).astype(np.float32) / alpha[gained]
        own, old = photo[gained].astype(np.float32), cut[gained][:, :3].astype(np.float32)
        result[gained, :3] = np.rint(old + share[:, None] * (own - old)).astype(np.uint8)
    result[..., 3] = alpha
    result[alpha == 0] = 0
    return result


def coverage(
    strokes: Sequence[Stroke], size: tuple[int, int], *, check: Check = no_deadline
) -> Photo:
    """A mask (255 inside) of what the strokes cover, erase taking away: for Object Removal."""
    blank = np.zeros((size[1], size[0]), np.uint8)
    return brushed_alpha(blank, strokes, check=check)


def _apply(alpha: Photo, stroke: Stroke) -> None:
    height, width = alpha.shape
    radius = max(0.75, stroke.radius * max(height, width))
    points = np.asarray(stroke.points, np.float64) * (width, height)
    reach = int(np.ceil(radius)) + 2
    left, top = np.maximum(np.floor(points.min(axis=0)).astype(int) - reach, 0)
    right, bottom = np.minimum(np.ceil(points.max(axis=0)).astype(int) + reach + 1, (width, height))
    if left >= right or top >= bottom:
        return
    area = alpha[top:bottom, left:right]
    share = _painted(points - (left, top), radius, (int(right - left), int(bottom - top)))
    if stroke.mode == "keep":
        np.maximum(area, np.rint(share * 255.0).astype(np.uint8), out=area)
    else:
        np.minimum(area, np.rint((1.0 - share) * 255.0).astype(np.uint8), out=area)


def _painted(points: np.ndarray, radius: float, size: tuple[int, int]) -> Floats:
    """How much the stroke covers each pixel: 1 inside, fading over the rim."""
    canvas = np.full((size[1], size[0]), 255, np.uint8)
    fixed = np.rint((points - 0.5) * 16).astype(np.int32).reshape(-1, 1, 2)
    if len(fixed) == 1:
        fixed = np.repeat(fixed, 2, axis=0)
    cv2.polylines(canvas, [fixed], isClosed=False, color=0, lineType=cv2.LINE_8, shift=4)
    distance = cv2.distanceTransform(canvas, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    fade = max(1.0, _FADE * radius)
    return np.asarray(np.clip((radius - distance) / fade + 0.5, 0.0, 1.0), np.float32)


def cut_off_sides(alpha: Photo) -> tuple[Side, ...]:
    """The sides of the picture at which the product is cut off, where it would stand sawn off."""
    edges: dict[Side, Photo] = {
        "top": alpha[0],
        "bottom": alpha[-1],
        "left": alpha[:, 0],
        "right": alpha[:, -1],
    }
    return tuple(
        side
        for side, line in edges.items()
        if np.count_nonzero(line > 127) >= max(_CUT_OFF_PIXELS, _CUT_OFF_SHARE * line.size)
    )
