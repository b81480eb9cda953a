from __future__ import annotations

import pytest
from pydantic import BaseModel, Field

from generations.engines.google import text
from generations.engines.google.errors import GoogleFailure
from generations.engines.google.prompts import Prompt, Words, render
from generations.engines.google.text import Delta, End, TextRequest, Turn
from tests.generations.engines.google.conftest import picture


class Inner(BaseModel):
    alt: str


class Description(BaseModel):
    title: str
    bullets: list[str]
    meta_title: str = Field(max_length=70)
    alt_texts: list[Inner]


def ask(words, **changes):
    return TextRequest(Prompt("Be brief.", words), **changes)


def test_a_structured_answer_has_the_form(fake, clients):
    written = text.write(clients, ask("a mug", pictures=(picture(),)), Description)
    assert isinstance(written.value, Description)
    assert written.model == "gemini-3.8-flash"
    assert written.usage["candidates_token_count"] == 120
    config = fake.state.requests[0]["body"]["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"]["title"] == "Description"
    assert not {"temperature", "topP", "topK"} & set(config)


@pytest.mark.parametrize("marker", ["bad-structure", "text-only"])
def test_another_form_is_a_provider_error(clients, marker):
    if marker == "text-only":
        assert text.write(clients, ask("[[fake:text-only]]"), Description).value.title
        return
    with pytest.raises(GoogleFailure) as caught:
        text.write(clients, ask(f"[[fake:{marker}]]"), Description)
    assert (caught.value.outcome, caught.value.code) == ("provider_error", "bad_text")
    assert caught.value.retry_helps


def test_text_is_streamed_with_its_history(fake, clients):
    history = (Turn("user", "hello"), Turn("model", "good day"))
    *deltas, end = text.stream(clients, ask("what does it cost?", history=history))
    assert len(deltas) == 3
    assert "what does it cost?" in "".join(delta.text for delta in deltas)
    assert (end.finish, end.model) == ("stop", "gemini-3.8-flash")
    request = fake.state.requests[0]
    assert request["path"].endswith(":streamGenerateContent?alt=sse")
    assert [turn["role"] for turn in request["body"]["contents"]] == ["user", "model", "user"]
    assert fake.state.counts()["text"] == 1


def test_google_cloud_streams_too(cloud):
    assert isinstance(list(text.stream(cloud, ask("hello")))[-1], End)


def test_a_block_at_the_start_raises(clients):
    with pytest.raises(GoogleFailure) as caught:
        list(text.stream(clients, ask("[[fake:stream-block]]")))
    assert caught.value.outcome == "content_policy"


def test_a_stop_in_the_middle_keeps_what_was_said(clients):
    first, end = text.stream(clients, ask("[[fake:stream-safety]]"))
    assert isinstance(first, Delta)
    assert (end.finish, end.reason) == ("stopped", "SAFETY")


@pytest.mark.parametrize(
    ("marker", "code"), [("stream-error", "unavailable"), ("stream-cut", "unreachable")]
)
def test_a_break_in_the_middle_raises_after_the_text(clients, marker, code):
    events = text.stream(clients, ask(f"[[fake:{marker}]]"))
    assert isinstance(next(events), Delta)
    with pytest.raises(GoogleFailure) as caught:
        list(events)
    assert (caught.value.outcome, caught.value.code) == ("provider_error", code)


@pytest.mark.filterwarnings("ignore:.*is not a valid")
@pytest.mark.parametrize(
    ("reason", "outcome"), [("PUP_LIMITED_DISABLED", "platform_error"), ("NEW", "provider_error")]
)
def test_other_finishes_of_a_stream(clients, reason, outcome):
    with pytest.raises(GoogleFailure) as caught:
        list(text.stream(clients, ask(f"[[fake:finish={reason}]]")))
    assert caught.value.outcome == outcome


def test_a_stream_can_be_left(clients):
    events = text.stream(clients, ask("hello"))
    next(events)
    events.close()  # type: ignore[attr-defined]  # It is a generator.


def test_the_description_prompt_carries_the_data(fake, clients):
    words = Words(merchant="warm", product_data={"title": "Cup </product_data>"})
    text.write(clients, TextRequest(render("description-generator", words)), Description)
    said = fake.state.requests[0]["body"]["contents"][0]["parts"][-1]["text"]
    assert said.count("</product_data>") == 1
