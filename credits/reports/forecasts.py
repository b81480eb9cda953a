"""How long the credits last at the recent pace. Pure arithmetic over the daily sums.

The pace is the mean of the last 14 whole days, of fewer when the account is younger, give or take
one standard error: two equally honest readings of the same days, hence a range. With fewer than
five active days there is too little to say anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, stdev

from django.db.models import Sum

from credits import periods
from credits.models import Account, DailyUsage, LedgerEntry
from credits.queries import Balance

WINDOW_DAYS = 14
FEWEST_ACTIVE_DAYS = 5


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the credits run out: between `least_days` and `most_days` from now, rounded down.

    None for `most_days` at a slow pace that outlasts a refill; None for both when even the fast
    pace does. `unused` is how many plan credits the mean pace leaves to expire at the reset.
    """

    pace: float
    least_days: int | None
    most_days: int | None
    unused: int

    @property
    def lasts_to_reset(self) -> bool:
        """Whether the credits outlast the running period at every pace of the range."""
        return self.least_days is None


def read_forecast(account: Account, balance: Balance, now: datetime) -> Forecast | None:
    """The forecast for a balance; None below five active days, at zero, and during the trial.

    The trial refills every day, so days left mean nothing there.
    """
    if balance.kind == "trial" or not balance.total:
        return None
    today = periods.local_day(now, account.time_zone)
    opened = periods.local_day(account.opened_at, account.time_zone)
    first = max(opened, periods.days_later(today, -WINDOW_DAYS))
    used = (
        DailyUsage.objects.filter(
            account=account, kind=LedgerEntry.Kind.SPEND, day__gte=first, day__lt=today
        )
        .values_list("day")
        .annotate(Sum("plan_delta"), Sum("package_delta"))
    )
    daily = [-int(plan) - int(package) for _day, plan, package in used]
    return forecast(daily, (today - first).days, balance, now)


def forecast(daily: list[int], window: int, balance: Balance, now: datetime) -> Forecast | None:
    """The forecast from the credits used on each active day of a window of so many days."""
    active = [credits for credits in daily if credits > 0]
    if len(active) < FEWEST_ACTIVE_DAYS:
        return None
    days = active + [0] * (window - len(active))
    pace = fmean(days)
    give_or_take = stdev(days) / math.sqrt(window)
    to_reset = periods.days_until(balance.resets_at, now) if balance.resets_at else math.inf
    least = _days_left(balance, pace + give_or_take, to_reset)
    most = _days_left(balance, pace - give_or_take, to_reset)
    unused = 0
    if to_reset != math.inf:
        unused = max(0, math.floor(balance.plan - pace * to_reset))
    return Forecast(
        pace=pace,
        least_days=_whole(least),
        most_days=_whole(most),
        unused=unused,
    )


def _days_left(balance: Balance, pace: float, to_reset: float) -> float:
    """Days until nothing is left; infinite when a refill comes first."""
    if pace <= 0:
        return math.inf
    if balance.total <= pace * to_reset:
        return balance.total / pace
    if balance.at_end == "reset":
        return math.inf
    # What is not refilled expires at the period's end; then only package credits are left.
    package = balance.package - max(0.0, pace * to_reset - balance.plan)
    return to_reset + package / pace


def _whole(days: float) -> int | None:
    return None if days == math.inf else math.floor(days)
