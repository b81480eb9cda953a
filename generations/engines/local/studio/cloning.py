"""Style Cloning: light and colour of a reference picture on the backdrop, not on the product.

Two ways: `cloned` regrades the photo's own backdrop to the reference's colours (Reinhard et al.
2001, in Lab); `scene_like` draws a set in the reference's colours and light for `placing`. The
reference's composition is not cloned. The product gets a light match that is hardly seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from generations.engines.local.pixels import arrays
from generations.engines.local.pixels.arrays import Check, Floats, Photo, Size, no_deadline
from generations.engines.local.studio.backdrops import Scene
from generations.engines.local.studio.canvases import DRAW_SIDE

_STATISTICS_SIDE = 256
_SPREAD = (0.6, 1.7)
# The most that a product's lightness and colours move, in units of Lab.
_PRODUCT_MOST = np.array([2.0, 1.2, 1.2], np.float32)
_HORIZON, _BASE = 0.62, 0.84


@dataclass(frozen=True)
class CloneOptions:
    """How much of the reference's grade the backdrop and (within narrow bounds) the product get."""

    strength: float = 0.85
    product: float = 0.5


@dataclass(frozen=True)
class _Grade:
    """A linear change of each Lab channel."""

    times: Floats
    plus: Floats


def cloned(
    photo: Photo,
    alpha: Photo,
    reference: Photo,
    options: CloneOptions,
    *,
    check: Check = no_deadline,
) -> Photo:
    """The photo with its backdrop in the reference's colours; alpha (height, width) is the product."""
    if alpha.shape != photo.shape[:2]:
        raise ValueError("The alpha has to be as large as the photo.")
    grade = _grade(photo, alpha, reference, options.strength)
    shift = np.clip(
        _middle(photo, alpha) * (grade.times - 1.0) + grade.plus, -_PRODUCT_MOST, _PRODUCT_MOST
    )
    result = np.empty_like(photo)
    for top, bottom in arrays.strips(photo.shape[0], check):
        strip = photo[top:bottom]
        lab = _lab(strip)
        ground = _rgb(lab * grade.times + grade.plus)
        product = _rgb(lab + shift * np.float32(options.product))
        share = alpha[top:bottom, :, None].astype(np.float32) / 255.0
        result[top:bottom] = arrays.as_photo(product * share + ground * (1.0 - share))
    return result


def scene_like(reference: Photo, size: Size, *, seed: int = 0) -> Scene:
    """A seamless set in the reference's colours, with its light from the same side."""
    width, height = arrays.fitted(*size, DRAW_SIDE)
    wall, floor, sideways = _palette(reference)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    across = np.linspace(-1, 1, width, dtype=np.float32)[None]
    bend = arrays.smooth_steps(down, _HORIZON - 0.16, _HORIZON + 0.14)[..., None]
    paper = wall + (floor - wall) * bend * np.ones((1, width, 1), np.float32)
    light = 1.0 + np.clip(sideways, -0.22, 0.22) * across - 0.10 * (across**2 + (down - 0.45) ** 2)
    rng = np.random.default_rng(seed)
    light = light + 0.006 * arrays.cloud(rng, (width, height), (width / 4, height / 4))
    colours = np.clip(paper * light[..., None], 0, 255)
    # What is lighter on the left throws its shadow to the right.
    lean = 32.0 if sideways <= 0 else -32.0
    return Scene(np.asarray(colours, np.float32), _HORIZON, _BASE, lean)


def _lab(picture: Photo) -> Floats:
    scaled = picture.astype(np.float32) / np.float32(255.0)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32)


def _rgb(lab: Floats) -> Floats:
    back = cv2.cvtColor(np.ascontiguousarray(lab, np.float32), cv2.COLOR_LAB2RGB)
    return np.asarray(np.clip(back, 0.0, 1.0), np.float32) * np.float32(255.0)


def _small(picture: Photo) -> Photo:
    size = arrays.fitted(picture.shape[1], picture.shape[0], _STATISTICS_SIDE)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _statistics(lab: Floats) -> tuple[Floats, Floats]:
    points = lab.reshape(-1, 3)
    return points.mean(axis=0), points.std(axis=0) + np.float32(0.5)


def _grade(photo: Photo, alpha: Photo, reference: Photo, strength: float) -> _Grade:
    outside = _small(alpha) < 16
    own = _lab(_small(photo))
    own_mean, own_spread = _statistics(own[outside] if outside.sum() > 64 else own)
    mean, spread = _statistics(_lab(_small(reference)))
    times = np.clip(spread / own_spread, *_SPREAD)
    times = 1.0 + strength * (times - 1.0)
    target = own_mean + strength * (mean - own_mean)
    return _Grade(np.asarray(times, np.float32), np.asarray(target - times * own_mean, np.float32))


def _middle(photo: Photo, alpha: Photo) -> Floats:
    inside = _small(alpha) > 200
    lab = _lab(_small(photo))
    return _statistics(lab[inside] if inside.any() else lab)[0]


def _palette(reference: Photo) -> tuple[Floats, Floats, float]:
    """Colour of its upper and of its lower ground, and how much lighter its right side is.

    Looked at along the edges, where a reference shows its ground and not its subject.
    """
    small = _small(reference).astype(np.float32)
    height, width = small.shape[:2]
    rim_x, rim_y = max(1, width // 7), max(1, height // 7)
    upper = np.concatenate(
        [
            small[:rim_y].reshape(-1, 3),
            small[: height // 2, :rim_x].reshape(-1, 3),
            small[: height // 2, -rim_x:].reshape(-1, 3),
        ]
    )
    lower = small[-rim_y:].reshape(-1, 3)
    left, right = small[:, :rim_x].mean(), small[:, -rim_x:].mean()
    sideways = float((right - left) / max(1.0, right + left))
    return _lively(upper), _lively(lower), sideways


def _lively(points: Floats) -> Floats:
    """The median of the points' more coloured half: a plain median turns grey."""
    colour = points.max(axis=1) - points.min(axis=1)
    chosen = points[colour >= np.median(colour)]
    return np.asarray(np.median(chosen, axis=0), np.float32)
