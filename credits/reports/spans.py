"""The spans of time that the usage page offers: calendar months and billing periods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from credits import periods
from credits.models import Account, Plan
from credits.reports import usage
from credits.reports.billing_periods import BillingPeriod, billing_periods, read_period
from credits.reports.exports import Extent
from credits.reports.usage import UsageReport

_PERIOD_PREFIX = "period-"


@dataclass(frozen=True, slots=True)
class Span:
    """One month or billing period. `value` is how a page asks for it, `name` a period's plan's.

    The local days run from `first` up to `after`; a billing period is cut inside its end days.
    """

    value: str
    first: date
    after: date
    period: BillingPeriod | None = None
    name: str = ""

    @property
    def last(self) -> date:
        """The last day of the span."""
        return periods.days_later(self.after, -1)

    @property
    def extent(self) -> Extent:
        """The entries of the span, for an export."""
        return Extent(self.first, self.after, self.period.first if self.period else None)


def months(account: Account, now: datetime) -> list[Span]:
    """Every month from the account's opening to now, newest first."""
    today = periods.local_day(now, account.time_zone)
    opened = periods.local_day(account.opened_at, account.time_zone)
    return [
        Span(f"{year}-{month:02}", *periods.month_days(year, month))
        for year, month in reversed(periods.months_between(opened, today))
    ]


def plan_periods(account: Account) -> list[Span]:
    """Every billing period of the account, newest first."""
    found = billing_periods(account.pk)
    handles = {period.plan for period in found}
    names = dict(Plan.objects.filter(handle__in=handles).values_list("handle", "name"))
    return [
        Span(
            value=f"{_PERIOD_PREFIX}{period.first}",
            first=periods.local_day(period.start, account.time_zone),
            after=periods.days_later(periods.local_day(period.end, account.time_zone), 1),
            period=period,
            name=names.get(period.plan, period.plan),
        )
        for period in found
    ]


def choose(value: str, offered: list[Span]) -> Span | None:
    """The span that a page asks for; None for a value that is not offered."""
    return next((span for span in offered if span.value == value), None)


def find(account: Account, value: str, now: datetime) -> Span | None:
    """The account's month or billing period of this value; None for no such span."""
    return choose(value, [*months(account, now), *plan_periods(account)])


def everything(account: Account, now: datetime) -> Extent:
    """All of the account's entries, also those whose day runs ahead of the zone it has now."""
    opened = periods.local_day(account.opened_at, account.time_zone)
    today = periods.local_day(now, account.time_zone)
    return Extent(opened, periods.days_later(today, 2))


def read(account: Account, span: Span) -> UsageReport:
    """The report of a span."""
    if span.period is not None:
        return read_period(account.pk, span.period)
    return usage.read_days(account.pk, span.first, span.after)
