"""Whether the product has kept its outline and proportions."""

from __future__ import annotations

import numpy as np

from generations.engines.local.pixels.arrays import Mask
from generations.truth.alignment import Alignment, carried


def overlap(product: Mask, made: Mask, alignment: Alignment) -> float:
    """The silhouettes on each other: what they share of what they cover, from 0 to 1."""
    moved = carried(product.astype(np.float32), alignment, made.shape) > 0.5
    together = np.count_nonzero(moved | made)
    return float(np.count_nonzero(moved & made) / together) if together else 0.0
