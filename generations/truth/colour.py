"""How far the product's colours are from those of its source, in ΔE2000."""

from __future__ import annotations

import cv2
import numpy as np

from generations.engines.local.pixels.arrays import Floats, Mask
from generations.truth.alignment import Alignment, carried

# Grain, sharpening and the codec are smoothed away before colours are compared.
_SMOOTHED = 2.5
_EDGE = 7  # pixels at the outline, where grounds mix in


def shift(source: Floats, product: Mask, result: Floats, alignment: Alignment) -> float | None:
    """The mean ΔE2000 inside the product; None where too little of it is inside both pictures.

    Pictures are RGB from 0 to 255.
    """
    height, width = result.shape[:2]
    inside = cv2.erode(product.astype(np.uint8), np.ones((_EDGE, _EDGE), np.uint8))
    mask = carried(inside.astype(np.float32), alignment, (height, width)) > 0.99
    if np.count_nonzero(mask) < 500:
        return None
    moved = carried(source, alignment, (height, width))
    return float(delta_e(_lab(moved)[mask], _lab(result)[mask]).mean())


def _lab(picture: Floats) -> Floats:
    smooth = cv2.GaussianBlur(picture / np.float32(255), (0, 0), _SMOOTHED)
    return np.asarray(cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB), np.float32)


def delta_e(first: Floats, second: Floats) -> Floats:
    """CIEDE2000 between rows of L*, a*, b* (Sharma, Wu and Dalal 2005)."""
    l1, a1, b1 = first.astype(np.float64).T
    l2, a2, b2 = second.astype(np.float64).T
    seventh = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    grey = 1.5 - 0.5 * np.sqrt(seventh / (seventh + 25.0**7))
    c1, c2 = np.hypot(a1 * grey, b1), np.hypot(a2 * grey, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a * grey)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180
    turn = np.where(c1 * c2 == 0, 0, turn)
    hue = np.where(c1 * c2 == 0, h1 + h2, (h1 + turn / 2) % 360)
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * np.cos(np.radians(hue - 30))
        + 0.24 * np.cos(np.radians(2 * hue))
        + 0.32 * np.cos(np.radians(3 * hue + 6))
        - 0.20 * np.cos(np.radians(4 * hue - 63))
    )
    s_l = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    rotation = -np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    rotation *= 2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    d_l, d_c = (l2 - l1) / s_l, (c2 - c1) / s_c
    d_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / s_h
    total = d_l**2 + d_c**2 + d_h**2 + rotation * d_c * d_h
    return np.asarray(np.sqrt(np.maximum(total, 0)), np.float32)
