"""The product-truth check of a run: free, after its delivery, in a worker.

It is made where a tool promises to keep the product and its engine could have changed it. Whatever goes
wrong in it, the result stands; the check then says that it cannot judge. What a run keeps of it is
`{"state": "waiting" | "green" | "amber" | "unknown", "findings": […]}`.
"""

from __future__ import annotations

import dataclasses
import io
import logging
from datetime import timedelta

import numpy as np
from django.utils import timezone
from PIL import Image

from ecomvance_app import jobs
from generations import catalog
from generations.engines.local import weights
from generations.engines.local.pixels.arrays import Photo
from generations.media import storage
from generations.models import Generation, Picture
from generations.runs import lifecycle
from generations.truth import verdict

logger = logging.getLogger(__name__)

# The kinds that found what they have to find when they were measured; shape did not
# (docs/product-truth.md).
SHOWN: tuple[verdict.Kind, ...] = ("colour", "text")
# Our own engine takes the product's pixels as they are, except where it draws them anew.
_DRAWN_ANEW = frozenset({"image-enhance"})
# A check whose message was lost is sent again, for a day.
_AGAIN_AFTER, _FOR = timedelta(minutes=5), timedelta(days=1)
_SIDE = 1600  # pixels; more shows the checks nothing

State = Generation.State


def is_wanted(generation: Generation) -> bool:
    """Whether the tool keeps a product, this engine could have changed it, and one picture went in."""
    tool = catalog.TOOLS[generation.tool]
    if not set(tool.keeps) & set(SHOWN) or generation.label == "sandbox":
        return False
    if generation.engine == "local" and generation.tool not in _DRAWN_ANEW:
        return False
    inputs = generation.pictures.filter(role=Picture.Role.INPUT, kind=Picture.Kind.IMAGE)
    return inputs.count() == 1


def ask(generation: Generation) -> None:
    """Have a delivered result checked, if it is one of those; never an error."""
    try:
        delivered = Generation.objects.get(pk=generation.pk)
        if is_wanted(delivered):
            Generation.objects.filter(pk=generation.pk).update(truth={"state": "waiting"})
            jobs.enqueue("generations.check_truth", generation_id=str(generation.pk))
    except Exception:
        logger.exception("Run %s is not checked", generation.pk)


def check(generation_id: str) -> None:
    """Hold a result that waits for it against its source, and tell open pages."""
    generation = Generation.objects.filter(pk=generation_id, truth__state="waiting").first()
    if generation is None:
        return
    try:
        findings = _compare(generation)
    except Exception:
        logger.exception("The check of run %s broke", generation_id)
        findings = []
    found = {
        "state": verdict.overall(findings),
        "findings": [dataclasses.asdict(one) for one in findings],
    }
    waiting = Generation.objects.filter(pk=generation_id, truth__state="waiting")
    if waiting.update(truth=found):
        lifecycle.announce(generation)


def sweep() -> None:
    """Send again what waits for its check too long."""
    now = timezone.now()
    waiting = Generation.objects.filter(
        truth__state="waiting", enqueued_at__gt=now - _FOR, enqueued_at__lt=now - _AGAIN_AFTER
    )
    for generation in waiting.order_by("pk")[:20]:
        Generation.objects.filter(pk=generation.pk).update(enqueued_at=now)
        jobs.enqueue("generations.check_truth", generation_id=str(generation.pk))


def _compare(generation: Generation) -> list[verdict.Finding]:
    pictures = {one.role: one for one in generation.pictures.order_by("-position")}
    source, made = pictures.get(Picture.Role.INPUT), pictures.get(Picture.Role.OUTPUT)
    if source is None or made is None or made.kind != Picture.Kind.IMAGE:
        return []
    network = weights.U2NETP.path
    kept = catalog.TOOLS[generation.tool].keeps
    wanted = [kind for kind in SHOWN if kind in kept]
    seen = [verdict.see(_photo(one), network) for one in (source, made)]
    return verdict.compare(seen[0], seen[1], wanted)


def _photo(picture: Picture) -> Photo:
    """The picture in RGB on white, at the size that the check can use."""
    with Image.open(io.BytesIO(storage.read(picture))) as opened:
        opened.thumbnail((_SIDE, _SIDE))
        shown = opened.convert("RGBA")
    ground = Image.new("RGBA", shown.size, "white")
    return np.asarray(Image.alpha_composite(ground, shown).convert("RGB"))
