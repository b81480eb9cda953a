"""What all pixel modules share: types, soft layers enlarged strip by strip, resizing with alpha.

Pure pixel arithmetic on numpy arrays, free of Django. Photos are uint8 arrays (height, width, 3)
in RGB order, cut-outs have alpha as fourth channel (not premultiplied).

Everything soft (shadows, sets, light) is computed at `SOFT_SIDE` pixels at most and enlarged; only
blending happens at full size, in strips of `STRIP` rows, so that memory stays small at 4K.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Photo = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
# Called inside every loop; raises the caller's own error once the deadline has passed.
Check = Callable[[], None]
Size = tuple[int, int]  # Width, height.

SOFT_SIDE = 1024
STRIP = 256


class NoProductError(ValueError):
    """A cut-out whose alpha is empty."""


def no_deadline() -> None:
    """The check of a caller who has all the time."""


def fitted(width: int, height: int, side: int) -> Size:
    """The size of the same shape whose longer side is `side` at most; never enlarged."""
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def resized(image: Photo, size: Size) -> Photo:
    """The picture at another size; with alpha, colours weigh as much as they are seen."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    shrinks = size[0] < image.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    if image.ndim == 2 or image.shape[2] == 3:
        return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)
    return straight(np.asarray(cv2.resize(premultiplied(image), size, interpolation=how), np.uint8))


def premultiplied(cut: Photo) -> Photo:
    """RGBA with colours multiplied by alpha."""
    alpha = cut[..., 3:].astype(np.uint16)
    colours = (cut[..., :3] * alpha + 127) // 255
    return np.concatenate([colours.astype(np.uint8), cut[..., 3:]], axis=2)


def straight(cut: Photo) -> Photo:
    """The inverse of `premultiplied`."""
    result = np.ascontiguousarray(cut).copy()
    # Opaque and empty pixels, nearly all of a product's picture, stay as they are.
    soft = (result[..., 3] < 255) & (result.view(np.uint32)[..., 0] != 0)
    found = result[soft]
    alpha = found[:, 3:].astype(np.float32)
    colours = found[:, :3].astype(np.float32) * (255.0 / np.maximum(alpha, 1.0))
    result[soft, :3] = as_photo(colours)
    return result


def joined(colours: Photo, alpha: Photo) -> Photo:
    """RGBA from its colours and its alpha."""
    return np.dstack([colours, alpha])


def alpha_of(cut: Photo) -> Photo:
    """The alpha of a cut-out, as an array of its own."""
    return np.ascontiguousarray(cut[..., 3])


def as_photo(values: NDArray[Any]) -> Photo:
    """Rounded and clipped to bytes."""
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def trimmed(cut: Photo, floor: int = 8) -> Photo:
    """The cut-out without its empty margin. Raises NoProductError when nothing is left."""
    top, bottom, left, right = bounds(cut[..., 3] > floor)
    return np.ascontiguousarray(cut[top:bottom, left:right])


def bounds(mask: Mask) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of what is true in the mask, ends excluded."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        raise NoProductError
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def blurred(layer: Floats, sigma: float) -> Floats:
    """A Gaussian blur; wide ones at a quarter of the size, which nobody sees."""
    if sigma < 0.3:
        return layer
    if sigma < 12 or min(layer.shape[:2]) < 64:
        return np.asarray(cv2.GaussianBlur(layer, (0, 0), sigma), np.float32)
    height, width = layer.shape[:2]
    small = cv2.resize(layer, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / 4)
    return np.asarray(
        cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32
    )


def smooth_steps(values: Floats, low: float, high: float) -> Floats:
    """0 below low, 1 above high, an S between them."""
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share), np.float32)


def cloud(rng: np.random.Generator, size: Size, cells: tuple[float, float]) -> Floats:
    """Soft noise of mean 0 and deviation of about 1, cells given in pixels (across, down)."""
    width, height = size
    grid = (max(2, round(height / cells[1]) + 2), max(2, round(width / cells[0]) + 2))
    noise = rng.standard_normal(grid, dtype=np.float32)
    return np.asarray(cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC), np.float32)


def strips(height: int, check: Check = no_deadline) -> Iterator[tuple[int, int]]:
    """Top and bottom of each strip of rows; the deadline is checked before each."""
    for top in range(0, height, STRIP):
        check()
        yield top, min(height, top + STRIP)


def strip_of(layer: Floats, size: Size, top: int, bottom: int) -> Floats:
    """Rows top to bottom of a small soft layer enlarged to the full size."""
    height, width = layer.shape[:2]
    across, down = width / size[0], height / size[1]
    placing = np.array(
        [[across, 0.0, 0.5 * across - 0.5], [0.0, down, (top + 0.5) * down - 0.5]], np.float64
    )
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    target = (size[0], bottom - top)
    moved = cv2.warpAffine(layer, placing, target, flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def grain(rng: np.random.Generator, size: Size, strength: float = 1.1) -> Floats:
    """Fine noise (one channel) that keeps soft layers from banding."""
    noise = rng.standard_normal((size[1], size[0], 1), dtype=np.float32)
    return np.asarray(noise * strength, np.float32)
