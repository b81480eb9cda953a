"""Plans granted by staff: calendar months counted from an anchor that never drifts."""

from __future__ import annotations

from datetime import datetime

import pytest

from credits import ledger, queries
from credits.models import Account, EntryNote, LedgerEntry
from tests.credits.ledger.books import (
    CYCLE,
    DAY,
    HOUR,
    INSTANT,
    OPENED,
    STAFF,
    assert_in_step,
    held,
    open_harbor,
    open_loom,
    utc,
    written,
)

pytestmark = pytest.mark.django_db


JANUARY_31 = utc(2026, 1, 31, 18, 15)


def grant(account, anchor=OPENED, plan="starter", key="staff-plan", now=None):
    return ledger.grant_plan(account.pk, plan, anchor, key=key, now=now or anchor, **STAFF)


def test_it_grants_the_month_that_is_running_and_keeps_the_reason_apart():
    harbor = open_harbor(utc(2026, 1, 1))

    entry = grant(harbor, anchor=utc(2025, 11, 15), now=utc(2026, 2, 20))

    assert (entry.kind, entry.plan_delta, entry.actor) == ("plan_grant", 3_000, STAFF["actor"])
    assert (entry.period_start, entry.period_end) == (utc(2026, 2, 15), utc(2026, 3, 15))
    assert EntryNote.objects.get(entry=entry).text == STAFF["reason"]
    assert STAFF["reason"] not in str(LedgerEntry.objects.values().get(pk=entry.pk))


def test_the_anchor_day_never_drifts():
    harbor = open_harbor(JANUARY_31)
    grant(harbor, anchor=JANUARY_31)
    ends = [utc(2026, 2, 28, 18, 15), utc(2026, 3, 31, 18, 15), utc(2026, 4, 30, 18, 15)]

    for number, end in enumerate(ends):
        balance = queries.get_balance(harbor.pk, now=end - INSTANT)
        assert (balance.plan, balance.resets_at) == (3_000, end)
        ledger.spend(harbor.pk, 1_000, f"run-{number}", now=end - INSTANT)

    assert held(harbor, ends[-1]) == (3_000, 0)
    assert_in_step(harbor)


def test_each_month_expires_and_grants_by_itself_once():
    harbor = open_harbor(JANUARY_31)
    grant(harbor, anchor=JANUARY_31)
    end = utc(2026, 2, 28, 18, 15)

    ledger.spend(harbor.pk, 1_000, "run-1", now=end)
    ledger.spend(harbor.pk, 1_000, "run-2", now=end + HOUR)

    assert written(harbor) == [
        ("plan_grant", 3_000, 0),
        ("expire", -3_000, 0),
        ("plan_grant", 3_000, 0),
        ("spend", -1_000, 0),
        ("spend", -1_000, 0),
    ]
    renewed = LedgerEntry.objects.get(account=harbor, sequence=3)
    assert (renewed.created_at, renewed.plan, renewed.allocation) == (end, "starter", 3_000)
    assert (renewed.period_start, renewed.period_end) == (end, utc(2026, 3, 31, 18, 15))


def test_many_missed_months_are_one_expiry_and_one_grant():
    harbor = open_harbor(JANUARY_31)
    grant(harbor, anchor=JANUARY_31)

    ledger.spend(harbor.pk, 10, "run", now=utc(2028, 3, 1))

    expired, granted = LedgerEntry.objects.filter(account=harbor, sequence__in=[2, 3])
    assert expired.created_at == utc(2026, 2, 28, 18, 15)
    assert (granted.period_start, granted.period_end) == (
        utc(2028, 2, 29, 18, 15),
        utc(2028, 3, 31, 18, 15),
    )
    assert granted.created_at == utc(2028, 2, 29, 18, 15)


def test_a_read_shows_a_month_to_come_without_writing():
    harbor = open_harbor(JANUARY_31)
    grant(harbor, anchor=JANUARY_31)
    ledger.spend(harbor.pk, 2_999, "run", now=JANUARY_31)

    preview = queries.get_balance(harbor.pk, now=utc(2026, 12, 1))

    assert (preview.plan, preview.resets_at) == (3_000, utc(2026, 12, 31, 18, 15))
    assert len(written(harbor)) == 2


def test_an_anchor_in_the_future_is_refused():
    harbor = open_harbor()

    with pytest.raises(ValueError, match="has come"):
        grant(harbor, anchor=OPENED + INSTANT, now=OPENED)

    assert written(harbor) == []


def test_an_anchor_is_an_instant_whatever_its_zone():
    harbor = open_harbor(utc(2026, 1, 1))
    # 1 February in Kiritimati (UTC+14) is still 31 January.
    kiritimati = datetime.fromisoformat("2026-02-01T08:15:00+14:00")

    entry = grant(harbor, anchor=kiritimati, now=utc(2026, 3, 1))

    assert (entry.period_start, entry.period_end) == (
        utc(2026, 2, 28, 18, 15),
        utc(2026, 3, 31, 18, 15),
    )
    again = grant(harbor, anchor=JANUARY_31, now=utc(2026, 9, 1))
    assert again.pk == entry.pk


