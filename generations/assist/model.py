"""The assistant with Google's model: function calls over the closed list, the account fixed by us."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from django.utils.translation import get_language

from generations.assist import functions
from generations.assist.events import Delta, Draft, Said, Source
from generations.assist.facts import Asker
from generations.engines.base import ContentPolicyError
from generations.engines.google import prompts
from generations.engines.google.engine import clients, engine_errors
from generations.models import ChatMessage
from generations.runs.outages import health

_TOOL = "chat-assistant"
_SECONDS = 60.0
_MOST_TOKENS = 2_000
# What was said before is told again as far as this; older turns are left out.
_MOST_TURNS, _MOST_OF_A_TURN = 12, 2_000


def answer(asker: Asker, text: str, before: Sequence[ChatMessage]) -> Iterator[Said]:
    """The model's answer; an EngineError at any point where Google fails.

    What it has used by then counts towards the engine's day, however the answer ends.
    """
    from generations.engines.google.chat import Declared, Meter, converse
    from generations.engines.google.text import End, TextRequest

    found: list[Draft | Source] = []

    def call(name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        answered = functions.call(asker, name, arguments)
        found.extend(answered.reading.sources)
        if answered.draft is not None:
            found.append(answered.draft)
        return answered.reading.data

    request = TextRequest(
        prompt=prompts.render(_TOOL, _words(asker, text)),
        history=_history(before),
        max_tokens=_MOST_TOKENS,
        seconds_left=_SECONDS,
    )
    declared = [Declared(*one) for one in _declared()]
    google, meter = clients(), Meter()
    try:
        with engine_errors(), closing(converse(google, request, declared, call, meter)) as pieces:
            for piece in pieces:
                yield from _taken(found)
                if not isinstance(piece, End):
                    yield Delta(piece.text)
                elif piece.finish == "stopped":
                    raise ContentPolicyError(piece.reason)
    finally:
        health.add_spending("google", google.settings.text_model, meter.usage)
    yield from _taken(found)


def _taken(found: list[Draft | Source]) -> Iterator[Draft | Source]:
    while found:
        yield found.pop(0)


def _words(asker: Asker, text: str) -> prompts.Words:
    told = {
        "now": asker.time(asker.now),
        "time_zone": asker.account.time_zone,
        "language_of_the_pages": get_language() or "en",
    }
    return prompts.Words(merchant=text, product_data=told)


def _history(before: Sequence[ChatMessage]) -> list[Any]:
    from generations.engines.google.text import Turn

    return [
        Turn("user", prompts.place("merchant_request", message.text[:_MOST_OF_A_TURN]))
        if message.role == ChatMessage.Role.USER
        else Turn("model", message.text[:_MOST_OF_A_TURN])
        for message in before[-_MOST_TURNS:]
        if message.text
    ]


def _declared() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for one in functions.FUNCTIONS.values():
        yield one.name, one.purpose, one.arguments.model_json_schema()
    schema = functions.Proposal.model_json_schema()
    yield functions.PROPOSE, functions.PROPOSE_PURPOSE, schema
