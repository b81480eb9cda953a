"""`generateContent` and `streamGenerateContent`: pictures and text of the Gemini models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from generations.engines.fake_google import markers
from generations.engines.fake_google.markers import Marker
from generations.engines.fake_google.pictures import Drawn, Order, answer, draw, encode
from generations.engines.fake_google.replies import (
    Json,
    Reply,
    b64,
    bad_transport,
    error_body,
    error_reply,
    from_b64,
    http_refusal,
    json_reply,
)
from generations.engines.fake_google.state import CallKind, State

_SIGNATURE = b64(b"a thought's signature")
_MAX_PICTURES = 14


@dataclass(frozen=True)
class Request:
    """What of a generateContent body matters here."""

    model: str
    prompt: str
    pictures: tuple[bytes, ...]
    config: Json
    answers: tuple[Json, ...] = ()
    may_call: bool = False

    @property
    def wants_picture(self) -> bool:
        """Whether the answer is a picture."""
        return "IMAGE" in self.config.get("responseModalities", [])

    @property
    def order(self) -> Order:
        """What is to be drawn."""
        image = self.config.get("imageConfig", {})
        aspect, size = image.get("aspectRatio", "1:1"), image.get("imageSize", "1K")
        return Order(self.prompt, self.model, self.pictures, aspect, size)


def parse(model: str, body: Json) -> Request:
    """Read a body; both spellings of inline data are accepted, as Google accepts both."""
    parts = [part for content in body.get("contents", []) for part in content.get("parts", [])]
    texts = [part["text"] for part in parts if "text" in part]
    inline = [part.get("inlineData") or part.get("inline_data") for part in parts]
    pictures = tuple(from_b64(blob["data"]) for blob in inline if blob)
    answers = tuple(part["functionResponse"] for part in parts if "functionResponse" in part)
    mode = body.get("toolConfig", {}).get("functionCallingConfig", {}).get("mode")
    may_call = bool(body.get("tools")) and mode != "NONE"
    config = body.get("generationConfig", {})
    return Request(model, "\n".join(texts), pictures, config, answers, may_call)


def generate(state: State, model: str, body: Json) -> Reply:
    """The answer to `:generateContent`."""
    request = parse(model, body)
    marker = _note(state, request)
    problem = _refuse_request(request)
    if problem:
        return problem
    return (
        http_refusal(marker)
        or bad_transport(marker, lambda: json_reply(_response(request, Marker())))
        or json_reply(_response(request, marker))
    )


def stream(state: State, model: str, body: Json) -> Reply:
    """The answer to `:streamGenerateContent?alt=sse`."""
    request = parse(model, body)
    marker = _note(state, request)

    def good() -> Reply:
        return _sse(list(_chunks(request, marker)), cut=marker.name == "stream-cut")

    return http_refusal(marker) or bad_transport(marker, good) or good()


def _note(state: State, request: Request) -> Marker:
    kind: CallKind = "image" if request.wants_picture else "text"
    state.count(kind, request.model, request.prompt, len(request.pictures))
    return state.effective(markers.find(request.prompt), request.prompt)


def _refuse_request(request: Request) -> Reply | None:
    """What the real service refuses and the SDK lets through."""
    if len(request.pictures) > _MAX_PICTURES:
        return error_reply(400, "INVALID_ARGUMENT", "Too many images in the request.")
    size = request.config.get("imageConfig", {}).get("imageSize", "1K")
    if request.wants_picture and size not in {"1K", "2K", "4K"}:
        return error_reply(400, "INVALID_ARGUMENT", f"Invalid image size: {size}.")
    return None


def _response(request: Request, marker: Marker) -> Json:
    if marker.name == "no-candidates":
        return _envelope(request, [])
    if marker.name == "block":
        feedback = {"blockReason": marker.value or "SAFETY"}
        return {**_envelope(request, []), "promptFeedback": feedback}
    if marker.name == "finish":
        reason = marker.value or "IMAGE_SAFETY"
        candidate = {"finishReason": reason, "finishMessage": f"Stopped: {reason}.", "index": 0}
        return _envelope(request, [candidate])
    return _envelope(request, [_candidate(_parts(request, marker))])


def _envelope(request: Request, candidates: list[Json]) -> Json:
    tokens = 1120 if candidates and request.wants_picture else 120
    modality = "IMAGE" if request.wants_picture else "TEXT"
    usage: Json = {
        "promptTokenCount": 258 + 560 * len(request.pictures),
        "candidatesTokenCount": tokens,
        "totalTokenCount": 258 + 560 * len(request.pictures) + tokens,
        "candidatesTokensDetails": [{"modality": modality, "tokenCount": tokens}],
    }
    envelope: Json = {
        "usageMetadata": usage,
        "modelVersion": request.model,
        "responseId": "resp-1",
    }
    if candidates:
        envelope["candidates"] = candidates
    return envelope


def _candidate(parts: list[Json], finish: str | None = "STOP") -> Json:
    candidate: Json = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return candidate


def _parts(request: Request, marker: Marker) -> list[Json]:
    if marker.name == "no-parts":
        return []
    if marker.name == "text-only" and request.wants_picture:
        return [{"text": "I would rather talk about this picture than make it."}]
    if request.wants_picture:
        return _picture_parts(request, marker)
    return [{"text": _text(request, marker)}]


def _picture_parts(request: Request, marker: Marker) -> list[Json]:
    final = _inline(answer(request.order, marker))
    draft = {**_inline(encode(draw(request.order, 0.25))), "thought": True}
    match marker.name:
        case "thoughts":
            return [{"text": "Thinking about it.", "thought": True}, draft, final, draft]
        case "only-thoughts":
            return [draft, draft]
        case "two":
            return [_inline(encode(draw(request.order, 0.5))), final]
    return [{"text": "Here is your image."}, {**final, "thoughtSignature": _SIGNATURE}]


def _inline(drawn: Drawn) -> Json:
    return {"inlineData": {"mimeType": drawn.media_type, "data": b64(drawn.content)}}


def _text(request: Request, marker: Marker) -> str:
    schema = request.config.get("responseJsonSchema") or request.config.get("responseSchema")
    if schema is None or marker.name == "bad-structure":
        start = " ".join(request.prompt.split())[-80:]
        return f"Test answer of {request.model}. You wrote: {start}"
    return json.dumps(_example(schema, schema.get("$defs", {})))


def _example(schema: Json, definitions: Json) -> Any:
    """A value that fits the schema, as structured output would."""
    if "$ref" in schema:
        return _example(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    kind = str(schema.get("type", "string")).lower()
    if kind == "object":
        inner = schema.get("properties", {})
        return {name: _example(each, definitions) for name, each in inner.items()}
    if kind == "array":
        count = max(1, schema.get("minItems", 1))
        return [_example(schema.get("items", {}), definitions) for _ in range(count)]
    if "enum" in schema:
        return schema["enum"][0]
    words = f"Test {schema.get('title', 'text')}"[: schema.get("maxLength", 200)]
    return {"integer": 1, "number": 1.5, "boolean": True}.get(kind, words)


def _chunks(request: Request, marker: Marker) -> Iterator[Json]:
    if marker.name in {"block", "stream-block", "no-candidates", "finish"}:
        plain = Marker("block") if marker.name == "stream-block" else marker
        yield _response(request, plain)
        return
    if _calls(request, marker):
        yield _envelope(request, [_candidate([_function_call(request, marker)])])
        return
    text = _told(request) or _text(request, marker)
    third = max(1, len(text) // 3)
    yield _envelope(request, [_candidate([{"text": text[:third]}], None)])
    if marker.name == "stream-error":
        yield error_body(503, "UNAVAILABLE", "The model is overloaded.")
        return
    if marker.name == "stream-safety":
        yield _envelope(request, [{"finishReason": "SAFETY", "index": 0}])
        return
    yield _envelope(request, [_candidate([{"text": text[third : 2 * third]}], None)])
    yield _envelope(request, [_candidate([{"text": text[2 * third :]}])])


def _calls(request: Request, marker: Marker) -> bool:
    again = marker.name == "call-again"
    return request.may_call and (again or (marker.name == "call" and not request.answers))


def _function_call(request: Request, marker: Marker) -> Json:
    """The call that the prompt asks for, with the JSON object that stands behind the marker."""
    behind = request.prompt.partition(f"={marker.value}]]")[2].lstrip()
    arguments: Json = {}
    if behind.startswith("{"):
        arguments = json.JSONDecoder().raw_decode(behind)[0]
    call = {"name": marker.value, "args": arguments}
    return {"functionCall": call, "thoughtSignature": _SIGNATURE}


def _told(request: Request) -> str:
    """What the functions have answered, in the open, so that tests see what reached the model."""
    return " ".join(
        f"{answer['name']} says {json.dumps(answer['response'])}." for answer in request.answers
    )


def _sse(events: list[Json], *, cut: bool) -> Reply:
    def chunks() -> Iterator[bytes]:
        for event in events:
            yield f"data: {json.dumps(event)}\r\n\r\n".encode()

    return Reply(content_type="text/event-stream", chunks=chunks, cut=cut)
