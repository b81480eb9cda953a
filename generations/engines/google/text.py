"""Text: structured answers for descriptions, streamed ones for the chat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from google.genai import types
from pydantic import BaseModel, ValidationError

from generations.engines.google import raster
from generations.engines.google.answers import (
    DONE,
    REFUSED,
    candidate_of,
    check_finish,
    failure_of_finish,
    text_of,
    usage_of,
    word,
)
from generations.engines.google.client import Clients, request_options
from generations.engines.google.errors import unusable
from generations.engines.google.images import safety_settings
from generations.engines.google.mapping import google_failures
from generations.engines.google.prompts import Prompt

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True)
class Turn:
    """One message of a conversation."""

    role: Literal["user", "model"]
    text: str


@dataclass(frozen=True)
class TextRequest:
    """What is asked: the prompt, the turns before it, pictures to look at."""

    prompt: Prompt
    history: Sequence[Turn] = ()
    pictures: tuple[bytes, ...] = ()
    max_tokens: int | None = None
    seconds_left: float | None = None


@dataclass(frozen=True)
class Written(Generic[Answer]):
    """A structured answer that fits its form."""

    value: Answer
    model: str
    usage: dict[str, Any]


@dataclass(frozen=True)
class Delta:
    """A piece of streamed text."""

    text: str


@dataclass(frozen=True)
class End:
    """The last event. `stopped`: Google broke off for the content; `length`: it ran full.

    In both cases what was shown stays and is marked.
    """

    finish: Literal["stop", "stopped", "length"]
    reason: str
    model: str
    usage: dict[str, Any] = field(default_factory=dict)


def write(clients: Clients, request: TextRequest, form: type[Answer]) -> Written[Answer]:
    """One answer in the form of a pydantic model; a GoogleFailure when it does not fit."""
    config = config_of(clients, request)
    config.response_mime_type = "application/json"
    config.response_json_schema = form.model_json_schema()
    contents, client = contents_of(request), clients.content()
    with google_failures():
        response = client.models.generate_content(
            model=clients.settings.text_model, contents=contents, config=config
        )
    candidate = candidate_of(response)
    check_finish(candidate)
    try:
        value = form.model_validate_json(text_of(candidate))
    except ValidationError as error:
        raise unusable("bad_text", str(error)) from error
    model = response.model_version or clients.settings.text_model
    return Written(value, model, usage_of(response))


def stream(clients: Clients, request: TextRequest) -> Iterator[Delta | End]:
    """Deltas and exactly one End, or a GoogleFailure at any point.

    Closing the iterator early ends the request.
    """
    begun = False
    for chunk in _chunks(clients, request):
        if begun and not chunk.candidates and chunk.prompt_feedback is None:
            continue  # Counts alone, between or after the text.
        candidate, begun = candidate_of(chunk), True
        text = text_of(candidate)
        if text:
            yield Delta(text)
        if candidate.finish_reason is not None:
            yield end_of(word(candidate.finish_reason), chunk)
            return
    raise unusable("unreachable", "The stream ended without a finish reason.")


def _chunks(clients: Clients, request: TextRequest) -> Iterator[types.GenerateContentResponse]:
    contents, config = contents_of(request), config_of(clients, request)
    client = clients.content()
    with google_failures():
        yield from client.models.generate_content_stream(
            model=clients.settings.text_model, contents=contents, config=config
        )


def end_of(reason: str, chunk: types.GenerateContentResponse) -> End:
    """What a stream's finish reason means; a GoogleFailure for one that is no end."""
    model, usage = chunk.model_version or "", usage_of(chunk)
    if reason == DONE:
        return End("stop", reason, model, usage)
    if reason in {"MAX_TOKENS", "CONTINUATION"}:
        return End("length", reason, model, usage)
    if reason in REFUSED:
        return End("stopped", reason, model, usage)
    raise failure_of_finish(reason)


def contents_of(request: TextRequest) -> list[types.Content]:
    """The turns before, then the pictures and the prompt."""
    turns = [
        types.Content(role=turn.role, parts=[types.Part.from_text(text=turn.text)])
        for turn in request.history
    ]
    shown = [raster.as_reference(raster.open_rgb(content)) for content in request.pictures]
    parts = [types.Part.from_bytes(data=one.content, mime_type=one.media_type) for one in shown]
    parts.append(types.Part.from_text(text=request.prompt.text))
    return [*turns, types.Content(role="user", parts=parts)]


def config_of(clients: Clients, request: TextRequest) -> types.GenerateContentConfig:
    """Without temperature, top_p and top_k, which are deprecated."""
    settings = clients.settings
    return types.GenerateContentConfig(
        system_instruction=request.prompt.system,
        max_output_tokens=request.max_tokens,
        safety_settings=safety_settings(settings),
        automatic_continuation=False,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        http_options=request_options(settings.text_seconds, request.seconds_left),
    )
