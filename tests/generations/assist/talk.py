"""Asks the assistant through the API and reads its events."""

from __future__ import annotations

import json
from typing import Any

from tests.merchants import ApiMerchant

Events = list[tuple[str, dict[str, Any]]]


def read_events(response: Any) -> Events:
    """The events of a stream, as (name, data)."""
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "text/event-stream"
    text = b"".join(response.streaming_content).decode()
    events = []
    for message in text.strip().split("\n\n"):
        name, data = message.splitlines()
        events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events


def ask(merchant: ApiMerchant, text: str, conversation: str | None = None) -> Events:
    """One question and all that is said to it."""
    body = {"conversation": conversation, "message": text}
    return read_events(merchant.post("assist", body, key=None))


def text_of(events: Events) -> str:
    """What was said, in words."""
    return "".join(data["text"] for name, data in events if name == "delta")


def of_kind(events: Events, kind: str) -> list[dict[str, Any]]:
    """The data of the events of one name."""
    return [data for name, data in events if name == kind]
