"""Reports of use against the product document and against sums over the entries."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits import ledger
from credits.models import Account, LedgerEntry
from credits.reports import usage
from credits.reports.billing_periods import billing_periods, read_period
from tests.credits.reports.story import (
    DAY,
    NOON,
    at,
    open_bloom,
    open_quay,
    recount,
    spend_document_day,
)

pytestmark = pytest.mark.django_db


def spend(account: Account, tool: str, credits: int, key: str, now=NOON, actor: str = "user:1"):
    return ledger.spend(account.pk, credits, key, tool=tool, actor=actor, now=now)


@pytest.fixture
def document_day() -> Account:
    """Bloom Ceramics on the day of the product document's sample."""
    account = open_bloom()
    spend_document_day(account.pk, now=NOON)
    return account


def test_the_documents_day(document_day):
    (day,) = usage.read_month(document_day.pk, 2026, 3).days

    assert [(tool.name, tool.runs, tool.credits) for tool in day.tools] == [
        ("background-removal", 3, 60),
        ("image-enhance", 1, 50),
        ("description-generator", 2, 40),
    ]
    assert (day.used, day.correction, day.net) == (150, -30, 120)


def test_a_day_that_only_gives_back_is_negative(document_day):
    cut = LedgerEntry.objects.get(account=document_day, key="cut-0")
    ledger.restore(cut.pk, "back", actor="staff:9", reason="Storage failed", now=NOON + DAY)

    today, yesterday = usage.read_month(document_day.pk, 2026, 3).days

    assert today.day == date(2026, 3, 11)
    assert (today.used, today.restored, today.net) == (0, 20, -20)
    assert yesterday.net == 120


def test_credits_taken_by_staff_raise_the_day():
    account = open_bloom()
    ledger.adjust(account.pk, "package", -200, "claw", "staff:9", "Charge reversed", now=NOON)

    (day,) = usage.read_month(account.pk, 2026, 3).days

    assert (day.correction, day.net) == (200, 200)


def test_month_in_the_documents_words_and_across_a_reset(document_day):
    end = NOON + 30 * DAY
    spend(document_day, "veo-i2v", 800, "film", now=NOON + DAY)
    ledger.start_plan_period(
        document_day.pk, "starter", end, end + 30 * DAY, key="period-2", now=end
    )

    march = usage.read_month(document_day.pk, 2026, 3)
    april = usage.read_month(document_day.pk, 2026, 4)

    assert (march.plan.allocated, march.plan.used, march.plan.closing) == (3000, 950, 2080)
    assert (march.plan.adjusted, march.plan.expired) == (30, 0)
    assert (march.package.allocated, march.package.used, march.package.closing) == (500, 0, 500)
    assert (april.plan.opening, april.plan.expired, april.plan.added) == (2080, 2080, 3000)
    assert march.total.adds_up
    assert april.total.adds_up


def test_statements_equal_sums_over_the_entries(document_day):
    zone = "America/New_York"
    account = open_bloom(at("2026-03-07 20:00", zone), time_zone=zone)
    for hour in range(0, 60, 5):
        now = at("2026-03-07 20:30", zone) + hour * DAY / 24
        entry = spend(account, "product-placement", 380, f"run-{hour}", now=now)
        if hour % 20 == 0:
            ledger.restore(entry.pk, f"back-{hour}", "staff:9", "Crash", now=now)

    report = usage.read_days(account.pk, date(2026, 3, 8), date(2026, 3, 10))
    counted = recount(account, date(2026, 3, 8), date(2026, 3, 10), zone)

    assert report.plan.used == -counted["spend", "plan"][1] > 0
    assert report.package.used == -counted["spend", "package"][1] > 0
    assert report.plan.restored == counted["restore", "plan"][1] > 0
    assert report.runs == counted["spend", "plan"][0]
    assert report.plan.adds_up
    assert report.package.adds_up


@pytest.mark.parametrize(
    ("zone", "first", "second"),
    [
        ("Europe/Berlin", "2026-03-29 00:30", "2026-03-29 23:30"),  # 23 hours long
        ("Europe/Berlin", "2026-10-25 00:30", "2026-10-25 23:30"),  # 25 hours long
        ("Pacific/Kiritimati", "2026-06-01 00:10", "2026-06-01 23:50"),
    ],
)
def test_a_day_is_the_accounts_own_day(zone, first, second):
    account = open_bloom(at(first, zone) - DAY, time_zone=zone)
    spend(account, "image-enhance", 50, "early", now=at(first, zone))
    spend(account, "image-enhance", 50, "late", now=at(second, zone))

    day = date.fromisoformat(first[:10])
    days = usage.read_days(account.pk, day - 3 * DAY, day + 3 * DAY).days

    assert [(report.day, report.used) for report in days if report.used] == [(day, 100)]


def test_trial_days_leave_a_month_that_adds_up():
    account = open_quay()
    spend(account, "background-removal", 20, "one")
    spend(account, "background-removal", 20, "two", now=NOON + DAY)
    ledger.settle(account.pk, now=NOON + 8 * DAY)

    report = usage.read_month(account.pk, 2026, 3)

    plan = report.plan
    assert (plan.opening, plan.added, plan.used, plan.expired, plan.closing) == (0, 200, 40, 160, 0)
    assert plan.adds_up


