"""The contract of the seam, held by every engine for every tool: ours, and Google's on the fake one.

None of these tests may use the database: an engine sees no run, no credits and no request.
"""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from generations.catalog import TOOLS
from generations.engines import registry
from generations.engines.base import (
    Engine,
    EngineError,
    EngineTimeoutError,
    InputPicture,
    Job,
    Output,
    Pending,
    Result,
)
from generations.engines.fake_google.server import FakeGoogleServer
from generations.runs.outages.probing import probe_job
from tests.generations.engines.local import jobs

CASES = [
    (name, slug)
    for name, engines in (("local", registry.LOCAL), ("google", registry.GOOGLE))
    for slug in engines
    if TOOLS[slug].output != "chat"
]
WITH_PICTURES = [(name, slug) for name, slug in CASES if TOOLS[slug].sources.min]
MEDIA_TYPES = {
    "image": {"image/png", "image/jpeg", "image/webp"},
    "video": {"video/mp4"},
    "text": {"", "application/json", "text/plain"},
}
PAST = -1.0


@pytest.fixture(autouse=True)
def fake(settings: Any) -> Iterator[FakeGoogleServer]:
    server = FakeGoogleServer()
    server.start()
    settings.GEMINI_API_KEY, settings.GOOGLE_CLOUD_PROJECT = "a-key", ""
    settings.GOOGLE_GEMINI_BASE_URL = server.base_url
    settings.GOOGLE_MODELS = {"poll_every": 0.01}
    yield server
    server.stop()


def engine_of(name: str, slug: str) -> Engine:
    engine = registry.find(name, slug)
    assert engine is not None
    return engine


def order(name: str, slug: str) -> Job:
    """The smallest order of this tool, on a bottle that was cut out before."""
    job, bottle = probe_job(slug, name), jobs.bottle(512)
    picture = jobs.given(bottle)
    part = bottle[..., 3].copy()
    part[:, part.shape[1] // 2 :] = 0
    return dataclasses.replace(
        job,
        inputs=(picture,) * len(job.inputs),
        mask=jobs.given(part) if job.mask else None,
        reference=picture if job.reference else None,
    )


def work_off(engine: Engine, job: Job) -> Result:
    """The result, asked for until it is there."""
    answer = engine.run(job)
    assert isinstance(answer, Pending) is engine.is_long(job.tool)
    for _poll in range(50):
        if isinstance(answer, Result):
            return answer
        assert answer.handle
        assert answer.poll_after.total_seconds() >= 0
        answer = engine.poll(job.tool, answer.handle)
    pytest.fail("The work never came to its end")


@pytest.mark.parametrize(("name", "slug"), CASES)
def test_says_what_it_is(name: str, slug: str) -> None:
    engine = engine_of(name, slug)

    assert engine.name == name
    assert engine.unavailable_reason(slug) is None
    assert engine.label(slug) in {"real", "limited", "sandbox"}
    assert engine.model(slug)
    variant = TOOLS[slug].variants[-1]
    assert engine.expected_seconds(slug, variant.resolution or "", variant.seconds) > 0


@pytest.mark.parametrize(("name", "slug"), CASES)
def test_the_smallest_order_comes_out_as_the_tool_promises(name: str, slug: str) -> None:
    engine, job = engine_of(name, slug), order(name, slug)

    result = work_off(engine, job)

    assert (result.engine, result.label) == (name, engine.label(slug))
    assert result.model
    assert all(type(count) is int for count in result.usage.values())
    assert result.outputs
    for output in result.outputs:
        assert output.kind == TOOLS[slug].output
        assert output.media_type in MEDIA_TYPES[output.kind]
        CHECKS[output.kind](output, job)


def check_image(output: Output, job: Job) -> None:
    with Image.open(io.BytesIO(output.content)) as image:
        image.load()
        assert image.size == (output.width, output.height)
        assert Image.MIME[image.format or ""] == output.media_type
    assert (output.seconds, output.text) == (None, None)


def check_video(output: Output, job: Job) -> None:
    assert output.content[4:8] == b"ftyp"
    assert output.width
    assert output.height
    assert output.seconds == job.seconds
    Image.open(io.BytesIO(output.poster)).verify()


def check_text(output: Output, job: Job) -> None:
    assert output.text
    assert {"title", "description_html", "bullets"} <= output.text.keys()
    assert (output.content, output.width, output.height, output.seconds) == (b"", None, None, None)


CHECKS = {"image": check_image, "video": check_video, "text": check_text}


@pytest.mark.parametrize(("name", "slug"), CASES)
def test_without_time_left_it_ends_as_a_timeout(
    name: str, slug: str, fake: FakeGoogleServer
) -> None:
    job = dataclasses.replace(probe_job(slug, name), deadline=time.monotonic() + PAST)

    with pytest.raises(EngineTimeoutError):
        engine_of(name, slug).run(job)

    assert not sum(fake.state.counts().values())


@pytest.mark.parametrize(("name", "slug"), WITH_PICTURES)
def test_a_stored_picture_that_is_damaged_ends_in_an_error_of_the_seam(
    name: str, slug: str, fake: FakeGoogleServer
) -> None:
    job = order(name, slug)
    damaged = InputPicture(job.inputs[0].content[:200], "image/png")

    with pytest.raises(EngineError) as caught:
        engine_of(name, slug).run(dataclasses.replace(job, inputs=(damaged,) * len(job.inputs)))

    assert caught.value.outcome == "platform_error"
    assert str(caught.value).endswith(".")
    assert not sum(fake.state.counts().values())


@pytest.mark.parametrize(("name", "slug"), CASES)
def test_work_that_is_not_there_is_cancelled_without_an_error(name: str, slug: str) -> None:
    engine = engine_of(name, slug)
    if not engine.is_long(slug):
        with pytest.raises(EngineError):
            engine.poll(slug, "")
        engine.cancel(slug, "")
        return
    answer = engine.run(probe_job(slug, name))
    assert isinstance(answer, Pending)
    engine.cancel(slug, answer.handle)
    engine.cancel(slug, answer.handle)


def test_every_tool_of_the_catalogue_is_held_to_it() -> None:
    assert {slug for _name, slug in CASES} == set(TOOLS) - {"chat-assistant"}
