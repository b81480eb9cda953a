"""What every engine of this machine promises, tool by tool."""

from __future__ import annotations

import re

import pytest

from generations import catalog
from generations.engines import registry
from generations.engines.base import EngineTimeoutError, InputPicture, Job, PlatformError
from tests.generations.engines.local import jobs

LABELS = {
    "background-removal": "real", "image-enhance": "real", "ai-shadowing": "real",
    "object-removal": "limited", "product-placement": "limited", "style-cloning": "limited",
    "ai-backgrounds": "limited", "model-backgrounds": "limited", "product-reels": "limited",
    "model-reels": "limited", "product-try-on": "sandbox", "shoe-try-on": "sandbox",
    "model-try-on": "sandbox", "ai-fashion-models": "sandbox", "nano-banana-i2i": "sandbox",
    "nano-banana-t2i": "sandbox", "veo-i2v": "sandbox", "veo-t2v": "sandbox",
}  # fmt: skip


def order(slug: str, left: float = 100) -> Job:
    tool = catalog.TOOLS[slug]
    photo = jobs.photo(300)
    return jobs.job(
        slug,
        *((photo,) if tool.sources.max else ()),
        mask=photo[..., 0] if tool.sources.mask else None,
        reference=photo if tool.sources.reference else None,
        seconds=4 if tool.output == "video" else None,
        left=left,
    )


@pytest.mark.parametrize("slug", LABELS)
def test_every_tool_says_honestly_what_it_is(slug):
    engine = registry.LOCAL[slug]

    assert engine.unavailable_reason(slug) is None
    assert engine.label(slug) == LABELS[slug]
    assert engine.model(slug)
    assert not engine.is_long(slug)
    assert 0 < engine.expected_seconds(slug, "1K", None) <= engine.expected_seconds(slug, "4K", 8)


@pytest.mark.parametrize("slug", LABELS)
def test_a_deadline_that_has_passed_ends_the_job(slug):
    with pytest.raises(EngineTimeoutError):
        jobs.run(order(slug, left=-1))


@pytest.mark.parametrize("slug", [slug for slug in LABELS if catalog.TOOLS[slug].sources.max])
def test_a_stored_picture_that_was_damaged_is_a_sentence(slug):
    whole = order(slug)
    broken = InputPicture(whole.inputs[0].content[:900], "image/png")
    reference = broken if whole.reference else None
    damaged = Job(
        slug,
        whole.deadline,
        (broken,),
        whole.mask,
        reference,
        whole.options,
        "",
        "1K",
        whole.seconds,
    )

    with pytest.raises(PlatformError, match="could not be read"):
        jobs.run(damaged)


def test_no_model_name_of_googles_stands_on_local_work():
    for slug in LABELS:
        assert not re.search("veo|gemini|banana", registry.LOCAL[slug].model(slug), re.IGNORECASE)