def test_the_same_call_months_later_or_earlier_is_the_first_grant():
    harbor = open_harbor(JANUARY_31)
    first = grant(harbor, anchor=JANUARY_31, now=JANUARY_31 + DAY)

    for now in (JANUARY_31 - DAY, JANUARY_31 + 100 * DAY):
        assert grant(harbor, anchor=JANUARY_31, now=now).pk == first.pk
    assert len(written(harbor)) == 1


@pytest.mark.parametrize(("plan", "anchor"), [("growth", OPENED), ("starter", OPENED - HOUR)])
def test_another_plan_or_anchor_under_the_key_is_a_conflict(plan, anchor):
    harbor = open_harbor()
    grant(harbor)

    with pytest.raises(ledger.KeyConflict):
        grant(harbor, plan=plan, anchor=anchor, now=OPENED)


def test_a_larger_plan_within_the_month_adds_the_difference_and_renews_as_such():
    harbor = open_harbor()
    grant(harbor)
    ledger.spend(harbor.pk, 500, "run", now=OPENED)

    upgraded = grant(harbor, plan="growth", key="larger", now=OPENED + DAY)

    assert (upgraded.plan_delta, upgraded.plan_after) == (5_500, 8_000)
    assert held(harbor, OPENED + 31 * DAY) == (8_500, 0)


class TestGrantedAgainWhenTheNextMonthIsDue:
    """The month that is due is granted by itself; the same month is never granted twice."""

    SECOND_MONTH = OPENED + 35 * DAY

    def test_the_same_plan_is_the_grant_that_was_due(self):
        harbor = open_harbor()
        grant(harbor)

        again = grant(harbor, key="again", now=self.SECOND_MONTH)

        assert written(harbor) == [
            ("plan_grant", 3_000, 0), ("expire", -3_000, 0), ("plan_grant", 3_000, 0),
        ]  # fmt: skip
        assert (again.sequence, again.created_at) == (3, OPENED + 31 * DAY)
        assert_in_step(harbor)

    def test_a_larger_plan_adds_the_difference(self):
        harbor = open_harbor()
        grant(harbor)

        larger = grant(harbor, plan="growth", key="larger", now=self.SECOND_MONTH)

        assert written(harbor)[1:] == [
            ("expire", -3_000, 0), ("plan_grant", 3_000, 0), ("plan_grant", 5_500, 0),
        ]  # fmt: skip
        assert (larger.plan, larger.plan_after) == ("growth", 8_500)
        assert held(harbor, OPENED + 70 * DAY) == (8_500, 0)
        assert_in_step(harbor)


def test_a_staff_plan_over_a_subscription_of_the_same_end_renews_by_itself():
    harbor = open_harbor()
    ends = OPENED + 31 * DAY
    ledger.start_plan_period(harbor.pk, "starter", OPENED, ends, key="cycle", now=OPENED)

    grant(harbor, plan="growth", now=OPENED + DAY)

    assert held(harbor, OPENED + DAY) == (8_500, 0)
    assert held(harbor, ends) == (8_500, 0)
    assert queries.get_balance(harbor.pk, now=ends).kind == "staff"


def test_a_subscription_ends_the_staff_plan_after_the_month_that_was_due():
    harbor = open_harbor()
    grant(harbor)
    now = OPENED + 40 * DAY

    ledger.start_plan_period(harbor.pk, "growth", now, now + CYCLE, key="cycle", now=now)

    entries = LedgerEntry.objects.filter(account=harbor).order_by("sequence")
    assert [(entry.kind, entry.plan, entry.plan_delta) for entry in entries] == [
        ("plan_grant", "starter", 3_000),
        ("expire", "", -3_000),
        ("plan_grant", "starter", 3_000),
        ("expire", "", -3_000),
        ("plan_grant", "growth", 8_500),
    ]
    assert held(harbor, now + CYCLE) == (0, 0)
    assert Account.objects.get(pk=harbor.pk).plan.handle == "growth"


def test_it_ends_a_trial():
    loom = open_loom()

    grant(loom)

    assert written(loom)[1:] == [("expire", -100, 0), ("plan_grant", 3_000, 0)]
    assert held(loom, OPENED + 400 * DAY) == (3_000, 0)


def test_a_clock_that_goes_back_grants_the_month_of_the_last_entry():
    harbor = open_harbor()
    ledger.add_package(harbor.pk, 500, key="package", now=OPENED + 70 * DAY)

    entry = grant(harbor, now=OPENED + DAY)

    assert entry.period_start <= OPENED + 70 * DAY < entry.period_end
    assert_in_step(harbor)
