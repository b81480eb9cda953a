"""What is wrong with a photo before any work is done on it: dark, blurred, cut off by its edge.

All are measured on a small copy, so that the figures do not depend on the photo's size.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from generations.engines.local.pixels.arrays import Floats, Photo
from generations.engines.local.pixels.brushes import Side, cut_off_sides

# A photo whose lighter parts (nine tenths of it are darker) stay below this is too dark.
DARK = 75.0
# A sharp photo's steepest edges lose nearly half of their slope when it is blurred again; those of
# one that is blurred already keep more than this share.
BLURRED = 0.78
_MEASURED_SIDE = 768
_SEEN = 0.5


@dataclass(frozen=True)
class Faults:
    """`softness` is what the steepest edges keep when blurred again, 0 to 1; `light` 0 to 255."""

    softness: float
    light: float
    cut_off: tuple[Side, ...]

    @property
    def is_blurred(self) -> bool:
        """Whether no edge in it is sharp."""
        return self.softness > BLURRED

    @property
    def is_dark(self) -> bool:
        """Whether even its lighter parts are dark."""
        return self.light < DARK


def find(photo: Photo, subject: Floats) -> Faults:
    """The faults of a small photo (RGB) in which `subject` is 1 where the product is."""
    alpha = np.asarray(np.rint(np.clip(subject, 0.0, 1.0) * 255.0), np.uint8)
    grey = np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), np.float32)
    return Faults(_softness(grey), float(np.percentile(grey, 90)), cut_off_sides(alpha))


def _softness(grey: Floats) -> float:
    scale = _MEASURED_SIDE / max(grey.shape)
    if scale < 1.0:
        size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)
    # One noisy pixel is no edge.
    before, after = _steepest(grey, 0.7), _steepest(grey, 2.5)
    return after / before if before > 1.0 else 0.0


def _steepest(grey: Floats, blur: float) -> float:
    """The slope that three of a thousand pixels exceed, after a blur of so many pixels."""
    smooth = cv2.GaussianBlur(grey, (0, 0), blur)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    return float(np.percentile(cv2.magnitude(across, down), 99.7))
