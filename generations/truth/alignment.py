"""Where the product of one picture lies in another: by points that both show, else by its outline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np

from generations.engines.local.pixels.arrays import Floats, Mask, Photo

# Both pictures are looked at with a longer side of so many pixels.
SIDE = 640
# Fewer common points, or points on a small part of the product, say nothing about its shape.
FEWEST_POINTS = 20
SMALLEST_SPREAD = 0.3
_NEXT_BEST = 0.75  # A point whose second best match is nearly as good is no match (Lowe's ratio).
_TOLERANCE = 3.0  # pixels


@dataclass(frozen=True)
class Alignment:
    """`matrix` (2×3) leads from the source's pixels to the result's.

    By points it is a free affine map: by those of the product it tells a stretch, by those of the whole
    picture where things were. By outlines it moves and scales alone.
    """

    matrix: Floats
    basis: Literal["product", "picture", "outline"]

    @property
    def stretch(self) -> float:
        """How much more the product grew in one direction than in the other; 1 for not at all."""
        large, small = np.linalg.svd(self.matrix[:, :2], compute_uv=False)
        return float(large / max(small, 1e-6))


def shrunk(photo: Photo) -> Photo:
    """The picture at the size that it is looked at; a smaller one stays as it is."""
    scale = SIDE / max(photo.shape[:2])
    if scale >= 1:
        return photo
    size = (max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale)))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA))


def align(
    source: Photo, product: Mask, result: Photo, made: Callable[[], Mask | None]
) -> Alignment | None:
    """How the source's product lies in the result; None where neither points nor outlines tell.

    `made` finds the result's product, and is asked only where points do not tell.
    """
    if (matrix := _by_points(source, product, result)) is not None:
        return Alignment(matrix, "product")
    if (matrix := _by_points(source, np.ones_like(product), result)) is not None:
        return Alignment(matrix, "picture")
    outline = made()
    return None if outline is None else _by_outline(product, outline)


def _by_points(source: Photo, product: Mask, result: Photo) -> Floats | None:
    finder = cv2.SIFT_create(nfeatures=4000, contrastThreshold=0.02)  # type: ignore[attr-defined]
    inside = product.astype(np.uint8) * 255
    points, looks = finder.detectAndCompute(_grey(source), inside)
    others, other_looks = finder.detectAndCompute(_grey(result), None)
    if looks is None or other_looks is None or len(others) < 2:
        return None
    pairs = cv2.BFMatcher().knnMatch(looks, other_looks, k=2)
    good = [
        two[0] for two in pairs if len(two) == 2 and two[0].distance < _NEXT_BEST * two[1].distance
    ]
    if len(good) < FEWEST_POINTS:
        return None
    here = np.array([points[one.queryIdx].pt for one in good], np.float32)
    there = np.array([others[one.trainIdx].pt for one in good], np.float32)
    cv2.setRNGSeed(0)
    # Nothing, where no map fits; the stubs know of a matrix alone.
    found: tuple[Any, Any] = cv2.estimateAffine2D(
        here, there, ransacReprojThreshold=_TOLERANCE, maxIters=4000
    )
    matrix, kept = found
    if matrix is None:
        return None
    common = here[kept.ravel() > 0]
    if len(common) < FEWEST_POINTS or _spread(common, product) < SMALLEST_SPREAD:
        return None
    return np.asarray(matrix, np.float32)


def _grey(photo: Photo) -> Photo:
    return np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY))


def _spread(points: Floats, product: Mask) -> float:
    """How far the points reach over the product, as a share of its width and height, the smaller."""
    rows, columns = np.nonzero(product)
    low, high = np.percentile(points, 5, axis=0), np.percentile(points, 95, axis=0)
    width, height = max(1, int(np.ptp(columns))), max(1, int(np.ptp(rows)))
    return float(min((high[0] - low[0]) / width, (high[1] - low[1]) / height))


def _by_outline(product: Mask, made: Mask) -> Alignment | None:
    """Centre on centre, area on area. An outline that a picture's edge cuts off says nothing."""
    if _touches_edge(product) or _touches_edge(made) or not product.any() or not made.any():
        return None
    scale = float(np.sqrt(made.sum() / product.sum()))
    here, there = (np.argwhere(mask).mean(axis=0)[::-1] for mask in (product, made))
    move = there - scale * here
    matrix = np.array([[scale, 0, move[0]], [0, scale, move[1]]], np.float32)
    return Alignment(matrix, "outline")


def _touches_edge(mask: Mask) -> bool:
    edge = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    return float(edge.mean()) > 0.02


def carried(picture: Floats, alignment: Alignment, shape: tuple[int, int]) -> Floats:
    """Something of the source as it lies in the result, whose height and width are `shape`."""
    size = (shape[1], shape[0])
    return np.asarray(cv2.warpAffine(picture, alignment.matrix, size), np.float32)
