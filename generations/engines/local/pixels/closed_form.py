"""Closed-form matting (Levin, Lischinski, Weiss 2008) without building its matrix.

The matting Laplacian times a vector is what is left of it after each small window was fitted by
a linear function of its colours (He, Sun, Tang 2010): a few box filters. Conjugate gradients need
nothing else, so neither a sparse matrix nor a solver package is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from generations.engines.local.pixels.arrays import Check, Floats, Mask, no_deadline

# How strongly a known pixel holds its value, against about 9 for its neighbours' pull.
_HOLD = 60.0


@dataclass(frozen=True)
class Fit:
    """A linear function of the colours per pixel: matte = slope . colour + offset."""

    slope: Floats
    offset: Floats


class Laplacian:
    """The matting Laplacian of one picture (colours 0 to 1) as a function."""

    def __init__(self, colours: Floats, radius: int = 1, tolerance: float = 1e-5) -> None:
        # A plane for each channel: what is read in one go is several times faster than every third number.
        self._colours = _planes(colours)
        self._side = (2 * radius + 1, 2 * radius + 1)
        height, width = colours.shape[:2]
        self.count = self._sum(np.ones((height, width), np.float32))
        self._mean = [self._sum(plane) / self.count for plane in self._colours]
        self._inverse = self._inverse_spread(tolerance)

    def _sum(self, values: Floats) -> Floats:
        summed = cv2.boxFilter(
            values, -1, self._side, normalize=False, borderType=cv2.BORDER_CONSTANT
        )
        return np.asarray(summed, np.float32)

    def _inverse_spread(self, tolerance: float) -> list[Floats]:
        """The inverse of each window's colour covariance as its six different numbers."""
        c = [plane.astype(np.float64) for plane in self._colours]
        m = [plane.astype(np.float64) for plane in self._mean]

        def spread(i: int, j: int) -> np.ndarray:
            summed = cv2.boxFilter(
                c[i] * c[j],
                -1,
                self._side,
                normalize=False,
                borderType=cv2.BORDER_CONSTANT,
            )
            product = np.asarray(summed) / self.count - m[i] * m[j]
            return product + tolerance if i == j else product

        rr, rg, rb, gg, gb, bb = (
            spread(*pair) for pair in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
        )
        parts = [
            gg * bb - gb * gb,
            gb * rb - rg * bb,
            rg * gb - gg * rb,
            rr * bb - rb * rb,
            rb * rg - rr * gb,
            rr * gg - rg * rg,
        ]
        determinant = rr * parts[0] + rg * parts[1] + rb * parts[2]
        return [np.asarray(part / determinant, np.float32) for part in parts]

    def fit(self, matte: Floats) -> Fit:
        """Each window's best linear function, then the mean over the windows of a pixel."""
        slope, offset = self._window_fit(matte)
        mean_slope = [self._sum(plane) / self.count for plane in slope]
        return Fit(np.stack(mean_slope, axis=-1), self._sum(offset) / self.count)

    def _window_fit(self, matte: Floats) -> tuple[list[Floats], Floats]:
        count, i = self.count, self._inverse
        mean = self._sum(matte) / count
        x, y, z = (
            self._sum(colour * matte) / count - own_mean * mean
            for colour, own_mean in zip(self._colours, self._mean, strict=True)
        )
        slope = [
            i[0] * x + i[1] * y + i[2] * z,
            i[1] * x + i[3] * y + i[4] * z,
            i[2] * x + i[4] * y + i[5] * z,
        ]
        return slope, mean - _dots(slope, self._mean)

    def times(self, matte: Floats) -> Floats:
        """The Laplacian times the matte."""
        slope, offset = self._window_fit(matte)
        fitted = _dots([self._sum(plane) for plane in slope], self._colours) + self._sum(offset)
        return np.asarray(self.count * matte - fitted, np.float32)


def _planes(picture: Floats) -> list[Floats]:
    return [np.ascontiguousarray(picture[..., channel]) for channel in range(picture.shape[2])]


def _dots(left: list[Floats], right: list[Floats]) -> Floats:
    """The dot product of two vectors of three numbers, in each pixel."""
    return np.asarray(left[0] * right[0] + left[1] * right[1] + left[2] * right[2], np.float32)


def solve(
    laplacian: Laplacian,
    start: Floats,
    known: Mask,
    *,
    prior: float = 0.02,
    rounds: int = 50,
    check: Check = no_deadline,
) -> Floats:
    """The matte that keeps the known pixels of `start` and follows colours elsewhere.

    `prior` is how much an unknown pixel is held at its value in `start`: enough to decide where
    colours say nothing, too little to matter where they do.
    """
    weight = np.where(known, np.float32(_HOLD), np.float32(prior))
    matte = start.copy()
    rest = weight * (start - matte) - laplacian.times(matte)
    scale = 1.0 / (laplacian.count * 0.6 + weight)
    eased = scale * rest
    direction = eased.copy()
    energy = first = _dot(rest, eased)
    for _ in range(rounds):
        if energy <= 1e-7 * first or energy == 0.0:
            break
        check()
        moved = laplacian.times(direction) + weight * direction
        step = np.float32(energy / _dot(direction, moved))
        matte += step * direction
        rest -= step * moved
        eased = scale * rest
        energy, before = _dot(rest, eased), energy
        direction = eased + np.float32(energy / before) * direction
    return np.asarray(np.clip(matte, 0.0, 1.0), np.float32)


def _dot(left: Floats, right: Floats) -> float:
    return float(np.sum(left * right, dtype=np.float64))
