"""From a photo to a cut-out: five looks by U2-Net-p, closed-form edges, colours cleaned.

One look at 320 pixels often misses an arm of a chair or half of a bag. So the same weights look
five times: at the whole picture at 320 square, 384 and 448 with its shape kept, and close up at
384 shape-kept and 320 square. Per pixel the second highest answer counts: one look that sees too
much is outvoted, and three that miss a part do not lose it.

The coarse answer becomes a matte by closed-form matting at `EDGE_SIDE` pixels, which follows hair
without a halo. What goes to full size are linear functions of the colours, not the matte, so that
edges follow the full-size pixels.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import onnxruntime

from generations.engines.local.pixels import closed_form
from generations.engines.local.pixels.arrays import Check, Floats, Mask, Photo, no_deadline

Box = tuple[slice, slice]

EDGE_SIDE = 640
TILE_SIDE = 256
_GRID = 32  # The network halves its input five times.

# The mean and deviation of ImageNet's colours, which the network was trained on.
_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32)

# The weights are fixed to 320; naming the two dimensions instead, in the same number of bytes,
# makes them take any size. At 320 the answer is the same to the bit.
_FIXED_SIZE = b"\x0a\x03\x08\xc0\x02\x0a\x03\x08\xc0\x02"
_ANY_SIZE = b"\x0a\x03\x12\x01h\x0a\x03\x12\x01w"

# Salience below the first counts as ground, above the second as subject.
_CERTAIN = (0.42, 0.62)
# The edge's answer is a little soft on both ends; stretching makes the subject fully opaque.
_STRETCH = (0.06, 0.92)
# How far from the coarse edge the matte is open, in pixels of EDGE_SIDE: as far as hair reaches.
_OPEN_REACH = 9
# Specks and pinholes under this share of the subject's area are the network's noise.
_SPECK_SHARE = 0.01
_PINHOLE_SHARE = 0.002
_CLOSE_UP_MARGIN = 0.12
_SMALLEST_SUBJECT_SHARE = 0.001

_loading = threading.Lock()


class NothingFoundError(ValueError):
    """The network sees no subject that stands out from the ground."""


@dataclass(frozen=True)
class _Layers:
    """What is known at edge size: the matte as function of colour, both sides' colours."""

    fit: closed_form.Fit
    subject: Floats
    ground: Floats
    open: Mask
    inside: Mask


@lru_cache(maxsize=1)
def _load(weights: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Planned memory costs 200 MB more here and gains no time.
    options.enable_mem_pattern = False
    model = weights.read_bytes().replace(_FIXED_SIZE, _ANY_SIZE)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _session(weights: Path) -> onnxruntime.InferenceSession:
    """The network, loaded once per process and only when first asked for, after any fork."""
    with _loading:
        return _load(weights)


def _look(photo: Photo, weights: Path, size: tuple[int, int]) -> Floats:
    """How much each pixel belongs to the subject, seen at the given size."""
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    colours = small.astype(np.float32) / max(1.0, float(small.max()))
    batch = ((colours - _MEAN) / _DEVIATION).transpose(2, 0, 1)[np.newaxis]
    session = _session(weights)
    outputs: Any = session.run(
        [session.get_outputs()[0].name], {session.get_inputs()[0].name: batch}
    )
    grid = np.asarray(outputs[0], np.float32)[0, 0]
    full = (photo.shape[1], photo.shape[0])
    return _stretched(np.asarray(cv2.resize(grid, full, interpolation=cv2.INTER_CUBIC)), 0.0, 1.0)


def glance(photo: Photo, weights: Path) -> Floats:
    """One look at the photo, for what need not be exact: from 0 (ground) to 1 (subject)."""
    return _look(photo, weights, (320, 320))


def _shaped(photo: Photo, side: int) -> tuple[int, int]:
    """A size of the photo's shape whose longer side is `side`, on the network's grid."""
    height, width = photo.shape[:2]
    scale = side / max(width, height)
    return (
        max(_GRID, round(width * scale / _GRID) * _GRID),
        max(_GRID, round(height * scale / _GRID) * _GRID),
    )


def salience(photo: Photo, weights: Path, check: Check = no_deadline) -> Floats:
    """The second highest of five looks, per pixel, at the photo's own size.

    Raises NothingFoundError when nothing stands out.
    """
    looks = []
    for size in ((320, 320), _shaped(photo, 384), _shaped(photo, 448)):
        check()
        looks.append(_look(photo, weights, size))
    box = _box_around(np.maximum.reduce(looks) > 0.5)
    close = np.ascontiguousarray(photo[box])
    for size in (_shaped(close, 384), (320, 320)):
        check()
        whole = np.zeros(photo.shape[:2], np.float32)
        whole[box] = _look(close, weights, size)
        looks.append(whole)
    return np.asarray(np.partition(np.stack(looks), 3, axis=0)[3], np.float32)


def find_subject(photo: Photo, weights: Path, check: Check = no_deadline) -> Floats:
    """A coarse matte of the subject. Raises NothingFoundError when nothing stands out."""
    matte = _without_specks(_stretched(salience(photo, weights, check), *_CERTAIN))
    if np.count_nonzero(matte > 0.5) < _SMALLEST_SUBJECT_SHARE * matte.size:
        raise NothingFoundError
    return matte


def _box_around(sure: Mask) -> Box:
    """The rectangle around everything surely in the subject, with a margin."""
    rows, columns = np.flatnonzero(sure.any(axis=1)), np.flatnonzero(sure.any(axis=0))
    if not rows.size:
        raise NothingFoundError
    margin = round(_CLOSE_UP_MARGIN * max(int(np.ptp(rows)), int(np.ptp(columns))))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )


