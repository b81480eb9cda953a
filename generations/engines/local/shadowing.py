"""AI Shadowing: the product with a shadow, on transparent, white, coloured or its own ground."""

from __future__ import annotations

from typing import ClassVar, cast

import numpy as np

from generations.engines.base import Job, Result
from generations.engines.local import pictures, weights
from generations.engines.local.pixels import arrays, shadows
from generations.engines.local.pixels.arrays import Photo
from generations.engines.local.work import LocalEngine

_SECONDS = {"1K": 6.0, "2K": 7.0, "4K": 10.0}


class Shadowing(LocalEngine):
    """A shadow made from the product's outline; the product's own pixels are only scaled."""

    model_name = "U2-Net-p, drawn shadow"
    honest_label = "real"
    weights: ClassVar = (weights.U2NETP,)

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """The matte, and blending at full size, measured."""
        return _SECONDS.get(resolution, 7.0)

    def _work(self, job: Job) -> Result:
        """A picture of the asked class: PNG, transparent where that ground was chosen."""
        look = _look(job)
        source = pictures.opened(job.inputs[0])
        source = source.at(pictures.within(source.size, job.resolution))
        cut = pictures.product_of(source, job.check_deadline)
        original: Photo | None = None
        size = pictures.canvas_size(job.resolution, "original", source.size)
        if look.ground == "original":
            original = arrays.resized(source.on_plain_ground(), size)
        else:
            size = _size_with_room(cut, look, job.resolution)
        cut = arrays.resized(cut, size)
        job.check_deadline()
        made = shadows.shadowed(
            cut, look, original=original, seed=job.seed, check=job.check_deadline
        )
        return self._result(pictures.output(made, self._origin()))


def _look(job: Job) -> shadows.ShadowOptions:
    colour = str(job.options["colour"]).lstrip("#")
    red, green, blue = (int(colour[at : at + 2], 16) for at in (0, 2, 4))
    return shadows.ShadowOptions(
        style=cast("shadows.Style", job.options["shadow"]),
        angle=float(job.options["angle"]),
        strength=float(job.options["strength"]) / 100.0,
        ground=cast("shadows.Ground", job.options["ground"]),
        colour=(red, green, blue),
    )


def _size_with_room(cut: Photo, look: shadows.ShadowOptions, resolution: str) -> tuple[int, int]:
    """The cut-out's size at which it and the room that its shadow needs fill the asked class."""
    top, bottom, left, right = shadows.room(cut, look)
    height, width = cut.shape[0] + top + bottom, cut.shape[1] + left + right
    scale = pictures.SIDES[resolution] / float(np.sqrt(height * width))
    return max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale))
