"""The document's ways to use fewer credits, each where it helps: one at a time, dismissible for good.

Source: product document, "Cost-Effective Strategies" and "Credit Saving Tips".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generations.catalog import Tool
from generations.models import DismissedHint


@dataclass(frozen=True, slots=True)
class Hint:
    """One hint. `leads_to` is the tool that it is about, where that is another one."""

    name: str
    text: Promise
    helps: Callable[[Tool], bool]
    leads_to: str = ""


# In the order in which they are shown.
HINTS = (
    Hint(
        "cheaper-tool",
        _("Need a clean background? Background Removal does that for 20 credits."),
        lambda tool: tool.slug == "object-removal",
        leads_to="background-removal",
    ),
    Hint(
        "bulk",
        _(
            "Many products? A batch of AI Shadowing takes up to 50 of them with the same settings, "
            "each with a result of its own."
        ),
        lambda tool: tool.slug == "ai-shadowing",
    ),
    Hint(
        "shortest-video",
        _("Choose the shortest video that works: every second costs 100 credits."),
        lambda tool: tool.output == "video",
    ),
    Hint(
        "descriptions-first",
        _(
            "Try descriptions first: 20 credits show which template works for your products before "
            "you make images and videos of them."
        ),
        lambda tool: tool.slug == "description-generator",
    ),
    Hint(
        "web-size",
        _(
            "For the web and social media 1K–2K is enough, at half the price of 4K. 4K is for print."
        ),
        lambda tool: any(variant.resolution == "4K" for variant in tool.variants),
    ),
)
_NAMES = frozenset(hint.name for hint in HINTS)


def for_tool(account_id: int, tool: Tool) -> Hint | None:
    """The first hint that helps with this tool and was not dismissed."""
    fitting = [hint for hint in HINTS if hint.helps(tool)]
    if not fitting:
        return None
    dismissed = set(
        DismissedHint.objects.filter(account_id=account_id).values_list("name", flat=True)
    )
    return next((hint for hint in fitting if hint.name not in dismissed), None)


def dismiss(account_id: int, name: str) -> None:
    """Never show this hint to the account again; LookupError for no hint's name."""
    if name not in _NAMES:
        raise LookupError(name)
    DismissedHint.objects.get_or_create(account_id=account_id, name=name)
