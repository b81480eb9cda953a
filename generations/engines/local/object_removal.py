"""Object Removal: what the merchant marked is filled from its surroundings."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from django.utils.translation import gettext_noop

from generations.engines.base import Job, PlatformError, Result
from generations.engines.local import pictures
from generations.engines.local.pixels import arrays, erasing
from generations.engines.local.pixels.arrays import Photo
from generations.engines.local.work import LocalEngine

_SECONDS: dict[str, float] = {"1K": 3.0, "2K": 4.0, "4K": 9.0}


class ObjectRemoval(LocalEngine):
    """PatchMatch on the mark's surroundings; another seed is another try."""

    model_name = "PatchMatch"
    honest_label = "limited"
    source: ClassVar = "compositeSynthetic"

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """Filling one crop, and the encoding, measured."""
        return _SECONDS.get(resolution, 4.0)

    def _work(self, job: Job) -> Result:
        """A PNG of the asked class; outside the mark it is the picture, only scaled."""
        if job.mask is None:
            raise PlatformError(gettext_noop("Mark what is to be removed."))
        whole = pictures.opened(job.inputs[0])
        source = whole.at(pictures.within(whole.size, job.resolution))
        mask = pictures.opened_mask(job.mask, source.size)
        filled = _filled(source.on_plain_ground(), mask, job)
        size = pictures.canvas_size(job.resolution, "original", whole.size)
        made = arrays.resized(filled, size)
        untouched = whole.at(size)
        outside = arrays.resized(mask, size) <= 127
        made[outside] = untouched.colours[outside]
        if untouched.transparency is not None:
            made = arrays.joined(made, untouched.transparency)
        job.check_deadline()
        return self._result(pictures.output(made, self._origin()))


def _filled(photo: Photo, mask: Photo, job: Job) -> Photo:
    try:
        return np.array(erasing.erased(photo, mask, seed=job.seed, check=job.check_deadline))
    except erasing.EmptyMaskError as error:
        raise PlatformError(gettext_noop("Mark what is to be removed.")) from error
    except erasing.MaskTooLargeError as error:
        raise PlatformError(
            gettext_noop("You marked so much that nothing is left to fill it from. Mark less.")
        ) from error
