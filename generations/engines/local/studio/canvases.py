"""The canvas that backdrop sets are drawn on, and what they share: light, focus, perspective."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from generations.engines.local.pixels.arrays import Floats, cloud, smooth_steps

DRAW_SIDE = 1280
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Canvas:
    """Where to draw: size in pixels, a random source and where the floor begins (share)."""

    width: int
    height: int
    rng: np.random.Generator
    horizon: float

    @property
    def down(self) -> Floats:
        """A column from 0 at the top to 1 at the bottom."""
        return np.linspace(0, 1, self.height, dtype=np.float32)[:, None]

    @property
    def across(self) -> Floats:
        """A row from 0 at the left to 1 at the right."""
        return np.linspace(0, 1, self.width, dtype=np.float32)[None]

    def noise(self, across: float, down: float) -> Floats:
        """Soft noise with cells given as shares of the longer side."""
        side = max(self.width, self.height)
        return cloud(self.rng, (self.width, self.height), (across * side, down * side))


def filled(canvas: Canvas, colour: Colour) -> Floats:
    """The whole canvas in one colour."""
    return np.full((canvas.height, canvas.width, 3), colour, np.float32)


def mixed(first: Floats, second: Floats, share: Floats) -> Floats:
    """The first layer where share is 0, the second where it is 1."""
    return np.asarray(first + (second - first) * share[..., None], np.float32)


def softened(layer: Floats, share: float, canvas: Canvas) -> Floats:
    """Out of focus; share is of the longer side."""
    sigma = max(0.3, share * max(canvas.width, canvas.height))
    return np.asarray(cv2.GaussianBlur(layer, (0, 0), sigma), np.float32)


def lit_from(canvas: Canvas, centre: tuple[float, float], depth: float) -> Floats:
    """A pool of light: 1 at its centre, darker towards the corners."""
    far = (canvas.across - centre[0]) ** 2 + (canvas.down - centre[1]) ** 2 * 0.8
    return np.asarray(1.0 - depth * np.clip(far / 0.55, 0, 1.3), np.float32)[..., None]


def on_floor(canvas: Canvas, texture: Floats, depth: float = 3.2) -> Floats:
    """A flat square texture laid on the floor, in perspective, blurred towards the back."""
    height, width = canvas.height, canvas.width
    side = texture.shape[0]
    # Only rows of the floor are warped: above the horizon the perspective runs to infinity.
    top = min(height - 2, int(canvas.horizon * height))
    rows = height - top
    wide, middle = width * 1.19, width / 2
    back = wide * 2 / depth
    source = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    target = np.array(
        [[middle - back, 0], [middle + back, 0], [middle + wide, rows], [middle - wide, rows]],
        np.float32,
    )
    near = np.empty((height, width, 3), np.float32)
    near[top:] = cv2.warpPerspective(
        texture,
        cv2.getPerspectiveTransform(source, target),
        (width, rows),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    near[:top] = near[top]
    share = smooth_steps(canvas.down, canvas.horizon + 0.34, canvas.horizon)
    return mixed(
        near, softened(near, 0.006, canvas), np.asarray(np.broadcast_to(share, near.shape[:2]))
    )


def met(canvas: Canvas, wall: Floats, floor: Floats, edge: float = 0.006) -> Floats:
    """A wall above the horizon, a floor below it, and the shade where they meet."""
    share = smooth_steps(canvas.down, canvas.horizon - edge, canvas.horizon + edge)
    room = mixed(wall, floor, np.asarray(np.broadcast_to(share, wall.shape[:2])))
    gap = np.abs(canvas.down - canvas.horizon) / 0.05
    meeting = 1.0 - 0.22 * np.exp(-gap) * np.ones_like(canvas.across)
    return np.asarray(room * meeting[..., None], np.float32)


def texture_of(canvas: Canvas, colour: Colour, side: int = 1024) -> tuple[Floats, Canvas]:
    """A square in one colour to draw a floor on, and its canvas."""
    flat = Canvas(side, side, canvas.rng, 0.0)
    return filled(flat, colour), flat
