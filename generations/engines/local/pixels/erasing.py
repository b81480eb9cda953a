"""Object Removal: fills a masked part with patches of its surroundings (PatchMatch).

Each part of the mask is filled on a crop around it of `CROP_SIDE` pixels at most; a part that is
larger comes back enlarged, with grain like its surroundings'. Where light falls off smoothly around
the part, only what differs from that light is filled by patches. Nothing outside the mask changes.
Another seed is another try.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import cv2
import numpy as np
import patchmatch

from generations.engines.local.pixels import arrays, shading
from generations.engines.local.pixels.arrays import Check, Floats, Mask, Photo, no_deadline

CROP_SIDE = 448
# What the merchant may mask at most, as share of the picture.
LARGEST_SHARE = 0.6
_MOST_PARTS = 12
# Surroundings of a part on each side, as share of its longer side, and in pixels at least.
_SURROUNDINGS = 0.9
_LEAST_SURROUNDINGS = 48
_PATCHES = (5, 4, 6)
_MIDDLE = 128.0
# The package keeps one seed for the whole process.
_filling = threading.Lock()


class EmptyMaskError(ValueError):
    """Nothing is masked."""


class MaskTooLargeError(ValueError):
    """So much is masked that nothing is left to fill it from."""


def erased(photo: Photo, mask: Photo, *, seed: int = 0, check: Check = no_deadline) -> Photo:
    """The photo (RGB) without what the mask (height, width; above 127 counts) covers.

    Raises EmptyMaskError and MaskTooLargeError before anything is computed.
    """
    if mask.shape != photo.shape[:2]:
        raise ValueError("The mask has to be as large as the photo.")
    hole = mask > 127
    covered = np.count_nonzero(hole)
    if not covered:
        raise EmptyMaskError
    if covered > LARGEST_SHARE * hole.size:
        raise MaskTooLargeError
    result = photo.copy()
    for number, part in enumerate(_parts(hole)):
        check()
        _fill_part(result, hole, part, seed * 1009 + number)
    return result


def _parts(hole: Mask) -> Iterator[Mask]:
    """The mask's parts that lie apart, each over the whole picture; all as one when too many."""
    height, width = hole.shape
    size = arrays.fitted(width, height, 512)
    small = cv2.resize(hole.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 0
    joined = cv2.dilate(small.astype(np.uint8), np.ones((15, 15), np.uint8))
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    if not 2 < count <= _MOST_PARTS + 1:
        yield hole
        return
    full = cv2.resize(labels.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    rest = hole.copy()
    for label in range(1, count):
        part = hole & (full == label)
        rest &= ~part
        if part.any():
            yield part
    if rest.any():
        yield rest


def _fill_part(picture: Photo, hole: Mask, part: Mask, seed: int) -> None:
    height, width = part.shape
    top, bottom, left, right = arrays.bounds(part)
    around = max(_LEAST_SURROUNDINGS, round(_SURROUNDINGS * max(bottom - top, right - left)))
    box = (
        slice(max(0, top - around), min(height, bottom + around)),
        slice(max(0, left - around), min(width, right + around)),
    )
    crop, inside = np.ascontiguousarray(picture[box]), part[box]
    filled = _filled(crop, inside, hole[box] & ~inside, seed)
    share = _inner_fade(inside, max(1.0, max(crop.shape) / CROP_SIDE))[..., None]
    mixed = arrays.as_photo(crop + share * (filled - crop))
    picture[box] = np.where(inside[..., None], mixed, crop)


def _filled(crop: Photo, inside: Mask, never: Mask, seed: int) -> Floats:
    """The crop with its hole filled, at its own size; `never` is no source (other holes)."""
    height, width = inside.shape
    size = arrays.fitted(width, height, CROP_SIDE)
    small = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)
    # One pixel more all around takes the soft edge of the thing along.
    gap = _shrunk(inside, size)
    gap = np.asarray(cv2.dilate(gap, np.ones((3, 3), np.uint8)), np.uint8)
    closed = _shrunk(never, size) & ~gap
    shade = shading.shade_around(small, gap > 0, closed > 0)
    if shade is None:
        done = _patched(small, gap, closed, seed)
    else:
        # Patches of another place have another light: they are taken without it.
        flat = arrays.as_photo(small - shade + _MIDDLE)
        done = _patched(flat, gap, closed, seed) - _MIDDLE + shade
    if size == (width, height):
        return done
    large = cv2.resize(done, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.float32) + _lost_grain(crop, small, inside, seed)


def _patched(picture: Photo, gap: Photo, closed: Photo, seed: int) -> Floats:
    """The picture with its gap filled by patches of what is neither gap nor `closed`."""
    with _filling:
        patchmatch.set_random_seed(seed & 0x7FFFFFFF)
        patch = _PATCHES[(seed // 1009) % len(_PATCHES)]
        if closed.any():
            done = patchmatch.inpaint(picture, gap, global_mask=closed, patch_size=patch)
        else:
            done = patchmatch.inpaint(picture, gap, patch_size=patch)
    return np.asarray(done, np.float32)


def _shrunk(mask: Mask, size: tuple[int, int]) -> Photo:
    """The mask at another size; a pixel that is masked at all counts."""
    small = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)
    return np.asarray((small > 0) * 255, np.uint8)


def _lost_grain(crop: Photo, small: Photo, inside: Mask, seed: int) -> Floats:
    """Noise as strong as what shrinking and enlarging took from the surroundings."""
    height, width = inside.shape
    back = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    lost = crop[~inside].astype(np.float32).mean(axis=1) - back[~inside].mean(axis=1)
    # Edges lose much in few places; the median deviation tells of the texture between them.
    strength = min(9.0, 1.48 * float(np.median(np.abs(lost)))) if lost.size else 0.0
    rng = np.random.default_rng(seed & 0x7FFFFFFF)
    noise = rng.standard_normal((height, width), dtype=np.float32)
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.7)) * 2.4
    return np.asarray(noise[..., None] * strength, np.float32)


def _inner_fade(inside: Mask, scale: float) -> Floats:
    """1 inside the mask, a short fade within its rim, so that no line shows."""
    padded = np.pad(inside.astype(np.uint8), 1, mode="edge")
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    return np.asarray(np.clip(distance / (1.0 + 1.5 * scale), 0.0, 1.0), np.float32)
