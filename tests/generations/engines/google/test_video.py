from __future__ import annotations

import io
import json

import pytest

from generations.engines.google.client import Clients
from generations.engines.google.errors import GoogleFailure
from generations.engines.google.prompts import Prompt
from generations.engines.google.videos import steps
from generations.engines.google.videos.jobs import Handle, Pending, Ready, VideoRequest
from tests.generations.engines.google.conftest import cloud_for, picture, settings_for


@pytest.fixture(params=["omni", "veo"])
def either(request, fake):
    return Clients(settings_for(fake) if request.param == "omni" else cloud_for(fake))


def start(clients, words="a slow orbit", **changes):
    return steps.create(clients, VideoRequest(Prompt("One shot.", words), **changes))


def finish(clients, handle):
    for _ in range(5):
        step = steps.poll(clients, handle)
        if isinstance(step, Ready):
            return step
    raise AssertionError("It never ends.")


@pytest.mark.parametrize("seconds", [4, 6, 8])
@pytest.mark.parametrize("aspect", ["16:9", "9:16"])
def test_a_video_from_start_to_end(fake, either, seconds, aspect):
    handle = start(either, seconds=seconds, aspect=aspect, first_frame=picture())
    handle = Handle.from_json(json.loads(json.dumps(handle.as_json())))
    first = steps.poll(either, handle)
    assert isinstance(first, Pending)
    assert first.failure is None
    file = io.BytesIO()
    fetched = steps.fetch(either, handle, finish(either, handle), file)
    clip = fetched.clip
    assert fetched.deleted
    assert abs(clip.seconds - seconds) < 0.2
    assert (clip.width > clip.height) is (aspect == "16:9")
    assert file.getvalue()[4:8] == b"ftyp"
    assert fake.state.counts() == {"image": 0, "text": 0, "video_create": 1, "video_poll": 2}


def test_what_omni_is_sent(fake, clients):
    start(clients, first_frame=picture(), seconds=6)
    request = fake.state.requests[0]
    body = request["body"]
    image, text = body["input"][0]["content"]
    assert request["path"] == "/v1/interactions"
    assert (body["background"], body["store"]) == (True, True)
    assert image["mime_type"] == "image/jpeg"
    assert text["text"].startswith("<FIRST_FRAME> One shot.")
    assert body["generation_config"]["video_config"]["task"] == "image_to_video"
    assert body["response_format"]["duration"] == "6s"
    assert body["response_format"]["delivery"] == "uri"


def test_what_veo_is_sent(fake, cloud):
    handle = start(cloud, first_frame=picture(), seconds=6)
    request = fake.state.requests[0]
    assert request["path"].endswith("/models/veo-3.1-generate-001:predictLongRunning")
    assert request["body"]["parameters"] == {
        "sampleCount": 1,
        "durationSeconds": 6,
        "aspectRatio": "9:16",
        "resolution": "720p",
        "personGeneration": "allow_adult",
        "generateAudio": False,
    }
    assert request["body"]["instances"][0]["image"]["mimeType"] == "image/jpeg"
    assert (handle.maker, handle.model) == ("veo", "veo-3.1-generate-001")


def test_veo_is_taken_where_there_is_google_cloud(fake):
    both = Clients(cloud_for(fake, api_key="a-key", base_url=fake.base_url))
    assert start(both).maker == "veo"
    assert start(Clients(settings_for(fake))).maker == "omni"


def test_what_google_stores_is_deleted_after_the_download(fake, clients):
    handle = start(clients)
    steps.fetch(clients, handle, finish(clients, handle), io.BytesIO())
    assert len(fake.state.deleted) == 2
    assert not fake.state.jobs
    assert steps.discard(clients, handle)  # Deleted already is deleted.


def test_a_video_that_comes_inline(clients):
    handle = start(clients, "[[fake:inline]]")
    ready = finish(clients, handle)
    assert ready.content
    assert steps.fetch(clients, handle, ready, io.BytesIO()).clip.width == 720


@pytest.mark.parametrize(
    ("marker", "accepted"),
    [
        ("lost", True),
        ("cut", True),
        ("500", True),
        ("504", True),
        ("html", True),
        ("503", False),
        ("429", False),
        ("400-key", False),
    ],
)
def test_a_create_says_whether_google_may_have_it(fake, either, marker, accepted):
    with pytest.raises(GoogleFailure) as caught:
        start(either, f"[[fake:{marker}]]")
    assert caught.value.maybe_accepted is accepted
    assert fake.state.counts()["video_create"] == 1


