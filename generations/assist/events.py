"""What an answer is made of, in the order it is said, and how it travels as server-sent events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

MEDIA_TYPE = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where an answer comes from: a `kind` of page and which of them is meant, if one is."""

    kind: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A run that is proposed, with its price now. Nothing but the merchant's click starts it."""

    tool: str
    resolution: str = ""
    seconds: int | None = None
    prompt: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    product_ids: tuple[str, ...] = ()
    quote: Mapping[str, Any] = field(default_factory=dict)
    # As the store named the products; for the card, not for programs.
    titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """The end of an answer, and the conversation it stands in."""

    conversation: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer breaks off here: a code for programs, a sentence for people."""

    error: str
    message: str


Said = Delta | Source | Draft
Event = Said | Done | Failed
_NAMES: dict[type[Any], str] = {
    Delta: "delta",
    Source: "source",
    Draft: "draft",
    Done: "done",
    Failed: "error",
}


def as_json(event: Event) -> dict[str, Any]:
    """The event's data, as clients read it."""
    if isinstance(event, Draft):
        return draft_json(event)
    return {name: getattr(event, name) for name in event.__slots__}


def draft_json(draft: Draft) -> dict[str, Any]:
    """A draft in the form of the API's runs, with null where a choice is not made."""
    return {
        "tool": draft.tool,
        "resolution": draft.resolution or None,
        "seconds": draft.seconds,
        "prompt": draft.prompt,
        "options": dict(draft.options),
        "product_ids": list(draft.product_ids),
        "quote": dict(draft.quote),
    }


def encoded(event: Event) -> str:
    """One message of the stream."""
    data = json.dumps(as_json(event), cls=DjangoJSONEncoder)
    return f"event: {_NAMES[type(event)]}\ndata: {data}\n\n"
