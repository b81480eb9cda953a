"""When plan credits come and go, and all other date arithmetic of credits: pure functions.

Reads call `advance` and write nothing; writes apply it under the account's lock as their first
step; the sweep and every preview call it too. Intervals are half-open: an instant exactly at a
period's end belongs to the next period. Instants are aware and in UTC.

Source: product document, "Plan Credits" and "Free Trial Credits".
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

PeriodKind = Literal["none", "trial", "paid", "staff", "remainder"]

TRIAL_CREDITS = 100
TRIAL_PERIOD = timedelta(hours=24)
TRIAL_PERIODS = 7
BILLING_CYCLE = timedelta(days=30)
REMAINDER_PERIOD = timedelta(days=30)
# A check of the ledger that says nothing for so long is taken up by another worker; how long it is kept.
CHECK_SILENT_FOR = timedelta(minutes=15)
CHECKS_KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class PlanBucket:
    """The plan credits of one account and the period they belong to.

    `settled` says that the period's end has been booked: what was left has expired. `anchor` is
    the instant that the periods of a trial or a staff plan are counted from.
    """

    kind: PeriodKind = "none"
    credits: int = 0
    allocation: int = 0
    anchor: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    settled: bool = True

    def is_running(self, now: datetime) -> bool:
        """Whether `now` lies inside the period."""
        return self.end is not None and now < self.end


@dataclass(frozen=True, slots=True)
class Due:
    """One change that time alone brings: what was left expires, or the next period is granted.

    `at` is the instant the change was due; `bucket` is the bucket after it.
    """

    kind: Literal["expire", "grant"]
    credits: int
    at: datetime
    bucket: PlanBucket


def advance(bucket: PlanBucket, now: datetime) -> tuple[PlanBucket, tuple[Due, ...]]:
    """The bucket as it stands at `now`, and the changes that lead there, oldest first.

    Several missed periods are one expiry and one grant of the period that is running now. A paid
    period never renews by itself: at its end the credits and the allocation are gone until whoever
    bills it confirms the next; that it was a paid one stays known.
    """
    if bucket.end is None or bucket.settled or now < bucket.end:
        return bucket, ()
    ended = replace(bucket, credits=0, allocation=0, settled=True)
    dues: list[Due] = []
    if bucket.credits:
        dues.append(Due("expire", bucket.credits, bucket.end, ended))
    following = _following_period(bucket, now)
    if following is None:
        return (ended if bucket.kind == "paid" else PlanBucket()), tuple(dues)
    start, end = following
    granted = replace(bucket, credits=bucket.allocation, start=start, end=end, settled=False)
    dues.append(Due("grant", bucket.allocation, start, granted))
    return granted, tuple(dues)


def _following_period(bucket: PlanBucket, now: datetime) -> tuple[datetime, datetime] | None:
    """The period running at `now` that grants itself, if this kind of plan has one."""
    if bucket.anchor is None:
        return None
    if bucket.kind == "trial":
        day = trial_day(bucket.anchor, now)
        if day is None:
            return None
        start = bucket.anchor + (day - 1) * TRIAL_PERIOD
        return start, start + TRIAL_PERIOD
    if bucket.kind == "staff":
        return month_period(bucket.anchor, now)
    return None


def trial_bucket(opened_at: datetime) -> PlanBucket:
    """The first day of a trial that begins at `opened_at`."""
    return PlanBucket(
        kind="trial",
        credits=TRIAL_CREDITS,
        allocation=TRIAL_CREDITS,
        anchor=opened_at,
        start=opened_at,
        end=opened_at + TRIAL_PERIOD,
        settled=False,
    )


def trial_day(anchor: datetime, now: datetime) -> int | None:
    """Which day of the trial `now` is, 1 to 7; None when the trial is over."""
    day = (now - anchor) // TRIAL_PERIOD + 1
    return day if day <= TRIAL_PERIODS else None


def trial_end(anchor: datetime) -> datetime:
    """The first instant after the trial."""
    return anchor + TRIAL_PERIODS * TRIAL_PERIOD


def latest_ended_trial(now: datetime) -> datetime:
    """When the latest of the trials began that are over at `now`."""
    return now - TRIAL_PERIODS * TRIAL_PERIOD


def cycle_before(instant: datetime) -> datetime:
    """The instant one billing cycle earlier."""
    return instant - BILLING_CYCLE


def month_period(anchor: datetime, now: datetime) -> tuple[datetime, datetime]:
    """The calendar month, counted from `anchor`, that contains `now`; `now` is not before it."""
    months = (now.year - anchor.year) * 12 + now.month - anchor.month
    if add_months(anchor, months) > now:
        months -= 1
    return add_months(anchor, months), add_months(anchor, months + 1)


def add_months(anchor: datetime, months: int) -> datetime:
    """`anchor` moved by whole months: its day where the month has one, else the month's last.

    Always counted from the anchor, so Jan 31 → Feb 28 → Mar 31: the day never drifts.
    """
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month + 1)[1]
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, last_day))


def local_day(instant: datetime, zone: str) -> date:
    """The calendar day of `instant` in an IANA time zone."""
    return instant.astimezone(ZoneInfo(zone)).date()


def latest_day_of(instant: datetime) -> date:
    """The latest local day that `instant` may lie on, whatever the zone: one ahead of UTC's."""
    return instant.astimezone(UTC).date() + timedelta(days=1)


def days_until(instant: datetime, now: datetime) -> float:
    """How many times 24 hours `instant` lies ahead of `now`."""
    return (instant - now) / timedelta(days=1)


def days_later(day: date, days: int) -> date:
    """The calendar day so many days later; earlier for a negative number."""
    return day + timedelta(days=days)


def days_between(first: date, after: date) -> list[date]:
    """The calendar days from `first` up to, not including, `after`."""
    return [days_later(first, count) for count in range((after - first).days)]


def cycles_between(opened: date, after: date, most: int) -> list[tuple[date, date]]:
    """The last whole cycles of 30 days that end with `after`, as (first day, day after), in order.

    At most so many, and none that begins before `opened`.
    """
    ends = [days_later(after, -BILLING_CYCLE.days * count) for count in range(most, -1, -1)]
    return [(first, end) for first, end in pairwise(ends) if first >= opened]


def months_between(first: date, last: date) -> list[tuple[int, int]]:
    """Year and month of every calendar month from the one of `first` to the one of `last`."""
    start, end = (day.year * 12 + day.month - 1 for day in (first, last))
    return [(months // 12, months % 12 + 1) for months in range(start, end + 1)]


def month_days(year: int, month: int) -> tuple[date, date]:
    """The first day of a calendar month and the first day after it."""
    first = date(year, month, 1)
    last = calendar.monthrange(year, month)[1]
    return first, first + timedelta(days=last)
