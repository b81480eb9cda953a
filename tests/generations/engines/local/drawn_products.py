"""Products drawn on textures, with the alpha they were laid on with: what can be measured."""

from __future__ import annotations

import cv2
import numpy as np

SHAPES = ("bottle", "box", "mug", "pouch", "jar", "tube")


def product(shape: str, side: int, seed: int) -> np.ndarray:
    """A shaded product as RGBA on a square canvas, drawn at twice its size."""
    rng = np.random.default_rng([seed, len(shape)])
    n = 2 * side
    mask = np.zeros((n, n), np.uint8)
    cx, base = n // 2, int(0.84 * n)
    w, h = int(n * rng.uniform(0.16, 0.24)), int(n * rng.uniform(0.42, 0.6))
    top = base - h
    if shape in ("bottle", "jar", "tube"):
        w = int(w * {"bottle": 0.7, "jar": 1.0, "tube": 0.55}[shape])
        cv2.rectangle(mask, (cx - w, top + h // 4), (cx + w, base), 255, -1)
        cv2.ellipse(mask, (cx, base), (w, w // 5), 0, 0, 360, 255, -1)
        cv2.ellipse(mask, (cx, top + h // 4), (w, h // 7), 0, 180, 360, 255, -1)
        neck = int(w * (0.35 if shape == "bottle" else 0.8))
        cv2.rectangle(mask, (cx - neck, top), (cx + neck, top + h // 3), 255, -1)
    elif shape == "box":
        points = np.array([[cx - w, top], [cx + w, top - n // 40], [cx + w, base], [cx - w, base]])
        cv2.fillConvexPoly(mask, points, 255)
    elif shape == "mug":
        top = base - int(1.7 * w)
        cv2.rectangle(mask, (cx - w, top), (cx + w, base), 255, -1)
        cv2.ellipse(mask, (cx, base), (w, w // 5), 0, 0, 360, 255, -1)
        cv2.ellipse(mask, (cx + w, (top + base) // 2), (w // 2, w // 2), 0, 0, 360, 255, w // 5)
    else:
        points = np.array(
            [[cx - w, top], [cx + w, top], [cx + int(1.25 * w), base], [cx - int(1.25 * w), base]]
        )
        cv2.fillConvexPoly(mask, points, 255)
    return _painted(mask, (cx - w // 2, base - h // 2, cx + w // 2, base - h // 5), rng)


def _painted(
    mask: np.ndarray, label_box: tuple[int, int, int, int], rng: np.random.Generator
) -> np.ndarray:
    n = len(mask)
    colour = rng.uniform(30, 235, 3)
    x = np.linspace(-1, 1, n)[None, :, None]
    light = 0.78 + 0.3 * np.exp(-((x + 0.12) ** 2) / 0.02) - 0.35 * np.abs(x)
    body = np.clip(colour * light * np.ones((n, 1, 1)), 0, 255)
    label = np.zeros((n, n, 1), np.float32)
    cv2.rectangle(label, label_box[:2], label_box[2:], 1.0, -1)
    body += (rng.uniform(140, 250, 3) - body) * label
    rgba = np.dstack([body.astype(np.uint8), mask])
    return cv2.resize(rgba, (n // 2, n // 2), interpolation=cv2.INTER_AREA)


def texture(side: int, seed: int) -> np.ndarray:
    """A coloured surface of soft noise without a subject."""
    rng = np.random.default_rng(seed)
    grey = np.full((side, side), 128.0, np.float32)
    for cells in (12, 60, 240):
        noise = rng.standard_normal((cells, cells), dtype=np.float32)
        grey += 9.0 * cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    tint = rng.uniform(0.75, 1.15, 3)
    return np.clip(grey[..., None] * tint, 0, 255).astype(np.uint8)


def laid(drawn: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """The photo of the product on the ground."""
    share = drawn[..., 3:].astype(np.float32) / 255
    return np.rint(drawn[..., :3] * share + ground * (1 - share)).astype(np.uint8)