@pytest.mark.parametrize(
    ("marker", "code"),
    [("poll-429", "quota"), ("poll-503", "unavailable"), ("poll-cut", "unreachable")],
)
def test_a_poll_without_an_answer_waits_on(fake, either, marker, code):
    handle = start(either, f"[[fake:{marker}]]")
    step = steps.poll(either, handle)
    assert isinstance(step, Pending)
    assert step.failure.code == code
    assert step.retry_after >= 17
    assert fake.state.counts()["video_poll"] == 1


FAILED = [
    ("omni", "empty", "provider_error", "nothing_made"),
    ("omni", "failed", "provider_error", "job_failed"),
    ("omni", "failed=quota_exceeded", "platform_error", "quota"),
    ("omni", "failed=prohibited_content", "content_policy", "refused_output"),
    ("omni", "rai", "content_policy", "refused_output"),
    ("omni", "step-error", "provider_error", "job_failed"),
    ("omni", "step-error=8", "platform_error", "quota"),
    ("omni", "status", "provider_error", "job_failed"),
    ("omni", "status=requires_action", "provider_error", "job_failed"),
    ("omni", "status=budget_exceeded", "platform_error", "quota"),
    ("omni", "status=cancelled", "provider_error", "cancelled"),
    ("omni", "status=brand_new", "provider_error", "job_failed"),
    ("omni", "poll-404", "provider_error", "job_lost"),
    ("veo", "empty", "provider_error", "nothing_made"),
    ("veo", "rai", "content_policy", "refused_output"),
    ("veo", "op=3", "platform_error", "bad_request"),
    ("veo", "op=4", "timeout", "timeout"),
    ("veo", "op=7", "platform_error", "not_allowed"),
    ("veo", "op=8", "platform_error", "quota"),
    ("veo", "op=13", "provider_error", "job_failed"),
    ("veo", "op=14", "provider_error", "job_failed"),
    ("veo", "op=99", "provider_error", "job_failed"),
    ("veo", "poll-404", "provider_error", "job_lost"),
]


@pytest.mark.parametrize(("maker", "marker", "outcome", "code"), FAILED)
def test_a_job_that_fails(fake, maker, marker, outcome, code):
    clients = Clients(settings_for(fake) if maker == "omni" else cloud_for(fake))
    handle = start(clients, f"[[fake:{marker}]]")
    with pytest.raises(GoogleFailure) as caught:
        finish(clients, handle)
    assert (caught.value.outcome, caught.value.code) == (outcome, code)
    assert not caught.value.retry_helps
    assert maker == "veo" or marker == "poll-404" or not fake.state.jobs


@pytest.mark.parametrize("marker", ["not-a-video", "short-clip"])
def test_what_is_no_video_is_refused_and_deleted(fake, either, marker):
    handle = start(either, f"[[fake:{marker}]]", seconds=4)
    with pytest.raises(GoogleFailure) as caught:
        steps.fetch(either, handle, finish(either, handle), io.BytesIO())
    assert (caught.value.outcome, caught.value.code) == ("provider_error", "bad_video")
    assert handle.maker == "veo" or len(fake.state.deleted) == 2


@pytest.mark.parametrize(
    ("marker", "code"),
    [
        ("download-404", "model_gone"),
        ("download-503", "unavailable"),
        ("download-cut", "unreachable"),
        ("download-huge", "too_large"),
    ],
)
def test_a_download_that_breaks_deletes_nothing(fake, marker, code):
    clients = Clients(settings_for(fake, max_video_bytes=3_000_000))
    handle = start(clients, f"[[fake:{marker}]]")
    ready = finish(clients, handle)
    file = io.BytesIO()
    with pytest.raises(GoogleFailure) as caught:
        steps.fetch(clients, handle, ready, file)
    assert caught.value.code == ("job_lost" if code == "model_gone" else code)
    assert caught.value.outcome == "provider_error"
    assert len(file.getvalue()) <= 3_000_000
    assert not fake.state.deleted


def test_cancel_is_asked_for_where_it_can_be(fake, either):
    handle = start(either, "[[fake:never]]")
    assert steps.cancel(either, handle) is (handle.maker == "omni")


def test_cancel_of_what_is_gone_is_no_error(clients):
    assert steps.cancel(clients, Handle("omni", "v1_999", "m", 4)) is False


@pytest.mark.parametrize("changes", [{"seconds": 5}, {"aspect": "1:1"}])
def test_what_no_maker_takes(fake, either, changes):
    with pytest.raises(ValueError, match="clip"):
        start(either, **changes)
    assert fake.state.counts()["video_create"] == 0
