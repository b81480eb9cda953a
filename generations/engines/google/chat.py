"""The chat: a streamed answer that may call functions of ours on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from google.genai import types

from generations.engines.google import text
from generations.engines.google.answers import candidate_of, text_of, usage_of, word
from generations.engines.google.client import Clients
from generations.engines.google.errors import unusable
from generations.engines.google.mapping import google_failures
from generations.engines.google.text import Delta, End, TextRequest

# So often the model may look something up before it has to answer.
MOST_ROUNDS = 6
# So many functions it may call in one go.
_MOST_CALLS = 8

# About so many characters are a token.
_CHARACTERS = 4

Call = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True)
class Declared:
    """A function as the model is told of it; `schema` is the JSON Schema of its arguments."""

    name: str
    purpose: str
    schema: Mapping[str, Any]


@dataclass
class Meter:
    """The tokens of an answer so far, of all its rounds; also of one that is stopped or breaks off.

    Google counts a round anew with each piece, so the last count of each round is added. A round that
    came in pieces without any count is estimated by its characters.
    """

    earlier: Counter[str] = field(default_factory=Counter)
    round: Mapping[str, int] = field(default_factory=dict)
    estimate: Counter[str] = field(default_factory=Counter)

    @property
    def usage(self) -> dict[str, int]:
        """All rounds together."""
        round_now = self.round or {name: n // _CHARACTERS for name, n in self.estimate.items()}
        return dict(self.earlier + Counter(round_now))

    def begin_round(self) -> None:
        """Another request goes out; one that is refused at the door costs nothing."""
        self.earlier = Counter(self.usage)
        self.round, self.estimate = {}, Counter()

    def count(self, chunk: types.GenerateContentResponse, sent: int) -> None:
        """A piece came of a request of so many characters."""
        told = {name: n for name, n in usage_of(chunk).items() if type(n) is int}
        self.round = told or self.round
        said = [each.content for each in chunk.candidates or [] if each.content]
        self.estimate["prompt_token_count"] = sent
        self.estimate["candidates_token_count"] += _length(said)


def converse(
    clients: Clients,
    request: TextRequest,
    declared: Sequence[Declared],
    call: Call,
    meter: Meter,
) -> Generator[Delta | End, None, None]:
    """Deltas and exactly one End with the counts of all rounds, or a GoogleFailure at any point.

    `call` answers a function by its name and arguments, both of which the model made up; in the
    last round nothing can be called any more. Closing the generator ends the request; `meter` has
    counted what was used by then.
    """
    contents, config = text.contents_of(request), text.config_of(clients, request)
    config.tools = [types.Tool(function_declarations=[_declaration(one) for one in declared])]
    for number in range(MOST_ROUNDS + 1):
        if number == MOST_ROUNDS:
            config.tool_config = types.ToolConfig(
                function_calling_config=types.FunctionCallingConfig(
                    mode=types.FunctionCallingConfigMode.NONE
                )
            )
        said: list[types.Part] = []
        end = yield from _round(clients, contents, config, said, meter)
        calls = [part.function_call for part in said if part.function_call][:_MOST_CALLS]
        if not calls or number == MOST_ROUNDS:
            yield replace(end, usage=meter.usage)
            return
        contents.append(types.Content(role="model", parts=said))
        answers = [
            types.Part.from_function_response(
                name=one.name or "", response=dict(call(one.name or "", one.args or {}))
            )
            for one in calls
        ]
        contents.append(types.Content(role="user", parts=answers))


def _round(
    clients: Clients,
    contents: list[types.Content],
    config: types.GenerateContentConfig,
    said: list[types.Part],
    meter: Meter,
) -> Generator[Delta, None, End]:
    """One request: its text as deltas, its parts into `said`, its end as the generator's value."""
    begun, sent = False, _length(contents)
    meter.begin_round()
    with google_failures():
        chunks = clients.content().models.generate_content_stream(
            model=clients.settings.text_model,
            contents=contents,
            config=config,
        )
        for chunk in chunks:
            meter.count(chunk, sent)
            if begun and not chunk.candidates and chunk.prompt_feedback is None:
                continue
            candidate, begun = candidate_of(chunk), True
            # With their signatures, thoughts too: the model wants its own words back unchanged.
            said += (candidate.content.parts if candidate.content else None) or []
            if words := text_of(candidate):
                yield Delta(words)
            if candidate.finish_reason is not None:
                return text.end_of(word(candidate.finish_reason), chunk)
    raise unusable("unreachable", "The stream ended without a finish reason.")


def _length(contents: Sequence[types.Content]) -> int:
    return sum(len(part.text or "") for content in contents for part in content.parts or [])


def _declaration(one: Declared) -> types.FunctionDeclaration:
    return types.FunctionDeclaration(
        name=one.name, description=one.purpose, parameters_json_schema=dict(one.schema)
    )
