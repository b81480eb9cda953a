"""Usage by billing period: which periods an account has had, and the report of one.

A billing period is what a plan's credits were granted for. It is cut at its first and last entry
to the instant, not at midnight, so its report adds up to what the plan granted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db.models import Count, Sum

from credits import periods
from credits.models import DailyUsage, LedgerEntry
from credits.queries import last_entry
from credits.reports.usage import Line, UsageReport, lines_of

Kind = LedgerEntry.Kind


@dataclass(frozen=True, slots=True)
class BillingPeriod:
    """One period of a plan, from its first grant to the instant it ended or was replaced.

    `first` is the sequence of that grant, `following` of the next period's (None for the latest).
    """

    plan: str
    start: datetime
    end: datetime
    first: int
    following: int | None


def billing_periods(account_id: int) -> list[BillingPeriod]:
    """Every billing period of the account, newest first; the trial has none."""
    grants = LedgerEntry.objects.filter(account_id=account_id, kind=Kind.PLAN_GRANT)
    # Grants of one period end are one period: an upgrade adds to it.
    spans = [
        list(same)
        for _end, same in groupby(grants.order_by("sequence"), key=lambda grant: grant.period_end)
    ]
    found: list[BillingPeriod] = []
    for same in reversed(spans):
        first, following = same[0], found[-1] if found else None
        start, end = first.period_start, first.period_end
        if start is None or end is None:  # Every grant of a plan carries its period.
            continue
        found.append(
            BillingPeriod(
                plan=same[-1].plan,
                start=start,
                end=min(end, following.start) if following else end,
                first=first.sequence,
                following=following.first if following else None,
            )
        )
    return found


def read_period(account_id: int, period: BillingPeriod) -> UsageReport:
    """The report of one billing period.

    The days that lie wholly inside come from the daily sums, the two days at its ends from their
    entries: a day never goes back as the sequence goes on.
    """
    first, last = first_and_last(account_id, period)
    inside = DailyUsage.objects.filter(
        account_id=account_id, day__gt=first.day, day__lt=last.day
    ).order_by("-day", "kind", "tool", "actor")
    at_ends = (
        LedgerEntry.objects.filter(
            account_id=account_id,
            day__in={first.day, last.day},
            sequence__range=(first.sequence, last.sequence),
        )
        .values("day", "kind", "tool", "actor")
        .annotate(entries=Count("pk"), plan=Sum("plan_delta"), package=Sum("package_delta"))
        .order_by()
    )
    lines = [*lines_of(inside)]
    for row in at_ends:
        # PostgreSQL sums big integers as decimals.
        line = Line(
            row["day"], row["kind"], row["tool"], row["actor"],
            row["entries"], int(row["plan"]), int(row["package"]),
        )  # fmt: skip
        lines.append(line)
    return UsageReport(
        lines=tuple(lines),
        opening=(first.plan_after - first.plan_delta, first.package_after - first.package_delta),
        closing=(last.plan_after, last.package_after),
    )


def first_and_last(account_id: int, period: BillingPeriod) -> tuple[LedgerEntry, LedgerEntry]:
    """The period's first and last entry; what expired at its end belongs to it."""
    entries = LedgerEntry.objects.filter(account_id=account_id, sequence__gte=period.first)
    if period.following is not None:
        entries = entries.filter(sequence__lt=period.following)
    first = entries.get(sequence=period.first)
    # The period's own end: one that replaced it is cut off by its sequence, and may have begun at
    # the very instant of entries that belong here.
    own_end = first.period_end or period.end
    # The index on days finds the end at once.
    inside = entries.filter(day__lte=periods.latest_day_of(own_end), created_at__lt=own_end)
    last = last_entry(inside) or first
    expiry = entries.filter(sequence=last.sequence + 1, kind=Kind.EXPIRE).first()
    return first, expiry or last
