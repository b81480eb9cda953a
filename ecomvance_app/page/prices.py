"""Every price on one page, with the rules of spending and restoring and the ways to save.

Source: product document, "Credit Costs Reference" to "Credit Saving Tips".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from ecomvance_app.http import MerchantRequest
from generations.catalog import SUITES, TOOLS, Tool, Variant

BUDGET_MOST, STANDARD_MOST = 49, 99


@dataclass(frozen=True, slots=True)
class Price:
    """One line of the list: a tool, what was chosen of it, and its credits."""

    tool: Tool
    choice: str
    credits: int

    @property
    def tier(self) -> str:
        """The document's tier, by what the choice costs."""
        if self.tool.output == "video":
            return "video"
        if self.credits <= BUDGET_MOST:
            return "budget"
        return "standard" if self.credits <= STANDARD_MOST else "premium"


@require_safe
def prices_page(request: MerchantRequest) -> HttpResponse:
    """The document's tiers and its whole list, read from the catalogue that runs are priced by."""
    prices = [price for tool in TOOLS.values() if tool.lowest_price for price in _prices(tool)]
    suites = [(suite, [one for one in prices if one.tool.suite == suite]) for suite in SUITES]
    context = {
        "nav_active": "tools",
        "suites": [(suite, lines) for suite, lines in suites if lines],
        "tiers": [(title, [one for one in prices if one.tier == tier]) for tier, title in _tiers()],
    }
    return render(request, "prices.html", context)


def _tiers() -> tuple[tuple[str, str], ...]:
    return (
        ("budget", _("Budget tools")),
        ("standard", _("Standard tools")),
        ("premium", _("Premium tools")),
        ("video", _("Video tools")),
    )


def _prices(tool: Tool) -> Iterator[Price]:
    """The tool's lines: resolutions of one price stand together, as in the document."""
    by_credits: dict[int, list[Variant]] = {}
    for variant in tool.variants:
        by_credits.setdefault(variant.credits, []).append(variant)
    for credits, variants in by_credits.items():
        yield Price(tool, _choice(tool, variants), credits)


def _choice(tool: Tool, variants: list[Variant]) -> str:
    first = variants[0]
    if first.seconds:
        words = ngettext("%(seconds)d second", "%(seconds)d seconds", first.seconds)
        return words % {"seconds": first.seconds}
    if first.resolution is None:
        return _("N/A") if tool.output == "text" else _("All")
    return "–".join(dict.fromkeys((first.resolution, variants[-1].resolution or "")))
