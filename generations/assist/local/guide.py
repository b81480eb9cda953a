"""The assistant without an AI model: intents by rules, answered by the same functions.

A rule looks at the words of one question. What no rule and no help passage knows, the guide says it
does not know. Words are English; the answers are in the reader's language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _

from generations.assist import functions
from generations.assist.events import Delta, Said, Source
from generations.assist.facts import Asker
from generations.assist.local import phrases
from generations.assist.local.wishes import Wish, find_tool, read_wish
from generations.catalog import TOOLS
from generations.models import ChatMessage

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENTRY = re.compile(r"(?:entry|#|number)\s*#?(\d{1,9})\b")
_AMOUNT = re.compile(r"\b(\d{1,3}(?:[,.]\d{3})+|\d{1,7})\s*(?:credits?|cr)\b")
_DAYS = {"today": 1, "yesterday": 2, "week": 7, "month": 30}

Rule = tuple[re.Pattern[str], Callable[[Asker, str], Iterator[Said]]]


def answer(asker: Asker, text: str, _before: Sequence[ChatMessage]) -> Iterator[Said]:
    """What the guide has to say to one question."""
    question = " ".join(text.casefold().replace("’", "'").split())
    for pattern, rule in _RULES:
        if pattern.search(question):
            yield from rule(asker, text if rule in _VERBATIM else question)
            return
    yield from _help(asker, question)


def _call(asker: Asker, name: str, **arguments: Any) -> functions.Answer:
    return functions.call(asker, name, arguments)


def _told(answer: functions.Answer, say: Callable[[dict[str, Any]], str]) -> Iterator[Said]:
    """A function's answer in sentences, with where it stands."""
    data = answer.reading.data
    text = str(data["error"]) if "error" in data else say(data)
    # Said by paragraphs, as a longer answer would come.
    paragraphs = text.split("\n\n")
    for number, paragraph in enumerate(paragraphs):
        yield Delta(paragraph + ("\n\n" if number + 1 < len(paragraphs) else ""))
    yield from answer.reading.sources


# --- Rules ---------------------------------------------------------------------------------------


def _charge(asker: Asker, question: str) -> Iterator[Said]:
    arguments: dict[str, Any] = {}
    if found := _UUID.search(question):
        arguments["run"] = found[0]
    elif found := _ENTRY.search(question):
        arguments["entry"] = int(found[1])
    else:
        arguments["tool"] = find_tool(question)
        arguments["credits"] = _amount(question) or 0
    yield from _told(_call(asker, "explain_charge", **arguments), phrases.charge)


def _what_fits(asker: Asker, question: str) -> Iterator[Said]:
    credits = _amount(question, alone=True)
    if credits is None:
        credits = _call(asker, "read_balance").reading.data["total"]
    yield from _told(_call(asker, "what_fits", credits=credits), phrases.what_fits)


def _balance(asker: Asker, _question: str) -> Iterator[Said]:
    yield from _told(_call(asker, "read_balance"), phrases.balance)


def _reset(asker: Asker, _question: str) -> Iterator[Said]:
    yield from _told(_call(asker, "read_balance"), phrases.reset)


def _price(asker: Asker, question: str) -> Iterator[Said]:
    tool = find_tool(question)
    yield from _told(_call(asker, "read_prices", tool=tool), phrases.prices)


def _usage(asker: Asker, question: str) -> Iterator[Said]:
    days = next((count for word, count in _DAYS.items() if word in question), 30)
    yield from _told(_call(asker, "read_usage", days=days), phrases.usage)


def _runs(asker: Asker, question: str) -> Iterator[Said]:
    state = "failed" if "fail" in question else ""
    answer = _call(asker, "list_runs", state=state, tool=find_tool(question))
    yield from _told(answer, phrases.runs)


def _plans(asker: Asker, _question: str) -> Iterator[Said]:
    yield from _told(_call(asker, "list_plans"), phrases.plans)


def _saving(asker: Asker, _question: str) -> Iterator[Said]:
    advice = _call(asker, "saving_advice")
    yield Delta(str(advice.reading.data["for_you"]) + "\n\n")
    yield from _told(_call(asker, "search_help", search="saving"), phrases.passages)


def _cannot(_asker: Asker, _question: str) -> Iterator[Said]:
    yield Delta(
        _(
            "I cannot purchase, delete or change anything: only you can. Purchases and "
            "your plan are on the page Plans, everything else is in Settings."
        )
    )
    yield Source("plans")
    yield Source("settings")


