"""The closed list of what an answer may look up. All of it reads; the account is never an argument.

The guide and the model call the same functions. Arguments come from outside and are validated; what
does not fit is an answer too, never an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from credits.refusals import Refusal
from generations.assist import drafts, facts, passages
from generations.assist.events import Draft
from generations.assist.facts import Asker, Reading
from generations.catalog import TOOLS
from generations.options import Value
from generations.runs.quote import MAX_PROMPT

_Tool = Annotated[str, Field(max_length=40, json_schema_extra={"enum": ["", *TOOLS]})]
_State = Literal["", "queued", "running", "succeeded", "failed", "cancelled"]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Nothing(_Arguments):
    """No arguments."""


class OfTool(_Arguments):
    """One tool by its slug, or all."""

    tool: _Tool = ""


class Credits(_Arguments):
    """An amount of credits."""

    credits: Annotated[int, Field(ge=0, le=10_000_000)]


class Charge(_Arguments):
    """Which charge is meant: by the ledger's entry, the run, or the latest of a tool or an amount."""

    entry: Annotated[int, Field(ge=0, le=2**40)] = 0
    run: Annotated[str, Field(max_length=36)] = ""
    tool: _Tool = ""
    credits: Annotated[int, Field(ge=0, le=10_000_000)] = 0


class Runs(_Arguments):
    """Which runs to list."""

    tool: _Tool = ""
    state: _State = ""
    limit: Annotated[int, Field(ge=1, le=10)] = 5


class Days(_Arguments):
    """So many days back, today counting as one."""

    days: Annotated[int, Field(ge=1, le=92)] = 30


class Search(_Arguments):
    """Words to look for."""

    search: Annotated[str, Field(max_length=200)] = ""


class Proposal(_Arguments):
    """A run to propose. The merchant decides whether it is started."""

    tool: Annotated[str, Field(max_length=40, json_schema_extra={"enum": list(TOOLS)})]
    resolution: Literal["", "1K", "2K", "4K"] = ""
    seconds: Literal[0, 4, 6, 8] = 0
    prompt: Annotated[str, Field(max_length=MAX_PROMPT)] = ""
    options: dict[str, str | int | float | bool] = {}
    product_ids: Annotated[list[str], Field(max_length=14)] = []


@dataclass(frozen=True)
class Function:
    """One function: what it is called, what it says of itself, what it takes, what it does."""

    name: str
    purpose: str
    arguments: type[BaseModel]
    run: Callable[[Asker, Any], Reading]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call brought; `draft` where it proposed a run."""

    reading: Reading
    draft: Draft | None = None


FUNCTIONS: Mapping[str, Function] = {
    one.name: one
    for one in (
        Function("read_balance", "The account's plan and package credits and when they reset.",
                 Nothing, lambda asker, _given: facts.read_balance(asker)),
        Function("read_prices", "Prices and availability of all tools, or of one.",
                 OfTool, lambda asker, given: facts.read_prices(asker, given.tool)),
        Function("what_fits", "How many runs of each tool an amount of credits pays for.",
                 Credits, lambda asker, given: facts.what_fits(asker, given.credits)),
        Function("explain_charge", "Why credits were charged: the entry, its split, the outcome "
                 "and the rule. Without arguments the latest charge.",
                 Charge, lambda asker, given: facts.explain_charge(
                     asker, given.entry, given.run, given.tool, given.credits)),
        Function("list_runs", "The account's newest runs.",
                 Runs, lambda asker, given: facts.list_runs(
                     asker, given.tool, given.state, given.limit)),
        Function("read_usage", "Credits used in the last days, by tool.",
                 Days, lambda asker, given: facts.read_usage(asker, given.days)),
        Function("list_plans", "The plan that runs now, and plans and packages on sale.",
                 Nothing, lambda asker, _given: facts.list_plans(asker)),
        Function("list_products", "Products of the merchant's store by words of their titles.",
                 Search, lambda asker, given: facts.list_products(asker, given.search)),
        Function("saving_advice", "A cheaper way for what this account uses most.",
                 Nothing, lambda asker, _given: facts.saving_advice(asker)),
        Function("search_help", "What the help says about a question.",
                 Search, lambda _asker, given: passages.search(given.search)),
    )
}  # fmt: skip
PROPOSE = "propose_run"
PROPOSE_PURPOSE = (
    "Show the merchant a run as a card with its price. It is not started: only the merchant can."
)


def call(asker: Asker, name: str, arguments: Mapping[str, Any]) -> Answer:
    """Look something up for the asker's account; a name or arguments that do not fit are said so."""
    try:
        if name == PROPOSE:
            return _propose(asker, Proposal.model_validate(dict(arguments)))
        if name not in FUNCTIONS:
            return _problem("There is no such function.")
        function = FUNCTIONS[name]
        return Answer(function.run(asker, function.arguments.model_validate(dict(arguments))))
    except ValidationError as error:
        places = {".".join(map(str, item["loc"])) for item in error.errors()}
        return _problem(f"Arguments that do not fit: {', '.join(sorted(places))}.")
    except Refusal as refusal:
        return _problem(str(refusal))


def _propose(asker: Asker, wanted: Proposal) -> Answer:
    options: dict[str, Value] = dict(wanted.options)
    tool = TOOLS.get(wanted.tool)
    if tool and any(option.of_product and option.name in options for option in tool.options):
        return _problem("What is true of a product is said by its store or by the merchant alone.")
    draft = drafts.propose(
        asker,
        Draft(
            wanted.tool,
            wanted.resolution,
            wanted.seconds or None,
            wanted.prompt,
            options,
            tuple(wanted.product_ids),
        ),
    )
    return Answer(Reading({"shown": True, "quote": dict(draft.quote)}), draft)


def _problem(sentence: str) -> Answer:
    return Answer(Reading({"error": sentence}))
