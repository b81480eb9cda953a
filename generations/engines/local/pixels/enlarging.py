"""Image Enhance: enlarges by waifu2x (upconv_7_photo, noise 1) in tiles, then a mild tone.

The network doubles. It was chosen because it leaves small text as it is; networks that draw new
detail redraw a product's label. Below `_PLAIN_BELOW` times the size it gains nothing that is seen
and plain enlarging is used.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import onnxruntime

from generations.engines.local.pixels import arrays
from generations.engines.local.pixels.arrays import Check, Floats, Photo, Size, no_deadline

Target = Literal["x2", "1K", "2K", "4K"]
Way = Literal["network", "plain"]

SIDES = {"1K": 1024, "2K": 2048, "4K": 4096}
LARGEST = 4096 * 4096
TILE = 256
_RIM = 7  # What seven 3 x 3 convolutions see around a pixel.
_PLAIN_BELOW = 1.35

_loading = threading.Lock()


@dataclass(frozen=True)
class EnhanceOptions:
    """To which size, and how much of the tone step: 0 leaves light as it is, 1 is the most."""

    target: Target = "x2"
    tone: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 <= self.tone <= 1.0:
            raise ValueError("Tone is from 0 to 1.")


@dataclass(frozen=True)
class Enhanced:
    """The picture, and whether the network made it or plain scaling was enough."""

    picture: Photo
    way: Way


@lru_cache(maxsize=1)
def _load(weights: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])


def target_size(width: int, height: int, target: Target) -> Size:
    """The size of the result: the input's shape, 4096 x 4096 pixels at most."""
    area = width * height
    wanted = 4 * area if target == "x2" else SIDES[target] ** 2
    scale = (min(wanted, LARGEST) / area) ** 0.5
    return max(1, round(width * scale)), max(1, round(height * scale))


def enhanced(
    photo: Photo, weights: Path, options: EnhanceOptions, *, check: Check = no_deadline
) -> Enhanced:
    """The photo (RGB or RGBA) enlarged to its target and toned. A larger one is scaled down."""
    size = target_size(photo.shape[1], photo.shape[0], options.target)
    colours = np.ascontiguousarray(photo[..., :3])
    if photo.shape[2] == 4:
        colours = _filled_in(photo)
    large, way = enlarged(colours, weights, size, check=check)
    if options.tone > 0:
        large = toned(large, options.tone, weigh=_visible(photo, size), check=check)
    if photo.shape[2] == 4:
        alpha = arrays.resized(np.ascontiguousarray(photo[..., 3]), size)
        large = np.dstack([large, alpha])
    return Enhanced(large, way)


def _visible(photo: Photo, size: Size) -> Photo | None:
    """A small alpha that says which pixels count for the tone; None when all do."""
    if photo.shape[2] == 3:
        return None
    return arrays.resized(np.ascontiguousarray(photo[..., 3]), arrays.fitted(*size, 512))


def enlarged(
    photo: Photo, weights: Path, size: Size, *, check: Check = no_deadline
) -> tuple[Photo, Way]:
    """The photo (RGB) at the size, and how it was made. Without any change of tone."""
    factor = (size[0] * size[1] / (photo.shape[0] * photo.shape[1])) ** 0.5
    if factor < _PLAIN_BELOW:
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LANCZOS4
        return np.asarray(cv2.resize(photo, size, interpolation=how), np.uint8), "plain"
    while factor > 2.0:
        # The last doubling ends exactly at the size; the ones before stop at half of it.
        half = ((size[0] + 1) // 2, (size[1] + 1) // 2)
        small = _doubled(photo, weights, check) if factor > 2.02 else photo
        if small.shape[1] > half[0]:
            small = np.asarray(cv2.resize(small, half, interpolation=cv2.INTER_AREA), np.uint8)
        photo, factor = small, size[0] / small.shape[1]
        if factor <= 2.02:
            break
    return arrays.resized(_doubled(photo, weights, check), size), "network"


def _doubled(photo: Photo, weights: Path, check: Check) -> Photo:
    with _loading:
        session = _load(weights)
    name = session.get_inputs()[0].name
    height, width = photo.shape[:2]
    result = np.empty((2 * height, 2 * width, 3), np.uint8)
    padded = np.pad(photo, ((_RIM, _RIM), (_RIM, _RIM), (0, 0)), "reflect")
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            check()
            bottom, right = min(height, top + TILE), min(width, left + TILE)
            tile = padded[top : bottom + 2 * _RIM, left : right + 2 * _RIM]
            batch = np.ascontiguousarray(tile.transpose(2, 0, 1)[None], np.float32) / 255.0
            outputs: Any = session.run(None, {name: np.asarray(batch, np.float32)})
            colours = outputs[0][0].transpose(1, 2, 0) * 255.0
            result[2 * top : 2 * bottom, 2 * left : 2 * right] = arrays.as_photo(colours)
    return result


def _filled_in(cut: Photo) -> Photo:
    """Colours of a cut-out with its edge's colours spread outwards, so that no black bleeds in."""
    weight = cut[..., 3].astype(np.float32) / 255.0
    colours = cut[..., :3].astype(np.float32)
    side = (31, 31)
    total = np.maximum(np.asarray(cv2.blur(weight, side), np.float32), 1e-3)
    near = np.asarray(cv2.blur(colours * weight[..., None], side), np.float32) / total[..., None]
    return arrays.as_photo(near + weight[..., None] * (colours - near))


def toned(
    photo: Photo, amount: float, *, weigh: Photo | None = None, check: Check = no_deadline
) -> Photo:
    """More light and contrast where the photo lacks it, every colour keeping its hue.

    All three channels of a pixel are multiplied by the same number, which depends on its lightness
    only and never lifts a channel over white.
    """
    gain = _gains(photo, amount, weigh)
    result = np.empty_like(photo)
    for top, bottom in arrays.strips(photo.shape[0], check):
        strip = photo[top:bottom]
        light = np.asarray(cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY), np.uint8)
        most = 255.0 / np.maximum(strip.max(axis=2), 1).astype(np.float32)
        times = np.minimum(gain[light], np.maximum(most, 1.0))
        result[top:bottom] = arrays.as_photo(strip * times[..., None])
    return result


def _gains(photo: Photo, amount: float, weigh: Photo | None) -> Floats:
    """For each of 256 lightnesses the number to multiply with."""
    size = arrays.fitted(photo.shape[1], photo.shape[0], 512)
    light = cv2.cvtColor(
        np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8),
        cv2.COLOR_RGB2GRAY,
    )
    seen = light if weigh is None or not (weigh > 127).any() else light[weigh > 127]
    low, middle, high = (float(v) for v in np.percentile(seen, (0.5, 50, 99.5)))
    low, high = min(low, 24.0), max(high, 205.0)  # No more than a photo's usual lack.
    steps = np.arange(256, dtype=np.float32)
    stretched = np.clip((steps - low) / (high - low), 0.0, 1.0)
    # A dark picture is lifted, a light one hardly lowered; both within narrow bounds.
    centre = min(max((middle - low) / (high - low), 0.05), 0.95)
    gamma = min(max(float(np.log(0.46) / np.log(centre)), 0.78), 1.06)
    lifted = stretched**gamma
    curved = lifted + 0.10 * (lifted * lifted * (3.0 - 2.0 * lifted) - lifted)
    wanted = steps + amount * (curved * 255.0 - steps)
    return np.asarray(np.clip(wanted / np.maximum(steps, 1.0), 0.55, 1.6), np.float32)
