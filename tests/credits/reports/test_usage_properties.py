"""Whatever happens to an account, its reports are the sums of its entries."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from credits import ledger, periods
from credits.models import Account, LedgerEntry
from credits.reports import usage
from credits.reports.billing_periods import billing_periods, read_period
from tests.credits.ledger.random_life import OPENINGS, Life, events
from tests.credits.reports.story import DAY, at, recount

pytestmark = pytest.mark.django_db


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