def test_people_and_tools_share_the_gross_use(document_day):
    spend(document_day, "image-enhance", 50, "other", actor="user:2")

    report = usage.read_month(document_day.pk, 2026, 3)

    assert [(person.name, person.credits) for person in report.people] == [
        ("user:1", 150),
        ("user:2", 50),
    ]
    assert [person.percent for person in report.people] == [75, 25]
    assert sum(tool.percent for tool in report.tools) == 100
    assert (report.used, report.net) == (200, 170)


@given(st.lists(st.integers(min_value=1, max_value=10**9), min_size=1, max_size=30))
def test_shares_always_add_up_to_100(amounts):
    percents = usage.largest_remainder(amounts)

    assert sum(percents) == 100
    exact = [100 * amount / sum(amounts) for amount in amounts]
    assert all(abs(percent - share) < 1 for percent, share in zip(percents, exact, strict=True))


def test_other_tools_are_summed_with_their_shares():
    ranked = [usage.Share(f"tool-{n}", 1, 10, 20) for n in range(5)]

    assert usage.top(ranked, 3, "other") == [
        *ranked[:3],
        usage.Share("other", 2, 20, 40),
    ]
    assert usage.top(ranked, 4) == ranked


def test_a_report_of_nothing():
    account = ledger.open_account("Empty", trial=False, now=NOON)

    report = usage.read_month(account.pk, 2026, 3)

    assert (report.days, report.tools, report.people) == ([], [], [])
    assert report.total.adds_up


def test_another_accounts_entries_stay_out(document_day):
    quay = open_quay()
    spend(quay, "background-removal", 20, "theirs")

    assert usage.read_month(quay.pk, 2026, 3).used == 20
    assert usage.read_month(document_day.pk, 2026, 3).used == 150


def test_reports_cost_the_same_queries_with_many_runs(document_day, django_assert_num_queries):
    def read() -> None:
        report = usage.read_month(document_day.pk, 2026, 3)
        assert report.days
        assert report.tools

    with django_assert_num_queries(3):
        read()
    items = [(1, f"bulk-{n}", "image-enhance", "") for n in range(300)]
    ledger.spend_many(document_day.pk, items, now=NOON)
    with django_assert_num_queries(3):
        read()


# --- By billing period ---------------------------------------------------------------------------


def test_a_billing_period_is_cut_at_its_instants():
    account = open_bloom()
    end = NOON + 30 * DAY
    spend(account, "image-enhance", 50, "first day", now=NOON)
    spend(account, "image-enhance", 50, "middle", now=NOON + 5 * DAY)
    spend(account, "image-enhance", 50, "last morning", now=end - DAY / 4)
    ledger.start_plan_period(account.pk, "growth", end, end + 30 * DAY, key="2", now=end)
    spend(account, "image-enhance", 50, "last evening", now=end + DAY / 4)

    second, first = billing_periods(account.pk)
    before, after = read_period(account.pk, first), read_period(account.pk, second)

    assert (first.plan, second.plan) == ("starter", "growth")
    plan = before.plan
    assert (plan.opening, plan.added, plan.used, plan.expired) == (0, 3000, 150, 2850)
    assert (plan.closing, before.package.closing) == (0, 500)
    assert (after.plan.opening, after.plan.added, after.plan.used) == (0, 8500, 50)
    assert before.total.adds_up
    assert after.total.adds_up


def test_an_upgrade_adds_to_its_period():
    account = open_bloom()
    ledger.start_plan_period(
        account.pk, "growth", NOON + DAY, NOON + 30 * DAY, key="up", now=NOON + DAY
    )

    (period,) = billing_periods(account.pk)

    assert period.plan == "growth"
    assert read_period(account.pk, period).plan.added == 8500


def test_a_period_replaced_early_ends_where_the_next_begins():
    account = open_bloom()
    spend(account, "image-enhance", 50, "before", now=NOON + DAY)
    start = NOON + 10 * DAY
    ledger.start_plan_period(account.pk, "pro", start, start + 30 * DAY, key="2", now=start)
    spend(account, "image-enhance", 50, "after", now=start + DAY)

    second, first = billing_periods(account.pk)

    assert first.end == start
    report = read_period(account.pk, first)
    assert (report.plan.used, report.plan.expired, report.plan.closing) == (50, 2950, 0)
    assert read_period(account.pk, second).plan.used == 50


def test_what_happens_between_two_plans_belongs_to_neither():
    account = open_bloom()
    gap = NOON + 40 * DAY
    spend(account, "image-enhance", 50, "between", now=gap)
    start = NOON + 60 * DAY
    ledger.start_plan_period(account.pk, "starter", start, start + 30 * DAY, key="2", now=start)

    second, first = billing_periods(account.pk)

    assert read_period(account.pk, first).used == 0
    assert read_period(account.pk, first).plan.expired == 3000
    assert read_period(account.pk, second).package.opening == 450
