"""How credits are written: amounts by locale, changes with their sign, what a period's end brings."""

from __future__ import annotations

from datetime import datetime

from babel.dates import format_date
from django import template
from django.utils import timezone
from django.utils.formats import date_format, localize
from django.utils.translation import get_language, gettext, gettext_noop, to_locale

from credits.accounts.renewals import PeriodEnd

register = template.Library()

_AT_END: dict[PeriodEnd, str] = {
    "refill": gettext_noop("Trial credits reset on:"),
    "trial_end": gettext_noop("Trial ends on:"),
    "reset": gettext_noop("Plan credits reset on:"),
    "expire": gettext_noop("Plan credits expire on:"),
    "plan_end": gettext_noop("Plan ends on:"),
}


@register.filter
def signed(credits: int) -> str:
    """A change of a balance: "+100", "-50", "0"."""
    return f"+{localize(credits)}" if credits > 0 else str(localize(credits))


@register.filter
def magnitude(credits: int) -> int:
    """An amount without its sign, for sentences that say in words which way it went."""
    return abs(credits)


@register.filter
def opposite(credits: int) -> int:
    """A change of the balance as a change of the use: what was given back lowers it."""
    return -credits


@register.filter
def words(at_end: PeriodEnd) -> str:
    """What the end of the running period brings, to stand before its date."""
    return gettext(_AT_END[at_end])


@register.filter
def to_the_second(instant: datetime) -> str:
    """A day and a time with seconds: several entries of one minute are told apart by them."""
    local = timezone.localtime(instant)
    return f"{date_format(local, 'DATE_FORMAT')}, {local:%H:%M:%S}"


def day_and_time(instant: datetime) -> str:
    """The long date and the time of the active zone: "February 1, 2025, 09:30"."""
    return f"{long_date(instant)}, {date_format(timezone.localtime(instant), 'TIME_FORMAT')}"


@register.filter
def long_date(instant: datetime) -> str:
    """A date with its month in full, as the locale writes it: "February 1, 2025".

    Source: product document, "Low Credit Warnings".
    """
    day = timezone.localtime(instant).date()
    return format_date(day, "long", locale=to_locale(get_language() or "en"))
