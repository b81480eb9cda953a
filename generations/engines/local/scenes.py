"""AI Backgrounds, Model Backgrounds, Product Placement, Style Cloning: cut-outs in a drawn scene."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, cast

from django.utils.translation import gettext_noop

from generations.engines.base import Job, PlatformError, Result
from generations.engines.local import pictures, weights
from generations.engines.local.pictures import Opened
from generations.engines.local.pixels import arrays
from generations.engines.local.pixels.arrays import Photo, Size
from generations.engines.local.studio import backdrops, cloning, placing
from generations.engines.local.studio.backdrops import Choice, Scene
from generations.engines.local.work import LocalEngine

FOR_PEOPLE = frozenset({"model-backgrounds", "model-reels"})
FROM_PROMPT = "from-prompt"
# Several products share the width: none is seen larger than this share of the picture's side.
_SHARED = 0.6
_SECONDS = {"1K": 7.0, "2K": 8.0, "4K": 14.0}


class Scenes(LocalEngine):
    """Products on one floor in a set drawn by code, as they are, with contact and light."""

    model_name = "Drawn set"
    honest_label = "limited"
    source: ClassVar = "compositeSynthetic"
    weights: ClassVar = (weights.U2NETP,)

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """One matte and the blending; each further product is another matte. Measured."""
        return _SECONDS.get(resolution, 8.0)

    def _work(self, job: Job) -> Result:
        """A PNG of the asked class and shape; the result's model names the set."""
        choice = chosen_set(job)
        first = pictures.opened(job.inputs[0])
        size = pictures.canvas_size(job.resolution, str(job.options["ratio"]), first.size)
        scene = backdrops.drawn(choice, size, job.seed)
        model = f"{self.model_name}: {choice.title}"
        made = _placed(job, scene, size)
        return self._result(pictures.output(made, self._origin(model)), model=model)


class StyleCloning(LocalEngine):
    """Light and colour of the reference: on the photo's own backdrop, or on a set for cut-outs."""

    model_name = "Colour and light of the reference"
    honest_label = "limited"
    source: ClassVar = "compositeSynthetic"
    weights: ClassVar = (weights.U2NETP,)

    def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
        """As a scene takes, measured."""
        return _SECONDS.get(resolution, 8.0)

    def _work(self, job: Job) -> Result:
        """A PNG of the asked class and shape."""
        if job.reference is None:
            raise PlatformError(gettext_noop("Style Cloning needs a reference image."))
        reference = pictures.opened(job.reference).on_plain_ground()
        first = pictures.opened(job.inputs[0])
        ratio = str(job.options["ratio"])
        size = pictures.canvas_size(job.resolution, ratio, first.size)
        if len(job.inputs) == 1 and ratio == "original" and not pictures.is_cut_out(first):
            made = _graded(job, first, reference, size)
        else:
            made = _placed(job, cloning.scene_like(reference, size, seed=job.seed), size)
        return self._result(pictures.output(made, self._origin()))


def chosen_set(job: Job) -> Choice:
    """The set that the merchant chose, or that the prompt picks; without either one by the seed."""
    people = job.tool in FOR_PEOPLE
    wanted = str(job.options.get("set", FROM_PROMPT))
    if wanted != FROM_PROMPT:
        return backdrops.named(wanted)
    if job.prompt.strip():
        return backdrops.pick(job.prompt, people=people, seed=job.seed)
    offered = [each for each in backdrops.SETS if each.people or not people]
    return backdrops.named(offered[job.seed % len(offered)].slug)


def products_of(job: Job, resolution: str) -> list[Photo]:
    """The cut-outs of all pictures, none larger than it can be seen in the result."""
    share = 1.0 if len(job.inputs) == 1 else _SHARED
    cuts = []
    for given in job.inputs:
        source = pictures.opened(given)
        small = source.at(pictures.within(source.size, resolution, share))
        cuts.append(pictures.product_of(small, job.check_deadline))
    return cuts


def relative_sizes(text: str, count: int) -> list[float]:
    """One factor for each product from "1, 0.5, 2"; 1 where there is none or it is no number."""
    given = re.split(r"[,;\s]+", text.strip())
    low, high = placing.SIZES
    sizes = []
    for at in range(count):
        told = given[at] if at < len(given) else ""
        number = float(told) if re.fullmatch(r"\d{1,3}(\.\d{1,3})?", told) else 1.0
        sizes.append(min(high, max(low, number)))
    return sizes


def _placed(job: Job, scene: Scene, size: Size) -> Photo:
    cuts = products_of(job, job.resolution)
    look = placing.PlacingOptions(
        size, seed=job.seed, layout=cast("placing.Layout", job.options.get("layout", "group"))
    )
    return placing.placed(_sized(job, cuts), scene, look, check=job.check_deadline)


def _sized(job: Job, cuts: Sequence[Photo]) -> list[placing.Product]:
    sizes = relative_sizes(str(job.options.get("sizes", "")), len(cuts))
    return [placing.Product(cut, size) for cut, size in zip(cuts, sizes, strict=True)]


def _graded(job: Job, source: Opened, reference: Photo, size: Size) -> Photo:
    cut = pictures.product_of(
        source.at(pictures.within(source.size, job.resolution)), job.check_deadline
    )
    alpha = arrays.resized(arrays.alpha_of(cut), size)
    look = cloning.CloneOptions(strength=float(job.options["strength"]) / 100.0)
    photo = arrays.resized(source.on_plain_ground(), size)
    return cloning.cloned(photo, alpha, reference, look, check=job.check_deadline)
