"""Background Removal, and the brush that corrects its result by hand."""

from __future__ import annotations

from typing import Any

from generations.engines.base import InputPicture, Job, Result
from generations.engines.local import pictures, weights
from generations.engines.local.pixels import arrays, brushes, metadata
from generations.engines.local.pixels.brushes import BadStrokesError
from generations.engines.local.pixels.metadata import Origin
from generations.engines.local.work import LocalEngine

__all__ = ["BackgroundRemoval", "BadStrokesError", "brushed"]

MODEL = "U2-Net-p"


class BackgroundRemoval(LocalEngine):
    """Cuts the product out at full size: five looks by U2-Net-p, closed-form edges.

    Glass keeps its old ground; thin legs in front of a busy room and black on black may be lost.
    """

    model_name = MODEL
    honest_label = "real"
    weights = (weights.U2NETP,)

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """Decoding, five looks and the encoding of some megapixels, measured."""
        return 7.0

    def _work(self, job: Job) -> Result:
        """A PNG with real transparency, as large as the input, whose own transparency is kept."""
        cut = pictures.cut_out(pictures.opened(job.inputs[0]), job.check_deadline)
        job.check_deadline()
        return self._result(pictures.output(cut, self._origin()))


def brushed(cut_out: InputPicture, photo: InputPicture, strokes: Any) -> bytes:
    """A cut-out (PNG) after keep and erase strokes; what comes back has the photo's own colours.

    `strokes` is a list of {"mode": "keep" | "erase", "radius": share of the longer side, "points":
    [[x, y], …] as shares}, applied in order to the engine's own result, which stays as it is.
    Raises BadStrokesError for anything else.
    """
    wanted = brushes.read_strokes(strokes)
    made, source = pictures.opened(cut_out), pictures.opened(photo)
    if made.transparency is None:
        raise BadStrokesError("Only a picture with transparency can be brushed.")
    before = arrays.joined(made.colours, made.transparency)
    result = brushes.brushed(before, source.at(made.size).colours, wanted)
    origin = Origin(f"ecomVance local engine, {MODEL}, brush", "algorithmicallyEnhanced")
    return metadata.encoded(result, "PNG", origin)
