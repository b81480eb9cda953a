"""From a photo to a cut-out: salience by U2-Net-p, edges by a guided filter, colours cleaned.

Pure pixel arithmetic on numpy arrays, free of Django. Photos are uint8 arrays (height, width, 3) in
RGB order; mattes and coefficients are float32, mattes from 0 (ground) to 1 (subject).

The costly steps run on a copy of at most `WORK_SIDE` pixels. What comes back to full size are the
guided filter's linear coefficients, not the matte, so that edges follow the full-size pixels.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

Photo = NDArray[np.uint8]
Floats = NDArray[np.float32]
Box = tuple[slice, slice]

NETWORK_SIDE = 320
WORK_SIDE = 1024
TILE_SIDE = 256
THREADS = 2

# The mean and deviation of ImageNet's colours, which the network was trained on.
_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32)

# Salience below the first counts as ground, above the second as subject. A narrow ramp leaves no
# grey veil over what the network is unsure of, a wide one keeps more hair.
_CERTAIN = (0.4, 0.6)
# The filter's answer is a little soft on both ends; stretching it makes the subject fully opaque.
_STRETCH = (0.2, 0.85)
# How much colour variance counts as an edge, in squared units of 0 to 1.
_EDGE_VARIANCE = 1e-4
# Specks and pinholes under this share of the subject's area are the network's noise.
_SPECK_SHARE = 0.01
_PINHOLE_SHARE = 0.002
# A subject in a smaller part of the frame gets a second, closer look.
_CLOSE_UP_SHARE = 0.55
_CLOSE_UP_MARGIN = 0.12
# Two looks that overlap less than this disagree on what the subject is: the first one stands.
_AGREEMENT = 0.6
_SMALLEST_SUBJECT_SHARE = 0.001

_loading = threading.Lock()


class NothingFoundError(ValueError):
    """The network sees no subject that stands out from the ground."""


@dataclass(frozen=True)
class Layers:
    """What is known at working size: matte = slope * colour + offset, and both sides' colours."""

    slope: Floats
    offset: Floats
    subject: Floats
    ground: Floats
    unsure: NDArray[np.bool_]
    inside: NDArray[np.bool_]


@lru_cache(maxsize=1)
def _load(weights: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Planned memory costs 200 MB more here and gains no time.
    options.enable_mem_pattern = False
    cv2.setNumThreads(THREADS)
    return onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])


def load_network(weights: Path) -> onnxruntime.InferenceSession:
    """The network, loaded once per process and only when first asked for, after any fork.

    Several threads may run it at a time.
    """
    with _loading:
        return _load(weights)


def salience(photo: Photo, weights: Path) -> Floats:
    """How much each pixel belongs to the subject, at the photo's own size."""
    small = cv2.resize(photo, (NETWORK_SIDE, NETWORK_SIDE), interpolation=cv2.INTER_AREA)
    colours = small.astype(np.float32) / max(1.0, float(small.max()))
    batch = ((colours - _MEAN) / _DEVIATION).transpose(2, 0, 1)[np.newaxis]
    session = load_network(weights)
    fused = session.get_outputs()[0].name
    (answer,) = session.run([fused], {session.get_inputs()[0].name: batch})
    grid = np.asarray(answer, dtype=np.float32)[0, 0]
    size = (photo.shape[1], photo.shape[0])
    return _stretched(np.asarray(cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)), 0.0, 1.0)


def find_subject(photo: Photo, weights: Path) -> Floats:
    """A coarse matte of the subject, looked at a second time from close up where it is small.

    Raises NothingFoundError when nothing stands out.
    """
    matte = salience(photo, weights)
    if np.count_nonzero(matte > 0.5) < _SMALLEST_SUBJECT_SHARE * matte.size:
        raise NothingFoundError
    box = _box_around(matte)
    first = matte[box]
    if first.size < _CLOSE_UP_SHARE * matte.size:
        second = salience(np.ascontiguousarray(photo[box]), weights)
        shared, either = np.minimum(first, second).sum(), np.maximum(first, second).sum()
        if shared > _AGREEMENT * either:
            matte = np.zeros_like(matte)
            matte[box] = second
    matte = _without_specks(_stretched(matte, *_CERTAIN))
    if not matte.any():
        raise NothingFoundError
    return matte


