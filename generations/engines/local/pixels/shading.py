"""How light falls off around a hole, where it does so smoothly: a backdrop, a wall, a sky.

Patches that are copied across such a slope stand out as spots, as each has the light of the place
where it was. The slope is a surface of the third degree in both directions, fitted to the
surroundings; what lies off it (things, edges) does not count.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from generations.engines.local.pixels.arrays import Floats, Mask, Photo

# Levels of 255 by which a smoothed pixel may lie off the surface and still be of it, and the share of
# the pixels beside the hole that have to be.
_TOLERANCE = 5.0
_SHARE = 0.85
_ROUNDS = 8
_MOST_POINTS = 6000
_DEGREE = 3


def shade_around(picture: Photo, hole: Mask, never: Mask) -> Floats | None:
    """The smooth light of the whole picture, from what is neither hole nor `never`; None without any."""
    smooth = np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.5), np.float32)
    # Smoothing has mixed what is to go into its neighbours.
    apart = cv2.distanceTransform(1 - (hole | never).astype(np.uint8), cv2.DIST_L2, 5)
    usable = apart > 4
    rows, columns = np.nonzero(usable)
    if len(rows) < 10 * _DEGREE**2:
        return None
    step = max(1, len(rows) // _MOST_POINTS)
    rows, columns = rows[::step], columns[::step]
    height, width = hole.shape
    terms = _terms(rows / height, columns / width)
    wanted = smooth[rows, columns]
    # What lies beside the hole says most about it.
    near = 1.0 / (1.0 + apart[rows, columns] / (0.1 * max(height, width)))
    found = _fitted(terms, wanted, near)
    off = np.abs(wanted - terms @ found).max(axis=1)
    if np.average(off < _TOLERANCE, weights=near**2) < _SHARE:
        return None
    grid = np.mgrid[0:height, 0:width].astype(np.float32)
    whole = _terms(grid[0].ravel() / height, grid[1].ravel() / width) @ found
    return np.asarray(whole.reshape(height, width, 3), np.float32)


def _terms(y: Floats, x: Floats) -> Floats:
    """Every product of powers up to the degree, for each point."""
    y, x = 2 * y - 1, 2 * x - 1
    powers = [y**i * x**j for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i)]
    return np.stack(powers, axis=1).astype(np.float64)


def _fitted(terms: Floats, wanted: Floats, weights: Floats) -> Floats:
    """The coefficients for each channel by least squares, in which outliers count ever less."""
    counted = weights
    found: Any = None
    for _round in range(_ROUNDS):
        root = np.sqrt(counted)[:, None]
        found, *_rest = np.linalg.lstsq(terms * root, wanted * root, rcond=None)
        off = np.abs(wanted - terms @ found).max(axis=1)
        scale = max(1.0, 2.0 * float(np.median(off)))
        counted = weights / (1.0 + (off / scale) ** 2) ** 2
    return np.asarray(found)
