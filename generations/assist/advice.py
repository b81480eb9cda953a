"""One line that saves credits, for what a merchant runs most.

Source: product document, "Cost-Effective Strategies" and "Credit Saving Tips".
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.formats import localize
from django.utils.translation import gettext as _

from credits.reports.usage import Share
from generations.catalog import TOOLS, Tool


def cheaper_way(most_used: Sequence[Share]) -> str:
    """A cheaper tool, resolution or duration for the most used tool that has one."""
    for share in most_used:
        tool = TOOLS.get(share.name)
        tip = _tip(tool, share.credits / share.runs) if tool and share.runs else ""
        if tip:
            return tip
    return _("For the web 1K–2K is enough: most image tools cost 50 credits there, 100 at 4K.")


def _tip(tool: Tool, average: float) -> str:
    """A tip for a tool whose runs cost `average` credits; empty when it is used at its cheapest."""
    lowest, highest = tool.variants[0], tool.variants[-1]
    amounts = {
        "tool": tool.name,
        "low": localize(lowest.credits),
        "high": localize(highest.credits),
    }
    if average > lowest.credits and tool.output == "video":
        return (
            _(
                "%(tool)s: choose the shortest video that works. 4 seconds cost %(low)s credits, "
                "8 seconds %(high)s."
            )
            % amounts
        )
    if average > lowest.credits:
        return (
            _(
                "%(tool)s: 1K–2K is enough for the web and costs %(low)s credits instead of %(high)s."
            )
            % amounts
        )
    if tool.slug == "object-removal":
        cut_out = TOOLS["background-removal"]
        return _("Need a clean background? %(tool)s costs %(low)s credits instead of %(high)s.") % {
            "tool": cut_out.name,
            "low": localize(cut_out.lowest_price),
            "high": localize(lowest.credits),
        }
    return ""
