"""Sandbox: marked placeholders for the tools that need an AI model which is not there."""

from __future__ import annotations

from typing import ClassVar

from generations.engines.base import Job, Result
from generations.engines.local import pictures
from generations.engines.local.pixels.arrays import Photo
from generations.engines.local.reels import SIZES, film_output
from generations.engines.local.studio import sandbox
from generations.engines.local.work import LocalEngine

# What stands on the card; a placeholder is never called by a model's name.
TITLES = {
    "product-try-on": "Product try-on",
    "shoe-try-on": "Shoe try-on",
    "model-try-on": "Model try-on",
    "ai-fashion-models": "Fashion model",
    "nano-banana-i2i": "Picture changed by a prompt",
    "nano-banana-t2i": "Picture from a prompt",
    "veo-i2v": "Video from a picture",
    "veo-t2v": "Video from a prompt",
}
_KINDS: dict[str, sandbox.Kind] = {
    "product-try-on": "try-on",
    "shoe-try-on": "try-on",
    "model-try-on": "try-on",
    "ai-fashion-models": "model",
}
# A person is upright.
_RATIO = "3:4"
_SHOWN_CLASS = "1K"


class Placeholders(LocalEngine):
    """A drawn card with the merchant's pictures and the prompt, marked on picture and in file."""

    model_name = "Sandbox placeholder"
    honest_label = "sandbox"
    source: ClassVar = "algorithmicMedia"

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """Drawing, and for a film the encoding of every frame, measured."""
        return 2.0 + 1.0 * seconds if seconds else 3.0

    def _work(self, job: Job) -> Result:
        """A PNG or an MP4 of the asked class or seconds."""
        shown = _shown(job)
        if job.seconds:
            size = SIZES[str(job.options["frame"])]
            card = self._card(job, size, "film")
            film = sandbox.film(card, shown, check=job.check_deadline)
            return self._result(film_output(film, self._origin()))
        own = (shown[0].shape[1], shown[0].shape[0]) if shown else (1, 1)
        ratio = str(job.options.get("ratio", _RATIO))
        size = pictures.canvas_size(job.resolution, ratio, own)
        card = self._card(job, size, _KINDS.get(job.tool, "picture"))
        made = sandbox.card(card, shown, check=job.check_deadline)
        return self._result(pictures.output(made, self._origin()))

    def _card(self, job: Job, size: tuple[int, int], kind: sandbox.Kind) -> sandbox.CardOptions:
        return sandbox.CardOptions(
            kind, TITLES[job.tool], job.prompt, size, job.seed, job.seconds or 4
        )


def _shown(job: Job) -> list[Photo]:
    """The merchant's pictures, small; the reference first."""
    given = [*([job.reference] if job.reference else []), *job.inputs]
    found = []
    for picture in given[: sandbox.MOST_SHOWN]:
        source = pictures.opened(picture)
        found.append(source.at(pictures.within(source.size, _SHOWN_CLASS)).on_plain_ground())
    return found
