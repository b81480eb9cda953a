"""What a prompt can make the fake do: a marker `[[fake:name]]` or `[[fake:name=value]]` in it.

A name that ends in `-once` misbehaves at the first request with that prompt and behaves from the
second one on: `[[fake:503-once]]`. The docs and the fake's own page print this table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PATTERN = re.compile(r"\[\[fake:([a-z0-9-]+)(?:=([A-Za-z0-9_.-]+))?\]\]")
_ONCE = "-once"

REFUSALS_BY_HTTP: Mapping[str, str] = {
    "429": "429 RESOURCE_EXHAUSTED with RetryInfo; =SECONDS sets the delay (17)",
    "400-key": "400 INVALID_ARGUMENT with ErrorInfo API_KEY_INVALID: the key is wrong",
    "400-region": "400 FAILED_PRECONDITION: billing or region",
    "400-image": "400 INVALID_ARGUMENT: Unable to process input image",
    "400-policy": "400 INVALID_ARGUMENT whose text says that the prompt breaks usage guidelines",
    "400": "400 INVALID_ARGUMENT without more: a request that is built wrongly",
    "401": "401 UNAUTHENTICATED",
    "403": "403 PERMISSION_DENIED",
    "404": "404 NOT_FOUND: the model is retired",
    "500": "500 INTERNAL",
    "500-html": "500 with an HTML page instead of JSON",
    "503": "503 UNAVAILABLE: overloaded",
    "504": "504 DEADLINE_EXCEEDED",
}
BAD_TRANSPORT: Mapping[str, str] = {
    "slow": "answers after =SECONDS (30)",
    "drip": "one byte of the answer a second, for =SECONDS (30)",
    "reset": "takes the request and closes the connection without an answer",
    "cut": "breaks off in the middle of the answer",
    "html": "200 with an HTML page",
    "broken-json": "200 with JSON that breaks off",
    "odd-json": "200 with JSON of another shape",
    "nothing": "200 with an empty body",
    "huge": "200 with =MEGABYTES (500) of body",
}
CONTENT: Mapping[str, str] = {
    "block": "200 without candidates, promptFeedback.blockReason =REASON (SAFETY)",
    "no-candidates": "200 without candidates and without promptFeedback",
    "finish": "a candidate without parts, finishReason =REASON (IMAGE_SAFETY), known or not",
    "text-only": "finishReason STOP with a text part and no picture",
    "no-parts": "finishReason STOP without parts",
}
PICTURES: Mapping[str, str] = {
    "thoughts": "draft pictures and thought text before the final picture",
    "only-thoughts": "draft pictures that are all marked as thought",
    "two": "two pictures; the last one counts",
    "1x1": "a picture of one pixel",
    "half-size": "half the asked width and height",
    "blank": "one even colour",
    "not-a-picture": "text bytes that are called image/png",
    "gif": "a GIF",
    "svg": "an SVG",
    "truncated": "a picture whose second half is missing",
    "mislabelled": "a JPEG that is called image/png (fine: bytes are sniffed)",
    "bomb": "a small PNG that says it is 30,000 × 30,000",
}
TEXTS: Mapping[str, str] = {
    "bad-structure": "text that is no JSON where JSON was asked for",
    "stream-block": "the first chunk of the stream is a block (promptFeedback)",
    "stream-safety": "finishReason SAFETY after some text was streamed",
    "stream-error": "an error object with 503 in the middle of the stream",
    "stream-cut": "the stream breaks off",
    "call": "chat: calls the function =NAME with the JSON object behind the marker; then tells its answer",
    "call-again": "chat: calls the function =NAME at every turn for as long as it may",
}
VIDEOS: Mapping[str, str] = {
    "polls": "done after =N polls (2)",
    "never": "never done",
    "lost": "accepts the job, then closes the connection: possibly billed",
    "poll-429": "each poll answers 429",
    "poll-503": "each poll answers 503",
    "poll-404": "the job is not known any more",
    "poll-cut": "each poll's connection is closed",
    "failed": "Omni: status failed with errors[code, message]; =CODE sets the code",
    "step-error": "Omni: completed, the step holds an error; =CODE sets the gRPC code (13)",
    "empty": "completed without a video",
    "status": "Omni: the status is =STATUS (incomplete)",
    "op": "Veo: done with error code =CODE (13)",
    "rai": "Veo: done, raiMediaFilteredCount 1, no videos; Omni: failed, safety",
    "inline": "Omni: the video comes as data instead of a URI",
    "short-clip": "a clip of another length than asked",
    "not-a-video": "HTML bytes where the video should be",
    "download-404": "the file is not there",
    "download-503": "the download answers 503",
    "download-cut": "the download breaks off",
    "download-huge": "the download is =MEGABYTES (500)",
}
GROUPS: Mapping[str, Mapping[str, str]] = {
    "Any request that carries the prompt": {**REFUSALS_BY_HTTP, **BAD_TRANSPORT},
    "Pictures and text": CONTENT,
    "Pictures": PICTURES,
    "Text": TEXTS,
    "Video": VIDEOS,
}
MARKERS: Mapping[str, str] = {
    name: text for group in GROUPS.values() for name, text in group.items()
}


@dataclass(frozen=True)
class Marker:
    """What was found in a prompt; `name` is empty when there was nothing."""

    name: str = ""
    value: str = ""
    once: bool = False

    def number(self, default: float) -> float:
        """The value as a number."""
        try:
            return float(self.value)
        except ValueError:
            return default


def find(prompt: str) -> Marker:
    """The first known marker in the prompt."""
    for name, value in _PATTERN.findall(prompt):
        plain = name.removesuffix(_ONCE)
        if plain in MARKERS:
            return Marker(plain, value, name != plain)
    return Marker()


def as_markdown() -> str:
    """The table for docs/development.md."""
    lines = []
    for title, group in GROUPS.items():
        lines += [f"### {title}", "", "| Marker | What happens |", "|---|---|"]
        lines += [f"| `[[fake:{name}]]` | {text} |" for name, text in group.items()]
        lines.append("")
    return "\n".join(lines)
