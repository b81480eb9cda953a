"""Image Enhance: twice as large or to the asked class, cleaner, and better lit."""

from __future__ import annotations

from typing import ClassVar, cast

from generations.engines.base import Job, Result
from generations.engines.local import pictures, weights
from generations.engines.local.pixels import arrays, enlarging
from generations.engines.local.work import LocalEngine

# Of the tone step that the tone itself allows: what looks like a better photo, not another one.
_TONE = 0.5


class Enhance(LocalEngine):
    """waifu2x in tiles, which leaves a label's small text as it is; then light without its hue."""

    model_name = "waifu2x upconv_7 photo"
    honest_label = "real"
    weights: ClassVar = (weights.WAIFU2X,)

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """Mostly the network: a picture of 4K is four of 2K. Measured."""
        return 70.0 if resolution == "4K" else 18.0

    def _work(self, job: Job) -> Result:
        """A PNG of the asked class, without one ×2, in both cases 4K at most."""
        source = pictures.opened(job.inputs[0])
        photo = source.colours
        if source.transparency is not None:
            photo = arrays.joined(source.colours, source.transparency)
        look = enlarging.EnhanceOptions(
            target=cast("enlarging.Target", job.resolution or "x2"),
            tone=_TONE if job.options["light"] else 0.0,
        )
        made = enlarging.enhanced(photo, weights.WAIFU2X.path, look, check=job.check_deadline)
        model = self.model_name if made.way == "network" else "Plain scaling"
        job.check_deadline()
        return self._result(pictures.output(made.picture, self._origin(model)), model=model)
