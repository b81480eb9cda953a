"""Whatever happens to an account, its reports are the sums of its entries."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from credits import ledger, periods, usage
from credits.billing_periods import billing_periods, read_period
from credits.models import Account, LedgerEntry
from tests.credits.story import DAY, at, recount

pytestmark = pytest.mark.django_db

# Both changes of the clock lie within four months of these mornings.
OPENINGS = {
    "Europe/Berlin": "2026-03-01 23:30",
    "America/New_York": "2026-09-15 00:10",
    "Australia/Lord_Howe": "2026-03-20 12:00",
    "Pacific/Kiritimati": "2026-12-20 01:00",
}
TOOLS = ["background-removal", "image-enhance", "product-placement", ""]

spends = st.tuples(
    st.just("spend"), st.integers(1, 900), st.sampled_from(TOOLS), st.sampled_from(["user:1", ""])
)
events = st.one_of(
    spends,
    spends,
    st.tuples(st.just("wait"), st.integers(1, 45 * 24)),
    st.tuples(st.just("period"), st.sampled_from(["starter", "growth"]), st.integers(1, 40)),
    st.tuples(st.just("package"), st.integers(1, 2000)),
    st.tuples(st.just("adjust"), st.sampled_from(["plan", "package"]), st.integers(-300, 300)),
    st.tuples(st.just("restore"), st.integers(0, 30)),
)


class Life:
    """Plays events into one account; what the ledger refuses did not happen."""

    def __init__(self, zone: str) -> None:
        self.now = at(OPENINGS[zone], zone)
        self.account = ledger.open_account("Bloom", now=self.now, time_zone=zone)
        self._number = 0

    def play(self, event: tuple[Any, ...]) -> None:
        self._number += 1
        act: Callable[..., object] = getattr(self, f"_{event[0]}")
        with contextlib.suppress(ValueError, ledger.LedgerError):
            act(*event[1:], key=f"event-{self._number}")

    def _wait(self, hours: int, key: str) -> None:
        self.now += timedelta(hours=hours)
        ledger.settle(self.account.pk, now=self.now)

    def _spend(self, credits: int, tool: str, actor: str, key: str) -> None:
        ledger.spend(self.account.pk, credits, key, tool=tool, actor=actor, now=self.now)

    def _period(self, plan: str, days: int, key: str) -> None:
        end = self.now + days * DAY
        ledger.start_plan_period(self.account.pk, plan, self.now, end, key=key, now=self.now)

    def _package(self, credits: int, key: str) -> None:
        ledger.add_package(self.account.pk, credits, key=key, now=self.now)

    def _adjust(self, bucket: ledger.Bucket, credits: int, key: str) -> None:
        ledger.adjust(self.account.pk, bucket, credits, key, "staff:9", "Because", now=self.now)

    def _restore(self, index: int, key: str) -> None:
        spent = LedgerEntry.objects.filter(account=self.account, kind="spend")
        if spent:
            chosen = spent[index % len(spent)]
            ledger.restore(chosen.pk, key, "staff:9", "Crash", now=self.now)


def months_of(life: Life) -> list[tuple[int, int]]:
    first = periods.local_day(life.account.opened_at, life.account.time_zone)
    last = periods.local_day(life.now, life.account.time_zone) + DAY
    return sorted(
        {((first + n * DAY).year, (first + n * DAY).month) for n in range((last - first).days + 1)}
    )


def agree(report: usage.UsageReport, counted: dict[tuple[str, str], list[int]]) -> None:
    """The report says what was counted entry by entry."""
    for bucket, statement in (("plan", report.plan), ("package", report.package)):
        assert statement.adds_up
        assert statement.used == -counted["spend", bucket][1]
        assert statement.expired == -counted["expire", bucket][1]
        assert statement.restored == counted["restore", bucket][1]
        assert statement.adjusted == counted["adjust", bucket][1]
    assert report.runs == counted["spend", "plan"][0]
    assert sum(tool.credits for tool in report.tools) == report.used
    assert sum(person.credits for person in report.people) == report.used
    if report.used:
        assert sum(tool.percent for tool in report.tools) == 100
        assert sum(person.percent for person in report.people) == 100
    assert sum(day.net for day in report.days) == report.net


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(zone=st.sampled_from(sorted(OPENINGS)), story=st.lists(events, max_size=30))
def test_months_are_the_sums_of_their_entries_and_follow_each_other(db, zone, story):
    life = Life(zone)
    for event in story:
        life.play(event)

    reports = []
    for year, month in months_of(life):
        first, after = periods.month_days(year, month)
        report = usage.read_month(life.account.pk, year, month)
        agree(report, recount(life.account, first, after, zone))
        reports.append(report)

    assert reports[0].opening == (0, 0)
    assert all(before.closing == after.opening for before, after in pairwise(reports))
    life.account.refresh_from_db()
    held = (life.account.plan_balance, life.account.package_balance)
    assert reports[-1].closing == held


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(zone=st.sampled_from(sorted(OPENINGS)), story=st.lists(events, max_size=30))
@example(
    zone="America/New_York",
    story=[("period", "starter", 1), ("period", "growth", 1), ("period", "starter", 2)],
)
def test_billing_periods_add_up_and_share_no_entry(db, zone, story):
    life = Life(zone)
    for event in story:
        life.play(event)

    found = billing_periods(life.account.pk)
    reports = [read_period(life.account.pk, period) for period in found]

    for period, report in zip(found, reports, strict=True):
        assert report.plan.adds_up
        assert report.package.adds_up
        grants = _grants_between(life.account, period.first, period.following)
        assert report.plan.added == sum(grant.plan_delta for grant in grants)
    assert sum(report.runs for report in reports) <= _runs(life.account)


def _grants_between(account: Account, first: int, following: int | None) -> list[LedgerEntry]:
    grants = LedgerEntry.objects.filter(account=account, kind="plan_grant", sequence__gte=first)
    return [grant for grant in grants if following is None or grant.sequence < following]


def _runs(account: Account) -> int:
    return LedgerEntry.objects.filter(account=account, kind="spend").count()


def test_a_month_of_nothing_is_empty(db):
    account = ledger.open_account("Later", trial=False, now=at("2026-05-01 00:00"))

    report = usage.read_days(account.pk, date(2026, 5, 1), date(2026, 6, 1))

    assert (report.lines, report.opening, report.closing) == ((), (0, 0), (0, 0))
