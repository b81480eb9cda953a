"""Tool names for pages that know tools by their slug alone."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

from generations.catalog import TOOLS
from generations.engines import routing

register = template.Library()


@register.filter
def tool_name(slug: str) -> str:
    """The tool's name; what a report groups under no name is "Other"."""
    if not slug:
        return _("Other")
    return TOOLS[slug].name if slug in TOOLS else slug


@register.filter
def runs_of(credits: int, slug: str) -> int:
    """How many runs of a tool, at its lowest price, these credits pay for."""
    return credits // TOOLS[slug].lowest_price


@register.filter
def comes_later(slug: str) -> bool:
    """Whether the tool is named and priced, but cannot be started yet."""
    return not routing.is_routed(slug)