def _hello(_asker: Asker, _question: str) -> Iterator[Said]:
    yield Delta(
        _(
            "Hello. I am a guide without an AI model. Ask me about your balance, a charge, prices, "
            "your runs or plans, or tell me what to make, and I show you the run with its price."
        )
    )


def _propose(asker: Asker, text: str) -> Iterator[Said]:
    """A wish becomes a card with its price, or a question back."""
    wish = read_wish(text, lambda: _products(asker))
    tool = TOOLS[wish.tool]
    if wish.lacks:
        yield Delta(_lacking(wish))
        yield Source("tool", wish.tool)
        return
    answer = functions.call(asker, functions.PROPOSE, wish.arguments)
    if answer.draft is None:
        yield Delta(str(answer.reading.data.get("error", "")))
        yield Source("tool", wish.tool)
        return
    yield Delta(phrases.proposal(tool.name, wish.product, answer.draft.quote))
    yield answer.draft


def _products(asker: Asker) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _call(asker, "list_products").reading.data.get("products", [])
    return found


def _lacking(wish: Wish) -> str:
    tool = TOOLS[wish.tool].name
    if wish.lacks == "product":
        if not wish.known:
            sentence = _("%(tool)s works on an image. Choose or upload one on the tool's page.")
            return sentence % {"tool": tool}
        sentence = _("%(tool)s: for which product? Name it in your question, such as “%(title)s”.")
        return sentence % {"tool": tool, "title": wish.known[0]}
    sentence = _("%(tool)s needs an image that only you can mark or choose, on the tool's page.")
    return sentence % {"tool": tool}


def _help(asker: Asker, question: str) -> Iterator[Said]:
    answer = _call(asker, "search_help", search=question[:200])
    if answer.reading.data.get("passages"):
        yield from _told(answer, phrases.passages)
        return
    yield Delta(
        _(
            "I do not know that. I am a guide without an AI model and answer questions about your "
            "balance, charges, prices, runs, plans and tools. You can report a problem on the page of "
            "the run it is about."
        )
    )


def _amount(question: str, *, alone: bool = False) -> int | None:
    """An amount of credits; `alone` takes a number without the word too."""
    found = _AMOUNT.search(question)
    if found is None and alone:
        found = re.search(r"\b(\d{1,3}(?:[,.]\d{3})+|\d{2,7})\b", question)
    return int(re.sub("[,.]", "", found[1])) if found else None


def _rule(pattern: str, rule: Callable[[Asker, str], Iterator[Said]]) -> Rule:
    return re.compile(pattern), rule


# The first that fits answers.
_ASKED = r"^(please |can you |could you |i want( you)? to |i'd like( you)? to |now )*"
_RULES: tuple[Rule, ...] = (
    _rule(r"^(hi|hello|hey|good (morning|day|evening))\b[ !.]*$", _hello),
    _rule(r"\b(restor\w*|refund\w*|(given?|gets?|money|credits) back|(used|taken) first|cash)\b", _help),
    _rule(r"\b(charged?|deducted|taken|took)\b|where did (my|the) credits go|what was .* for\?", _charge),
    _rule(r"\bwhat (can|could) i (make|do|get|create|run|afford)|\bhow (many|much) .*\b(can|could) i\b"
          r"|\b(enough for|afford)\b", _what_fits),
    _rule(_ASKED + r"(buy|purchase|order|subscribe|upgrade|downgrade|cancel|delete|remove|change|set|turn)\b.*\b(for me"
          r"|my (plan|subscription|account|settings|threshold|store|password|email|history|runs?|pictures?)"
          r"|a package|packages?|credits)\b", _cannot),
    _rule(r"\b(reset|resets|renew\w*|expire[sd]?|refill\w*|billing date)\b", _reset),
    _rule(r"\b(sav(e|ing|ings)|cheap(er|est)?|tips?|advice|fewer credits|spend less)\b", _saving),
    _rule(r"\b(costs?|prices?|pricing|how much|how expensive)\b", _price),
    _rule(r"\b(plans?|packages?|subscriptions?|offers?)\b", _plans),
    _rule(r"\b(balance|how many credits|credits (do i|have i|left|remain\w*)|my credits)\b", _balance),
    _rule(r"\b(usage|used|spent|i use|use most)\b", _usage),
    _rule(r"\b(my|last|latest|recent|failed|newest)\b.*\bruns?\b|\bhistory\b|\bdid .* fail\b", _runs),
    _rule(_ASKED + r"(make|create|generate|write|draw|film"
          r"|remove|erase|enhance|sharpen|add|put|place|clone|describe|try|show|propose|cut|shadow|i (want|need))\b",
          _propose),
)  # fmt: skip
# These need the words as they were written, for a prompt.
_VERBATIM = (_propose,)
