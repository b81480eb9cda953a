"""What the fake sends back: bytes, or a way of failing to send them; and Google's error bodies."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from generations.engines.fake_google.markers import Marker

Json = dict[str, Any]
MEGABYTE = 1024 * 1024
HTML_PAGE = b"<!doctype html><title>Error</title><p>Something in between answered with a page.</p>"


@dataclass(frozen=True)
class Reply:
    """One answer. With `chunks` the body is streamed; `cut` closes the connection half-way.

    `hang_up` sends nothing at all, `delay` waits first, `drip` sends a byte a second so long.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=UTF-8"
    chunks: Callable[[], Iterator[bytes]] | None = None
    delay: float = 0
    drip: float = 0
    hang_up: bool = False
    cut: bool = False
    headers: dict[str, str] = field(default_factory=dict)


def json_reply(body: object, status: int = 200) -> Reply:
    """The object as a JSON answer."""
    return Reply(status, json.dumps(body).encode())


def html_reply(status: int = 200) -> Reply:
    """What a proxy in between answers."""
    return Reply(status, HTML_PAGE, "text/html; charset=utf-8")


def b64(content: bytes) -> str:
    """Bytes the way JSON carries them."""
    return base64.b64encode(content).decode()


def from_b64(text: str) -> bytes:
    """Bytes out of JSON: the SDK sends the alphabet of URLs, other clients the standard one."""
    return base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_"))


def error_body(code: int, status: str, message: str, details: list[Json] | None = None) -> Json:
    """The error object of Google's REST services."""
    error: Json = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = details
    return {"error": error}


def error_reply(code: int, status: str, message: str, details: list[Json] | None = None) -> Reply:
    """An error answer."""
    return json_reply(error_body(code, status, message, details), code)


def invalid_key() -> Reply:
    """A wrong API key is a 400, not a 401."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    message = "API key not valid. Please pass a valid API key."
    return error_reply(400, "INVALID_ARGUMENT", message, [info])


def _quota(seconds: float) -> Reply:
    kinds = "type.googleapis.com/google.rpc."
    quota = {"quotaMetric": "generativelanguage.googleapis.com/generate_content_requests"}
    details: list[Json] = [
        {"@type": f"{kinds}QuotaFailure", "violations": [quota]},
        {"@type": f"{kinds}RetryInfo", "retryDelay": f"{seconds:g}s"},
    ]
    message = f"You exceeded your current quota. Please retry in {seconds:g}s."
    return error_reply(429, "RESOURCE_EXHAUSTED", message, details)


_ERRORS: dict[str, tuple[int, str, str]] = {
    "400-region": (400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
    "400-image": (400, "INVALID_ARGUMENT", "Unable to process input image. Please retry."),
    "400-policy": (
        400,
        "INVALID_ARGUMENT",
        "The prompt contains words that violate our usage guidelines. Support codes: 29310472",
    ),
    "400": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "401": (401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    "403": (403, "PERMISSION_DENIED", "Your project has been denied access."),
    "404": (404, "NOT_FOUND", "The model is not found for API version v1."),
    "500": (500, "INTERNAL", "An internal error has occurred."),
    "503": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "504": (504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}


def huge_chunks(megabytes: float, start: bytes = b"") -> Callable[[], Iterator[bytes]]:
    """A body of that size, made while it is sent."""

    def chunks() -> Iterator[bytes]:
        yield start
        block = b"A" * MEGABYTE
        for _ in range(int(megabytes)):
            yield block

    return chunks


def http_refusal(marker: Marker) -> Reply | None:
    """The error answer that the marker asks for, if it is one of REFUSALS_BY_HTTP."""
    if marker.name == "429":
        return _quota(marker.number(17))
    if marker.name == "400-key":
        return invalid_key()
    if marker.name == "500-html":
        return html_reply(500)
    if marker.name in _ERRORS:
        return error_reply(*_ERRORS[marker.name])
    return None


_BROKEN: dict[str, Callable[[Marker, Callable[[], Reply]], Reply]] = {
    "slow": lambda marker, good: replace(good(), delay=marker.number(30)),
    "drip": lambda marker, good: replace(good(), drip=marker.number(30)),
    "reset": lambda _marker, _good: Reply(hang_up=True),
    "cut": lambda _marker, good: replace(good(), cut=True),
    "html": lambda _marker, _good: html_reply(),
    "broken-json": lambda _marker, _good: Reply(body=b'{"candidates": [{"content": {"role": "mo'),
    "odd-json": lambda _marker, _good: json_reply({"candidates": "some", "status": 7, "name": []}),
    "nothing": lambda _marker, _good: Reply(),
    "huge": lambda marker, _good: Reply(
        chunks=huge_chunks(marker.number(500), b'{"candidates": "')
    ),
}


def bad_transport(marker: Marker, good: Callable[[], Reply]) -> Reply | None:
    """The broken answer that the marker asks for, if it is one of BAD_TRANSPORT."""
    broken = _BROKEN.get(marker.name)
    return broken(marker, good) if broken else None
