"""The spans of time that the usage page offers: calendar months and billing periods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from credits import periods, usage
from credits.billing_periods import BillingPeriod, billing_periods, read_period
from credits.models import Account
from credits.usage import UsageReport

_PERIOD_PREFIX = "period-"


@dataclass(frozen=True, slots=True)
class Span:
    """One month or billing period. `value` is how a page asks for it.

    The local days run from `first` up to `after`; a billing period is cut inside its end days.
    """

    value: str
    first: date
    after: date
    period: BillingPeriod | None = None

    @property
    def last(self) -> date:
        """The last day of the span."""
        return date.fromordinal(self.after.toordinal() - 1)


def months(account: Account, now: datetime) -> list[Span]:
    """Every month from the account's opening to now, newest first."""
    today = periods.local_day(now, account.time_zone)
    opened = periods.local_day(account.opened_at, account.time_zone)
    spans: list[Span] = []
    year, month = today.year, today.month
    while (year, month) >= (opened.year, opened.month):
        spans.append(Span(f"{year}-{month:02}", *periods.month_days(year, month)))
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return spans


def plan_periods(account: Account) -> list[Span]:
    """Every billing period of the account, newest first."""
    return [
        Span(
            value=f"{_PERIOD_PREFIX}{period.first}",
            first=periods.local_day(period.start, account.time_zone),
            after=date.fromordinal(
                periods.local_day(period.end, account.time_zone).toordinal() + 1
            ),
            period=period,
        )
        for period in billing_periods(account.pk)
    ]


def choose(value: str, offered: list[Span]) -> Span:
    """The span that a page asks for; the newest month for a value that is not offered."""
    return next((span for span in offered if span.value == value), offered[0])


def read(account: Account, span: Span) -> UsageReport:
    """The report of a span."""
    if span.period is not None:
        return read_period(account.pk, span.period)
    return usage.read_days(account.pk, span.first, span.after)
