"""Sandbox: a placeholder says what it is, on the picture and in the file."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from generations import catalog
from generations.engines.local import placeholders
from generations.engines.local.pixels import metadata
from generations.engines.local.studio import sandbox
from tests.generations.engines.local import jobs

PICTURES = sorted(slug for slug in placeholders.TITLES if catalog.TOOLS[slug].output == "image")
FILMS = sorted(slug for slug in placeholders.TITLES if catalog.TOOLS[slug].output == "video")


def shown(slug: str) -> tuple[np.ndarray, ...]:
    return (jobs.photo(300),) if catalog.TOOLS[slug].sources.max else ()


@pytest.mark.parametrize("slug", PICTURES)
def test_a_picture_is_marked_in_sight_and_in_its_metadata(slug):
    result = jobs.run(jobs.job(slug, *shown(slug), prompt="Waves at sunset"))

    [output] = result.outputs
    assert (result.label, result.engine) == ("sandbox", "local")
    assert metadata.says_sandbox(output.content)
    assert metadata.said_source(output.content) == "algorithmicMedia"
    with Image.open(io.BytesIO(output.content)) as image:
        image.load()
        assert image.info["Description"] == metadata.SANDBOX_TEXT
    assert jobs.is_class(result, "1K")


def test_the_mark_and_the_prompt_are_drawn():
    card = sandbox.CardOptions("picture", "Picture from a prompt", "Waves", (600, 600))
    other = sandbox.CardOptions("picture", "Picture from a prompt", "Waves at sunset", (600, 600))

    first, second = sandbox.card(card), sandbox.card(other)

    badge = first[20:70, 20:250].astype(int)
    yellow = (badge[..., 0] > 200) & (badge[..., 1] > 150) & (badge[..., 2] < 140)
    assert yellow.sum() > 100, "the badge's letters"
    assert (first != second).any()


@pytest.mark.parametrize("slug", FILMS)
def test_a_film_is_marked_too_and_never_called_by_a_models_name(slug):
    result = jobs.run(jobs.job(slug, *shown(slug), seconds=4, prompt="Waves"))

    [output] = result.outputs
    assert metadata.says_sandbox(output.content)
    assert metadata.says_sandbox(output.poster)
    assert (output.kind, output.seconds) == ("video", 4.0)
    assert b"veo" not in output.content.lower()[-3000:]


def test_the_same_job_gives_the_same_bytes():
    for slug, seconds in (("nano-banana-t2i", None), ("veo-t2v", 4)):
        job = jobs.job(slug, prompt="Waves", seconds=seconds, seed=2)
        assert jobs.run(job).outputs == jobs.run(job).outputs


@pytest.mark.parametrize("prompt", ["", "x" * 2000, "Wellen am Strand – größer", "\n\n"])
def test_any_prompt_fits(prompt):
    assert jobs.is_class(jobs.run(jobs.job("nano-banana-t2i", prompt=prompt)), "1K")
