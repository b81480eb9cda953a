"""How much colours changed: ΔE of 1976, of which 1 is what an eye can just see."""

from __future__ import annotations

import cv2
import numpy as np


def lab(picture: np.ndarray) -> np.ndarray:
    """The picture (RGB) in Lab."""
    scaled = np.ascontiguousarray(picture[..., :3]).astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB))


def mean_change(before: np.ndarray, after: np.ndarray, where: np.ndarray) -> float:
    """The mean change of the pixels that are asked for."""
    assert where.sum() > 500
    return float(np.linalg.norm(lab(before) - lab(after), axis=2)[where].mean())


def inside(alpha: np.ndarray, margin: int = 4) -> np.ndarray:
    """Where a cut-out is opaque, without its rim."""
    side = 2 * margin + 1
    solid = (alpha == 255).astype(np.uint8)
    return np.asarray(cv2.erode(solid, np.ones((side, side), np.uint8)) > 0)
