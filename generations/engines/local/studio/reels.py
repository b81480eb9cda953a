"""Product Reels and Model Reels: a camera move over the merchant's own picture.

`product_reel` moves over a set in which the cut-out stands, nearer than its ground, with a light
that passes over it; `photo_reel` moves over the photo as it is. Nothing in the picture moves by
itself, and the pages say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from generations.engines.local.pixels import arrays
from generations.engines.local.pixels.arrays import Check, Floats, Photo, Size, no_deadline
from generations.engines.local.studio import films, placing
from generations.engines.local.studio.backdrops import Scene
from generations.engines.local.studio.films import Camera, Film, Move, Seconds

# How much larger than the frame the canvas is that the camera moves over.
_ROOM = 1.09
_NEARER = 0.05  # How much more than its ground the product grows while the camera moves.
_SHINE = 30.0
# Beside a photo of another shape: how soft its reflection is, how much darker one photo further away,
# over which share of the photo it begins, and from which share on it is much softer.
_SOFTNESS = 0.03
_DARKER = 0.45
_FADE = 0.06
_FURTHER = 0.2


@dataclass(frozen=True)
class ReelOptions:
    """Length, move, and size in pixels (one of `films.SIZES`)."""

    seconds: Seconds = 4
    move: Move = "push"
    size: Size = (720, 1280)
    seed: int = 0
    shine: bool = True

    def __post_init__(self) -> None:
        if self.size not in films.SIZES or self.seconds not in (4, 6, 8):
            raise ValueError("A reel has one of three sizes and 4, 6 or 8 seconds.")


def product_reel(
    products: Sequence[placing.Product],
    scene: Scene,
    options: ReelOptions,
    *,
    check: Check = no_deadline,
) -> Film:
    """A film over a scene with one or more cut-outs in it."""
    canvas = _canvas(options.size)
    look = placing.PlacingOptions(canvas, fill=0.9, seed=options.seed)
    stage = placing.staged(products, scene, look, check=check)
    return films.encoded(
        _stage_frames(stage, canvas, options), options.size, options.seconds, check=check
    )


def photo_reel(photo: Photo, options: ReelOptions, *, check: Check = no_deadline) -> Film:
    """A film over the photo (RGB) itself.

    Where the frame would show less than 60 % of the photo, the whole photo is shown, and what lies
    beside it is its own blurred reflection.
    """
    canvas = _canvas(options.size)
    ground = _filling(photo, canvas)
    if _seen_share(photo, canvas) < 0.6:
        ground = _continued(photo, canvas)
    return films.encoded(
        _photo_frames(ground, canvas, options), options.size, options.seconds, check=check
    )


def _canvas(size: Size) -> Size:
    return round(size[0] * _ROOM), round(size[1] * _ROOM)


def _shares(seconds: int) -> Iterator[float]:
    count = seconds * films.FRAMES_A_SECOND
    for number in range(count):
        yield number / (count - 1)


def _warped(image: Photo, matrix: Floats, size: Size) -> Photo:
    moved = cv2.warpAffine(
        image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.uint8)


def _photo_frames(ground: Photo, canvas: Size, options: ReelOptions) -> Iterator[Photo]:
    for share in _shares(options.seconds):
        camera = films.camera_at(options.move, share)
        yield _warped(ground, camera.placing(canvas, options.size), options.size)


def _stage_frames(stage: placing.Stage, canvas: Size, options: ReelOptions) -> Iterator[Photo]:
    width, height = options.size
    across = np.arange(width, dtype=np.float32)[None]
    down = np.arange(height, dtype=np.float32)[:, None]
    slant = np.asarray((across + 0.55 * down) / (width + 0.55 * height), np.float32)
    for share in _shares(options.seconds):
        camera = films.camera_at(options.move, share)
        matrix = camera.placing(canvas, options.size, 0.6)
        frame = _warped(stage.ground, matrix, options.size)
        light = np.zeros_like(slant)
        if options.shine:
            light = np.exp(-((slant - (-0.2 + 1.4 * share)) ** 2) / 0.004) * np.float32(_SHINE)
        for thing in stage.things:
            _lay(frame, thing, camera, matrix, share, light)
        yield frame


def _lay(
    frame: Photo, thing: placing.Placed, camera: Camera, matrix: Floats, share: float, light: Floats
) -> None:
    """One product on a frame: held at the foot of its shadow, growing more than the ground."""
    high, wide = thing.cut.shape[:2]
    zoom = camera.zoom * (1.0 + _NEARER * share * share * (3.0 - 2.0 * share))
    foot = matrix @ np.array([thing.left + wide / 2, thing.top + high, 1.0], np.float32)
    left, top = float(foot[0]) - zoom * wide / 2, float(foot[1]) - zoom * high
    x, y = max(0, int(np.floor(left))), max(0, int(np.floor(top)))
    end = min(frame.shape[1], int(np.ceil(left + zoom * wide)) + 1)
    bottom = min(frame.shape[0], int(np.ceil(top + zoom * high)) + 1)
    if x >= end or y >= bottom:
        return
    inner = np.array([[zoom, 0, left - x], [0, zoom, top - y]], np.float32)
    part = cv2.warpAffine(thing.cut, inner, (end - x, bottom - y), flags=cv2.INTER_LINEAR)
    layer = np.asarray(part, np.float32)
    alpha = layer[..., 3:] / np.float32(255.0)
    area = frame[y:bottom, x:end]
    mixed = layer[..., :3] + light[y:bottom, x:end, None] * alpha + area * (1.0 - alpha)
    frame[y:bottom, x:end] = arrays.as_photo(mixed)


def _seen_share(photo: Photo, size: Size) -> float:
    shape, wanted = photo.shape[1] / photo.shape[0], size[0] / size[1]
    return float(min(shape, wanted) / max(shape, wanted))


def _filling(photo: Photo, size: Size) -> Photo:
    """The middle of the photo, scaled so that it fills the size."""
    height, width = photo.shape[:2]
    scale = max(size[0] / width, size[1] / height)
    inner = (max(1, round(size[0] / scale)), max(1, round(size[1] / scale)))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    crop = np.ascontiguousarray(photo[top : top + inner[1], left : left + inner[0]])
    return arrays.resized(crop, size)


def _continued(photo: Photo, canvas: Size) -> Photo:
    """The whole photo across the canvas, going over into its own blurred and darker reflection."""
    height, width = photo.shape[:2]
    scale = min(canvas[0] / width, canvas[1] / height)
    inner = arrays.resized(
        photo, (min(canvas[0], round(width * scale)), min(canvas[1], round(height * scale)))
    )
    high, wide = inner.shape[:2]
    top, left = (canvas[1] - high) // 2, (canvas[0] - wide) // 2
    wider = cv2.copyMakeBorder(
        inner, top, canvas[1] - high - top, left, canvas[0] - wide - left, cv2.BORDER_REFLECT
    )
    soft = arrays.blurred(wider.astype(np.float32), _SOFTNESS * max(canvas))
    down, across = _outside(canvas[1], top, high), _outside(canvas[0], left, wide)
    outside = np.maximum(down[:, None], across[None])
    # Further away nothing of the product is to be known again.
    further = np.clip(outside / _FURTHER, 0.0, 1.0)[..., None]
    soft += further * (arrays.blurred(soft, 4 * _SOFTNESS * max(canvas)) - soft)
    soft *= 1.0 - _DARKER * np.clip(outside, 0.0, 1.0)[..., None]
    share = np.clip(1.0 + outside / _FADE, 0.0, 1.0)[..., None]
    return arrays.as_photo(wider + share * (soft - wider))


def _outside(length: int, start: int, inner: int) -> Floats:
    """How far each place is outside the inner part, as share of the inner length; below 0 within.

    Where nothing is outside, every place is deep within.
    """
    if inner >= length:
        return np.full(length, -1.0, np.float32)
    at = np.arange(length, dtype=np.float32) + 0.5
    return np.asarray(np.maximum(start - at, at - start - inner) / inner, np.float32)
