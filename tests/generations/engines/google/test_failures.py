"""Every row of the failure table, through the real SDK, for all four kinds of call."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from pydantic import BaseModel

from generations.engines.google import text
from generations.engines.google.client import Clients
from generations.engines.google.errors import GoogleFailure
from generations.engines.google.images import ImageRequest, make_image
from generations.engines.google.prompts import Prompt
from generations.engines.google.videos import steps
from generations.engines.google.videos.jobs import VideoRequest
from tests.generations.engines.google.conftest import cloud_for, settings_for


class Form(BaseModel):
    title: str


def image(clients, words):
    return make_image(clients, ImageRequest(Prompt("", words)))


def form(clients, words):
    return text.write(clients, text.TextRequest(Prompt("", words)), Form)


def streamed(clients, words):
    return list(text.stream(clients, text.TextRequest(Prompt("", words))))


def create(clients, words):
    return steps.create(clients, VideoRequest(Prompt("", words)))


KINDS = {"image": image, "form": form, "stream": streamed, "video": create}

ANYWHERE = [
    # marker, outcome, code, retry_helps, alarm
    ("429", "platform_error", "quota", True, False),
    ("400-key", "platform_error", "key_refused", False, True),
    ("400-region", "platform_error", "not_allowed", False, True),
    ("400-image", "provider_error", "picture_refused", False, False),
    ("400-policy", "content_policy", "refused_input", False, False),
    ("400", "platform_error", "bad_request", False, True),
    ("401", "platform_error", "key_refused", False, True),
    ("403", "platform_error", "not_allowed", False, True),
    ("404", "platform_error", "model_gone", False, True),
    ("500", "provider_error", "unavailable", True, False),
    ("500-html", "provider_error", "unavailable", True, False),
    ("503", "provider_error", "unavailable", True, False),
    ("504", "timeout", "timeout", False, False),
    ("reset", "provider_error", "unreachable", True, False),
    ("cut", "provider_error", "unreachable", True, False),
    ("html", "provider_error", "unreadable", True, False),
    ("broken-json", "provider_error", "unreadable", True, False),
    ("odd-json", "provider_error", "unreadable", True, False),
]


@pytest.mark.parametrize("where", ["key", "cloud"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("marker", "outcome", "code", "retry", "alarm"), ANYWHERE)
def test_every_call(fake, where, kind, marker, outcome, code, retry, alarm):
    clients = Clients(settings_for(fake) if where == "key" else cloud_for(fake))
    with pytest.raises(GoogleFailure) as caught:
        KINDS[kind](clients, f"[[fake:{marker}]]")
    failure = caught.value
    if marker == "odd-json":
        assert failure.outcome == "provider_error"
    else:
        assert (failure.outcome, failure.code) == (outcome, code)
        assert failure.retry_helps is retry
    assert failure.alarm is alarm
    # One attempt and no more: the SDK's own retries are off.
    assert sum(fake.state.counts().values()) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_delay_google_names_is_kept(clients, kind):
    with pytest.raises(GoogleFailure) as caught:
        KINDS[kind](clients, "[[fake:429=23]]")
    assert caught.value.retry_after == 23


@pytest.mark.parametrize("kind", ["image", "form", "stream"])
def test_an_empty_body_is_no_refusal(clients, kind):
    with pytest.raises(GoogleFailure) as caught:
        KINDS[kind](clients, "[[fake:nothing]]")
    assert caught.value.outcome == "provider_error"


@pytest.mark.parametrize("kind", ["image", "form", "stream"])
@pytest.mark.parametrize(
    "reason",
    [
        "SAFETY",
        "OTHER",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "IMAGE_SAFETY",
        "MODEL_ARMOR",
        "NEWLY_MADE",
    ],
)
@pytest.mark.filterwarnings("ignore:.*is not a valid")
def test_a_blocked_prompt_is_policy(clients, kind, reason):
    with pytest.raises(GoogleFailure) as caught:
        KINDS[kind](clients, f"[[fake:block={reason}]]")
    assert (caught.value.outcome, caught.value.reason) == ("content_policy", reason)


@pytest.mark.parametrize("kind", ["image", "form", "stream"])
def test_no_candidates_is_policy(clients, kind):
    with pytest.raises(GoogleFailure) as caught:
        KINDS[kind](clients, "[[fake:no-candidates]]")
    assert caught.value.outcome == "content_policy"


FINISHES = [
    ("SAFETY", "content_policy", False),
    ("PROHIBITED_CONTENT", "content_policy", False),
    ("BLOCKLIST", "content_policy", False),
    ("SPII", "content_policy", False),
    ("IMAGE_SAFETY", "content_policy", False),
    ("IMAGE_PROHIBITED_CONTENT", "content_policy", False),
    ("RECITATION", "content_policy", False),
    ("IMAGE_RECITATION", "content_policy", False),
    ("ESCALATION", "content_policy", False),
    ("MODEL_ARMOR", "content_policy", False),
    ("PUP_LIMITED_DISABLED", "platform_error", False),
    ("NO_IMAGE", "provider_error", True),
    ("IMAGE_OTHER", "provider_error", True),
    ("OTHER", "provider_error", True),
    ("MALFORMED_RESPONSE", "provider_error", True),
    ("MAX_TOKENS", "provider_error", True),
    ("CONTINUATION", "provider_error", False),
    ("SOMETHING_NEW", "provider_error", False),
]


@pytest.mark.parametrize("kind", ["image", "form"])
@pytest.mark.parametrize(("reason", "outcome", "retry"), FINISHES)
@pytest.mark.filterwarnings("ignore:.*is not a valid")
def test_finish_reasons(fake, clients, kind, reason, outcome, retry):
    with pytest.raises(GoogleFailure) as caught:
        KINDS[kind](clients, f"[[fake:finish={reason}]]")
    failure = caught.value
    assert (failure.outcome, failure.reason) == (outcome, reason)
    assert failure.retry_helps is retry
    assert failure.alarm is (reason == "PUP_LIMITED_DISABLED")
    assert sum(fake.state.counts().values()) == 1


@pytest.mark.parametrize(
    ("marker", "code", "retry"),
    [
        ("text-only", "words_only", False),
        ("no-parts", "nothing_made", True),
        ("only-thoughts", "nothing_made", True),
        ("1x1", "wrong_size", True),
        ("half-size", "wrong_size", True),
        ("bomb", "bad_picture", True),
        ("blank", "bad_picture", True),
        ("not-a-picture", "bad_picture", True),
        ("gif", "bad_picture", True),
        ("svg", "bad_picture", True),
        ("truncated", "bad_picture", True),
    ],
)
def test_what_is_no_picture(clients, marker, code, retry):
    with pytest.raises(GoogleFailure) as caught:
        image(clients, f"[[fake:{marker}]]")
    failure = caught.value
    assert (failure.outcome, failure.code) == ("provider_error", code)
    assert failure.retry_helps is retry


def test_googles_words_are_kept_for_who_reads_them(clients):
    with pytest.raises(GoogleFailure) as caught:
        image(clients, "[[fake:text-only]]")
    assert "rather talk" in caught.value.detail


# The fake streams its chunks at once, so a stream cannot drip.
@pytest.mark.parametrize(
    ("kind", "marker"),
    [(k, m) for k in KINDS for m in ("slow", "drip") if (k, m) != ("stream", "drip")],
)
def test_time_is_bounded_as_a_whole(fake, kind, marker):
    clients = Clients(settings_for(fake, image_seconds=1.2, text_seconds=1.2, create_seconds=1.2))
    began = time.monotonic()
    with pytest.raises(GoogleFailure) as caught:
        KINDS[kind](clients, f"[[fake:{marker}=20]]")
    assert caught.value.outcome == "timeout"
    assert caught.value.maybe_accepted
    assert time.monotonic() - began < 5


def test_no_time_left_is_a_timeout_without_a_call(fake, clients):
    with pytest.raises(GoogleFailure) as caught:
        make_image(clients, ImageRequest(Prompt("", "x"), seconds_left=0))
    assert caught.value.outcome == "timeout"
    assert fake.state.counts()["image"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_huge_answer_is_refused_in_bounded_memory(fake, kind):
    clients = Clients(settings_for(fake, max_response_bytes=8_000_000, text_seconds=30))
    tracemalloc.start()
    try:
        with pytest.raises(GoogleFailure) as caught:
            KINDS[kind](clients, "[[fake:huge=500]]")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (caught.value.outcome, caught.value.code) == ("provider_error", "too_large")
    assert peak < 64_000_000


def test_nobody_listens(fake):
    clients = Clients(settings_for(fake, base_url="http://127.0.0.1:9"))
    for call in KINDS.values():
        with pytest.raises(GoogleFailure) as caught:
            call(clients, "x")
        assert (caught.value.outcome, caught.value.code) == ("provider_error", "unreachable")
        assert caught.value.retry_helps
        assert not caught.value.maybe_accepted


@pytest.mark.parametrize("kind", KINDS)
def test_no_credentials_is_ours(fake, kind):
    with pytest.raises(GoogleFailure) as caught:
        KINDS[kind](Clients(settings_for(fake, api_key="")), "x")
    assert caught.value.outcome == "platform_error"


@pytest.mark.parametrize("kind", KINDS)
def test_once_markers_heal(clients, kind):
    words = "[[fake:503-once]] a mug"
    with pytest.raises(GoogleFailure):
        KINDS[kind](clients, words)
    assert KINDS[kind](clients, words)