def _box_around(matte: Floats) -> Box:
    """The rectangle around everything surely in the subject, with a margin."""
    sure = matte > 0.5
    rows, columns = np.flatnonzero(sure.any(axis=1)), np.flatnonzero(sure.any(axis=0))
    margin = round(_CLOSE_UP_MARGIN * max(np.ptp(rows), np.ptp(columns)))
    return (
        slice(max(0, rows[0] - margin), rows[-1] + margin + 1),
        slice(max(0, columns[0] - margin), columns[-1] + margin + 1),
    )


def _stretched(values: Floats, low: float, high: float) -> Floats:
    return np.asarray(np.clip((values - low) / (high - low), 0.0, 1.0), dtype=np.float32)


def _without_specks(matte: Floats) -> Floats:
    """The matte without crumbs far smaller than the subject and pinholes inside it."""
    solid = (matte > 0.5).astype(np.uint8)
    subject_area = int(solid.sum())
    matte = matte * ~_small_parts(matte > 0.02, _SPECK_SHARE * subject_area)
    return np.maximum(matte, _small_parts(matte < 0.98, _PINHOLE_SHARE * subject_area))


def _small_parts(mask: NDArray[np.bool_], smallest_area: float) -> NDArray[np.bool_]:
    """Those connected parts of the mask that have fewer pixels than the given area."""
    _, labels, measures, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    small = measures[:, cv2.CC_STAT_AREA] < smallest_area
    small[0] = False  # Label 0 is everything outside the mask.
    return cast("NDArray[np.bool_]", small[labels])


def _mean(values: Floats, radius: int) -> Floats:
    side = 2 * radius + 1
    blurred = cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, dtype=np.float32)


def _fit_to_colours(colours: Floats, matte: Floats, radius: int) -> tuple[Floats, Floats]:
    """Guided filter (He, Sun, Tang 2010) with colour guide: matte ~ slope . colour + offset."""
    mean_colour, mean_matte = _mean(colours, radius), _mean(matte, radius)
    covariance = _mean(colours * matte[..., None], radius) - mean_colour * mean_matte[..., None]
    spread = np.empty((*matte.shape, 3, 3), dtype=np.float32)
    for i in range(3):
        for j in range(i, 3):
            product = _mean(colours[..., i] * colours[..., j], radius)
            spread[..., i, j] = product - mean_colour[..., i] * mean_colour[..., j]
            spread[..., j, i] = spread[..., i, j]
        spread[..., i, i] += _EDGE_VARIANCE
    slope = _solve_3x3(spread, covariance)
    offset = mean_matte - _dot(slope, mean_colour)
    return _mean(slope, radius), _mean(offset, radius)


def _dot(left: Floats, right: Floats) -> Floats:
    return cast("Floats", np.einsum("ijk,ijk->ij", left, right))


def _solve_3x3(matrices: Floats, vectors: Floats) -> Floats:
    """Cramer's rule over a whole picture, many times faster than a general solver."""
    first, second, third = (matrices[..., i] for i in range(3))
    crossed = [np.cross(second, third), np.cross(third, first), np.cross(first, second)]
    solutions = [_dot(vectors, product) for product in crossed]
    determinant = _dot(first, crossed[0])
    return np.asarray(np.stack(solutions, axis=-1) / determinant[..., None], dtype=np.float32)


def _spread_colours(colours: Floats, weight: Floats, radius: int) -> Floats:
    """Each pixel's colour as its neighbours with weight have it; black where there are none."""
    total = np.maximum(_mean(weight, radius), 1e-4)
    spread = _mean(colours * weight[..., None], radius) / total[..., None]
    return np.asarray(spread, dtype=np.float32)


