"""A small run of no merchant's, to see whether a provider works again. Nobody is charged for it."""

from __future__ import annotations

import io
import logging
import time

from PIL import Image

from generations import options
from generations.catalog import TOOLS
from generations.engines import registry, routing
from generations.engines.base import EngineError, InputPicture, Job, Pending
from generations.models import EngineHealth
from generations.runs.outages import health

logger = logging.getLogger(__name__)


def probe_due() -> int:
    """Probe the tools that are paused and due; those whose provider answers open again; how many."""
    opened = 0
    for paused in health.take_due_probes():
        if _answers(paused):
            health.reopen(paused)
            opened += 1
    return opened


def _answers(paused: EngineHealth) -> bool:
    engine = registry.find(paused.engine, paused.tool)
    if engine is None or engine.unavailable_reason(paused.tool):
        return False
    try:
        answer = engine.run(probe_job(paused.tool, paused.engine))
        if isinstance(answer, Pending):
            engine.cancel(paused.tool, answer.handle)
    except EngineError as error:
        logger.warning("%s still fails at %s: %s", paused.engine, paused.tool, error)
        # A refusal of our sample is an answer of a provider that is well.
        return error.outcome == "content_policy"
    except Exception:
        logger.exception("The probe of %s at %s broke", paused.tool, paused.engine)
        return False
    return True


def probe_job(tool_slug: str, engine: str) -> Job:
    """The cheapest order of this tool, on a drawn picture."""
    tool = TOOLS[tool_slug]
    variant = tool.variants[0]
    picture = _drawn((200, 60, 40))
    sources = tool.sources
    return Job(
        tool=tool_slug,
        deadline=time.monotonic() + routing.deadline_seconds(tool_slug, engine),
        inputs=(picture,) * sources.min,
        mask=_drawn((255, 255, 255)) if sources.mask_required else None,
        reference=picture if sources.reference_required else None,
        options=options.clean(tool.options, {}),
        prompt="" if tool.takes_prompt == "no" else "A red mug on a white table",
        resolution=variant.resolution or "",
        seconds=variant.seconds,
        product_data={"title": "Red mug"} if sources.product_data else {},
    )


def _drawn(colour: tuple[int, int, int]) -> InputPicture:
    stream = io.BytesIO()
    Image.new("RGB", (512, 512), colour).save(stream, "PNG")
    return InputPicture(stream.getvalue(), "image/png")
