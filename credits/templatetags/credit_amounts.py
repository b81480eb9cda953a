"""How amounts of credits are written: grouped by locale, changes with their sign."""

from __future__ import annotations

from django import template
from django.utils.formats import localize

register = template.Library()


@register.filter
def signed(credits: int) -> str:
    """A change of a balance: "+100", "-50", "0"."""
    return f"+{localize(credits)}" if credits > 0 else str(localize(credits))


@register.filter
def magnitude(credits: int) -> int:
    """An amount without its sign, for sentences that say in words which way it went."""
    return abs(credits)