def _layers(colours: Floats, coarse: Floats) -> Layers:
    """Edges and colours at working size, with radii that span about two cells of the network."""
    radius = max(2, round(2 * max(coarse.shape) / NETWORK_SIDE))
    slope, offset = _fit_to_colours(colours, coarse, radius)
    matte = _stretched(_dot(slope, colours) + offset, *_STRETCH)
    reach = np.ones((4 * radius + 3, 4 * radius + 3), dtype=np.uint8)
    inside = cv2.erode(coarse, reach) >= 1.0
    return Layers(
        slope=slope,
        offset=offset,
        subject=_spread_colours(colours, matte**2, 3 * radius),
        ground=_spread_colours(colours, (1.0 - matte) ** 2, 3 * radius),
        unsure=~inside & (cv2.dilate(coarse, reach) > 0.0),
        inside=inside,
    )


def cut_out(photo: Photo, weights: Path) -> Photo:
    """The photo as RGBA at its own size: matte as alpha, edges free of the ground's colour.

    Fully transparent pixels far from the subject are black, so that nothing of the ground is left.
    Raises NothingFoundError when nothing stands out.
    """
    height, width = photo.shape[:2]
    scale = min(1.0, WORK_SIDE / max(width, height))
    work_size = (max(1, round(width * scale)), max(1, round(height * scale)))
    work: Photo = np.asarray(cv2.resize(photo, work_size, interpolation=cv2.INTER_AREA), np.uint8)
    coarse = find_subject(work, weights)
    layers = _layers(work.astype(np.float32) / 255.0, coarse)
    result = np.zeros((height, width, 4), dtype=np.uint8)
    for tile in _tiles(height, width):
        _fill_tile(result, photo, layers, tile)
    return result


def _tiles(height: int, width: int) -> Iterator[Box]:
    for top in range(0, height, TILE_SIDE):
        for left in range(0, width, TILE_SIDE):
            yield (
                slice(top, min(top + TILE_SIDE, height)),
                slice(left, min(left + TILE_SIDE, width)),
            )


def _fill_tile(result: Photo, photo: Photo, layers: Layers, tile: Box) -> None:
    """Write one tile of the cut-out; tiles wholly inside or outside cost next to nothing."""
    rows, columns = tile
    down, across = (layers.unsure.shape[i] / photo.shape[i] for i in range(2))
    near = (
        slice(max(0, int(rows.start * down) - 1), int(rows.stop * down) + 2),
        slice(max(0, int(columns.start * across) - 1), int(columns.stop * across) + 2),
    )
    if not layers.unsure[near].any():
        if layers.inside[near].all():
            result[rows, columns, :3] = photo[tile]
            result[rows, columns, 3] = 255
        return

    size = (columns.stop - columns.start, rows.stop - rows.start)
    # Pixel centres of the full size, told in pixels of the working size.
    placing = np.array(
        [
            [across, 0.0, (columns.start + 0.5) * across - 0.5],
            [0.0, down, (rows.start + 0.5) * down - 0.5],
        ]
    )

    def enlarged(layer: Floats) -> Floats:
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        moved = cv2.warpAffine(layer, placing, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, dtype=np.float32)

    colours = photo[tile].astype(np.float32) / 255.0
    fitted = _dot(enlarged(layers.slope), colours) + enlarged(layers.offset)
    alpha = _stretched(fitted, *_STRETCH)[..., None]
    subject, ground = enlarged(layers.subject), enlarged(layers.ground)
    clean = subject + alpha * (colours - alpha * subject - (1.0 - alpha) * ground)
    result[rows, columns, :3] = np.clip(np.rint(clean * 255.0), 0, 255)
    result[rows, columns, 3] = np.rint(alpha[..., 0] * 255.0)