def _stretched(values: Floats, low: float, high: float) -> Floats:
    return np.asarray(np.clip((values - low) / (high - low), 0.0, 1.0), np.float32)


def _without_specks(matte: Floats) -> Floats:
    """The matte without crumbs far smaller than the subject and pinholes inside it."""
    area = int(np.count_nonzero(matte > 0.5))
    matte = matte * ~_small_parts(matte > 0.02, _SPECK_SHARE * area)
    return np.maximum(matte, _small_parts(matte < 0.98, _PINHOLE_SHARE * area))


def _small_parts(mask: Mask, smallest_area: float) -> Mask:
    """Those connected parts of the mask that have fewer pixels than the given area."""
    _, labels, measures, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    small = measures[:, cv2.CC_STAT_AREA] < smallest_area
    small[0] = False  # Label 0 is everything outside the mask.
    return cast("Mask", small[labels])


def _disc(reach: int) -> Photo:
    side = 2 * reach + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _layers(colours: Floats, coarse: Floats, check: Check) -> _Layers:
    """The matte's linear functions and both sides' colours at edge size."""
    reach = max(2, round(_OPEN_REACH * max(coarse.shape) / EDGE_SIDE))
    inside = np.asarray(cv2.erode(coarse, _disc(reach)) >= 1.0)
    near = np.asarray(cv2.dilate(coarse, _disc(reach)) > 0.0)
    known = inside | ~near
    laplacian = closed_form.Laplacian(colours)
    matte = closed_form.solve(laplacian, coarse, known, check=check)
    # A wider window with more tolerance for the way up: less noise at full size.
    fit = closed_form.Laplacian(colours, radius=2, tolerance=1e-4).fit(matte)
    matte = _stretched(matte, *_STRETCH)
    return _Layers(
        fit=fit,
        subject=_spread_colours(colours, matte**2, 2 * reach),
        ground=_spread_colours(colours, (1.0 - matte) ** 2, 2 * reach),
        open=np.asarray(cv2.dilate((~known).astype(np.uint8), _disc(3)) > 0),
        inside=inside,
    )


def _spread_colours(colours: Floats, weight: Floats, radius: int) -> Floats:
    """Each pixel's colour as its neighbours with weight have it; black where there are none."""
    side = (2 * radius + 1, 2 * radius + 1)
    total = np.maximum(cv2.blur(weight, side), 1e-4)
    return np.asarray(cv2.blur(colours * weight[..., None], side) / total[..., None], np.float32)


def cut_out(photo: Photo, weights: Path, *, check: Check = no_deadline) -> Photo:
    """The photo as RGBA at its own size: matte as alpha, edges free of the ground's colour.

    Fully transparent pixels far from the subject are black, so that nothing of the ground is left.
    Raises NothingFoundError when nothing stands out.
    """
    height, width = photo.shape[:2]
    scale = min(1.0, EDGE_SIDE / max(width, height))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    work = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    coarse = find_subject(work, weights, check)
    layers = _layers(work.astype(np.float32) / 255.0, coarse, check)
    result = np.zeros((height, width, 4), dtype=np.uint8)
    for tile in _tiles(height, width):
        check()
        _fill_tile(result, photo, layers, tile)
    return result


def _tiles(height: int, width: int) -> Iterator[Box]:
    for top in range(0, height, TILE_SIDE):
        for left in range(0, width, TILE_SIDE):
            yield (
                slice(top, min(top + TILE_SIDE, height)),
                slice(left, min(left + TILE_SIDE, width)),
            )


def _fill_tile(result: Photo, photo: Photo, layers: _Layers, tile: Box) -> None:
    """Write one tile of the cut-out; tiles wholly inside or outside cost next to nothing."""
    rows, columns = tile
    down, across = (layers.open.shape[i] / photo.shape[i] for i in range(2))
    near = (
        slice(max(0, int(rows.start * down) - 1), int(rows.stop * down) + 2),
        slice(max(0, int(columns.start * across) - 1), int(columns.stop * across) + 2),
    )
    if not layers.open[near].any():
        if layers.inside[near].all():
            result[rows, columns, :3] = photo[tile]
            result[rows, columns, 3] = 255
        return
    size = (columns.stop - columns.start, rows.stop - rows.start)
    # Pixel centres of the full size, told in pixels of the edge size.
    placing = np.array(
        [
            [across, 0.0, (columns.start + 0.5) * across - 0.5],
            [0.0, down, (rows.start + 0.5) * down - 0.5],
        ]
    )

    def enlarged(layer: Floats) -> Floats:
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        moved = cv2.warpAffine(layer, placing, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.float32)

    colours: Floats = photo[tile].astype(np.float32) / 255.0
    fitted = np.einsum("ijk,ijk->ij", enlarged(layers.fit.slope), colours)
    alpha = _stretched(fitted + enlarged(layers.fit.offset), *_STRETCH)
    # Far from any edge the functions are extrapolated; what is known there counts.
    alpha = np.where(
        enlarged(layers.open.astype(np.float32)) > 0,
        alpha,
        enlarged(layers.inside.astype(np.float32)),
    )
    alpha = np.asarray(alpha, np.float32)[..., None]
    subject, ground = enlarged(layers.subject), enlarged(layers.ground)
    clean = subject + alpha * (colours - alpha * subject - (1.0 - alpha) * ground)
    clean = np.where(alpha >= 1.0, colours, clean)
    result[rows, columns, :3] = np.clip(np.rint(clean * 255.0), 0, 255)
    result[rows, columns, 3] = np.rint(alpha[..., 0] * 255.0)
    result[rows, columns][alpha[..., 0] <= 0] = 0
