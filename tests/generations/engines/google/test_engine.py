"""Runs of Google's tools on the fake Google: what comes out, and what becomes of the credits."""

from __future__ import annotations

import io
import time
import tracemalloc

import av
import pytest
from PIL import Image

from credits import ledger
from credits.models import LedgerEntry, RestorationCase
from generations.engines import routing
from generations.engines.base import InputPicture, Job, Pending, Result
from generations.engines.google.engine import GoogleVideos
from generations.models import Generation, Picture, StaffNotice
from generations.runs import worker
from generations.runs.outages import health
from generations.runs.request import Order, Requester, place
from tests.generations.engines.google.conftest import picture

pytestmark = pytest.mark.django_db
TOOL = "nano-banana-t2i"


@pytest.fixture
def google(fake, settings):
    settings.GEMINI_API_KEY = "a-key"
    settings.GOOGLE_GEMINI_BASE_URL = fake.base_url
    settings.GOOGLE_MODELS = {"image_seconds": 20.0, "poll_every": 0.01}
    return fake


@pytest.fixture
def rich(owner):
    ledger.add_package(owner.account.pk, 5_000, "test-package")
    return owner


def run(merchant, prompt: str, tool: str = TOOL, resolution: str = "1K") -> Generation:
    """Ask for a run and let a worker try it as often as it is sent again."""
    requester = Requester(merchant.account.pk, merchant.person.pk, "web")
    order = Order(tool, resolution, prompt=prompt)
    generation, _created = place(requester, order, "key")
    for _attempt in range(3):
        worker.run(str(generation.pk))
    generation.refresh_from_db()
    return generation


def test_a_prompt_becomes_a_picture_that_google_made(google, rich):
    generation = run(rich, "a mug on an oak table")

    assert (generation.state, generation.engine, generation.label) == (
        "succeeded", "google", "real",
    )  # fmt: skip
    assert generation.model == "gemini-nano-banana-2.1"
    output = generation.pictures.get(role=Picture.Role.OUTPUT)
    assert (output.width or 0) * (output.height or 0) == pytest.approx(1024**2, rel=0.1)
    assert google.state.counts()["image"] == 1


OUTCOMES = [
    ("block", "content_policy"), ("no-candidates", "content_policy"),
    ("finish=IMAGE_SAFETY", "content_policy"), ("finish=NEVER_HEARD_OF", "provider_error"),
    ("text-only", "provider_error"), ("503", "provider_error"), ("500-html", "provider_error"),
    ("html", "provider_error"), ("nothing", "provider_error"), ("1x1", "provider_error"),
    ("gif", "provider_error"), ("half-size", "provider_error"), ("429=1", "platform_error"),
    ("400-key", "platform_error"), ("403", "platform_error"), ("504", "timeout"),
]  # fmt: skip


# The SDK warns of a word that it does not know, and goes on.
@pytest.mark.filterwarnings("ignore:NEVER_HEARD_OF is not a valid:UserWarning")
@pytest.mark.parametrize(("marker", "outcome"), OUTCOMES)
def test_what_goes_wrong_at_google_is_ruled_by_the_outcome_table(google, rich, marker, outcome):
    generation = run(rich, f"a mug [[fake:{marker}]]")

    assert (generation.state, generation.outcome) == ("failed", outcome)
    spend = LedgerEntry.objects.get(account=rich.account, kind="spend")
    assert spend.credits == -50
    restored = LedgerEntry.objects.filter(account=rich.account, kind="restore")
    assert not restored.exists()
    cases = RestorationCase.objects.filter(spend=spend)
    assert cases.count() == (1 if outcome == "platform_error" else 0)
    assert not generation.pictures.filter(role=Picture.Role.OUTPUT).exists()


def test_an_answer_of_500_megabytes_costs_a_provider_error_and_bounded_memory(
    google, rich, settings
):
    settings.GOOGLE_MODELS = {**settings.GOOGLE_MODELS, "max_response_bytes": 8_000_000}
    tracemalloc.start()
    try:
        generation = run(rich, "a mug [[fake:huge=500]]")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (generation.state, generation.outcome) == ("failed", "provider_error")
    assert LedgerEntry.objects.get(account=rich.account, kind="spend").credits == -50
    assert not LedgerEntry.objects.filter(account=rich.account, kind="restore").exists()
    assert not generation.pictures.filter(role=Picture.Role.OUTPUT).exists()
    assert peak < 64_000_000


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ("finish=PUP_LIMITED_DISABLED", "limited our account"), ("400-key", "refused our credent"),
        ("403", "does not serve our account"),
    ],
)  # fmt: skip
def test_what_staff_have_to_mend_at_google_switches_the_tool_off(google, rich, marker, told):
    generation = run(rich, f"a mug [[fake:{marker}]]")

    assert generation.outcome == "platform_error"
    assert "switched off" in (health.route(TOOL).unavailable_reason or "")
    assert told in StaffNotice.objects.get().text


def test_what_google_does_not_understand_stops_no_other_run(google, rich):
    assert run(rich, "a mug [[fake:400]]").outcome == "platform_error"

    assert health.route(TOOL).unavailable_reason is None
    assert "does not understand" in StaffNotice.objects.get().text


def job(tool: str, **changes) -> Job:
    deadline = time.monotonic() + 300
    given = {"prompt": "slow orbit", "seconds": 4} | changes
    return Job(tool, deadline, **given)


@pytest.mark.parametrize("frame", ["9:16", "1:1"])
def test_a_video_is_handed_over_once_and_fetched_when_it_is_there(google, frame):
    engine = GoogleVideos()
    shoe = InputPicture(picture(), "image/png")
    answer = engine.run(job("product-reels", inputs=(shoe,), options={"frame": frame}))
    assert isinstance(answer, Pending)
    polled = engine.poll("product-reels", answer.handle)
    for _poll in range(20):
        if isinstance(polled, Pending):
            polled = engine.poll("product-reels", answer.handle)
    assert isinstance(polled, Result)

    (output,) = polled.outputs
    assert (output.kind, output.media_type, output.seconds) == ("video", "video/mp4", 4.0)
    with av.open(io.BytesIO(output.content), "r") as clip:
        stream = clip.streams.video[0]
        assert (stream.width, stream.height) == (output.width, output.height)
    assert (output.width == output.height) is (frame == "1:1")
    assert Image.open(io.BytesIO(output.poster)).format == "JPEG"
    assert polled.model == "gemini-omni-1.2-flash"
    assert google.state.counts()["video_create"] == 1


def test_without_credentials_a_tool_of_googles_says_so(settings, rich):
    settings.TOOL_ENGINES = {TOOL: "google"}
    assert "not connected" in (routing.unavailable_reason(TOOL) or "")
