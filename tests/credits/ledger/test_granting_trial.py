"""The free trial: 100 credits every 24 hours, seven times, counted from the opening."""

from __future__ import annotations

from datetime import timedelta

import pytest

from credits import ledger, queries
from credits.models import LedgerEntry
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
    written,
)

pytestmark = pytest.mark.django_db

FIRST_GRANT = ("trial_grant", 100, 0)


def test_the_first_days_credits_are_the_first_entry():
    loom = open_loom()

    assert written(loom) == [FIRST_GRANT]
    entry = LedgerEntry.objects.get(account=loom)
    assert (entry.sequence, entry.created_at, entry.plan_after) == (1, OPENED, 100)
    balance = queries.get_balance(loom.pk, now=OPENED)
    assert (balance.plan, balance.package, balance.total) == (100, 0, 100)
    assert (balance.version, balance.resets_at, balance.trial_day) == (1, OPENED + DAY, 1)


def test_an_account_without_trial_holds_nothing():
    harbor = open_harbor()

    balance = queries.get_balance(harbor.pk, now=OPENED)
    assert (balance.total, balance.version, balance.resets_at) == (0, 0, None)
    assert written(harbor) == []


def test_days_are_counted_from_the_opening_and_not_from_midnight():
    loom = open_loom()
    ledger.spend(loom.pk, 60, "evening", now=OPENED + 14 * HOUR)

    assert held(loom, OPENED + DAY - INSTANT) == (40, 0)
    assert held(loom, OPENED + DAY) == (100, 0)


def test_a_read_shows_the_new_day_without_writing():
    loom = open_loom()
    ledger.spend(loom.pk, 60, "day-1", now=OPENED)

    for day in range(1, 7):
        balance = queries.get_balance(loom.pk, now=OPENED + day * DAY + HOUR)
        assert (balance.plan, balance.trial_day) == (100, day + 1)
        assert balance.resets_at == OPENED + (day + 1) * DAY

    assert len(written(loom)) == 2


def test_the_first_write_of_a_day_writes_its_grant():
    loom = open_loom()
    ledger.spend(loom.pk, 60, "day-1", now=OPENED)

    ledger.spend(loom.pk, 10, "day-2", now=OPENED + DAY + 5 * HOUR)

    assert written(loom) == [
        FIRST_GRANT,
        ("spend", -60, 0),
        ("expire", -40, 0),
        ("trial_grant", 100, 0),
        ("spend", -10, 0),
    ]
    expired, granted, _ = LedgerEntry.objects.filter(account=loom, sequence__gt=2)
    assert expired.created_at == OPENED + DAY
    assert granted.created_at == OPENED + DAY
    assert_in_step(loom)


def test_a_day_that_is_used_up_expires_nothing():
    loom = open_loom()
    ledger.spend(loom.pk, 100, "day-1", now=OPENED)

    ledger.spend(loom.pk, 10, "day-2", now=OPENED + DAY)

    assert [kind for kind, *_ in written(loom)] == ["trial_grant", "spend", "trial_grant", "spend"]


def test_several_missed_days_are_one_expiry_and_one_grant():
    loom = open_loom()
    ledger.spend(loom.pk, 60, "day-1", now=OPENED)

    ledger.spend(loom.pk, 10, "day-5", now=OPENED + 4 * DAY + HOUR)

    assert written(loom)[2:] == [("expire", -40, 0), ("trial_grant", 100, 0), ("spend", -10, 0)]
    expired, granted, spent = LedgerEntry.objects.filter(account=loom, sequence__gt=2)
    assert expired.created_at == OPENED + DAY
    assert granted.created_at == OPENED + 4 * DAY
    assert spent.created_at == OPENED + 4 * DAY + HOUR


def test_day_8_is_zero_and_stays_zero():
    loom = open_loom()
    over = OPENED + 7 * DAY
    assert held(loom, over - INSTANT) == (100, 0)

    for now in (over, over + DAY, over + 400 * DAY):
        balance = queries.get_balance(loom.pk, now=now)
        assert (balance.total, balance.resets_at, balance.trial_day) == (0, None, None)
    with pytest.raises(ledger.InsufficientCredits) as refused:
        ledger.spend(loom.pk, 20, "day-8", now=over)

    assert (refused.value.needed, refused.value.available, refused.value.short_by) == (20, 0, 20)
    assert written(loom) == [FIRST_GRANT]


def test_a_trial_that_is_over_expires_once():
    loom = open_loom()
    ledger.add_package(loom.pk, 500, key="package", now=OPENED + 8 * DAY)
    ledger.spend(loom.pk, 20, "later", now=OPENED + 20 * DAY)

    assert written(loom)[1:] == [("expire", -100, 0), ("package", 0, 500), ("spend", 0, -20)]
    assert held(loom, OPENED + 20 * DAY) == (0, 480)


def test_no_more_than_seven_grants_whatever_is_asked():
    loom = open_loom()
    for quarter in range(40):
        ledger.settle(loom.pk, now=OPENED + quarter * timedelta(hours=6))

    assert [kind for kind, *_ in written(loom)].count("trial_grant") == 7
    assert_in_step(loom)


def test_a_refused_spend_writes_nothing_though_an_expiry_was_due():
    loom = open_loom()
    before = loom.__class__.objects.values().get(pk=loom.pk)

    with pytest.raises(ledger.InsufficientCredits) as refused:
        ledger.spend(loom.pk, 400, "reel", now=OPENED + 3 * DAY)

    assert refused.value.available == 100
    assert written(loom) == [FIRST_GRANT]
    assert loom.__class__.objects.values().get(pk=loom.pk) == before


def test_subscribing_ends_the_trial():
    loom = open_loom()
    ledger.spend(loom.pk, 30, "day-1", now=OPENED)

    start = OPENED + HOUR
    ledger.start_plan_period(loom.pk, "starter", start, start + CYCLE, key="cycle", now=start)

    assert written(loom)[2:] == [("expire", -70, 0), ("plan_grant", 3_000, 0)]
    assert held(loom, start) == (3_000, 0)
    assert held(loom, start + 2 * DAY) == (3_000, 0)
    assert held(loom, start + CYCLE) == (0, 0)


def test_a_missed_day_is_granted_before_a_subscription_ends_the_trial():
    loom = open_loom()
    start = OPENED + 2 * DAY + HOUR

    ledger.start_plan_period(loom.pk, "starter", start, start + CYCLE, key="cycle", now=start)

    assert written(loom)[1:] == [
        ("expire", -100, 0),
        ("trial_grant", 100, 0),
        ("expire", -100, 0),
        ("plan_grant", 3_000, 0),
    ]
    assert_in_step(loom)


def test_a_package_of_the_trial_survives_every_reset():
    loom = open_loom()
    ledger.add_package(loom.pk, 500, key="package", now=OPENED)

    for day in range(1, 9):
        ledger.settle(loom.pk, now=OPENED + day * DAY)
        assert held(loom, OPENED + day * DAY)[1] == 500


class TestRestoring:
    def test_on_the_same_day_the_exact_split_returns(self):
        loom = open_loom()
        ledger.add_package(loom.pk, 50, key="package", now=OPENED)
        spent = ledger.spend(loom.pk, 120, "run", now=OPENED)

        back = ledger.restore(spent.pk, key="back", now=OPENED + HOUR, **STAFF)

        assert (back.plan_delta, back.package_delta, back.lapsed) == (100, 20, 0)
        assert held(loom, OPENED + HOUR) == (100, 50)

    def test_on_the_same_day_it_is_exact_also_beyond_100(self):
        loom = open_loom()
        spent = ledger.spend(loom.pk, 60, "run", now=OPENED)
        ledger.adjust(loom.pk, "plan", 90, key="goodwill", now=OPENED, **STAFF)

        back = ledger.restore(spent.pk, key="back", now=OPENED, **STAFF)

        assert (back.plan_delta, back.lapsed, back.plan_after) == (60, 0, 190)

    def test_on_a_later_day_it_fills_the_bucket_to_100_and_the_rest_lapses(self):
        loom = open_loom()
        spent = ledger.spend(loom.pk, 80, "day-1", now=OPENED)
        ledger.spend(loom.pk, 30, "day-2", now=OPENED + DAY)

        back = ledger.restore(spent.pk, key="back", now=OPENED + DAY + HOUR, **STAFF)

        assert (back.plan_delta, back.lapsed, back.plan_after) == (30, 50, 100)
        assert held(loom, OPENED + 2 * DAY) == (100, 0)
        assert_in_step(loom)

    def test_when_nothing_fits_nothing_is_written(self):
        loom = open_loom()
        spent = ledger.spend(loom.pk, 80, "day-1", now=OPENED)
        before = written(loom)

        with pytest.raises(ledger.NothingToRestore):
            ledger.restore(spent.pk, key="back", now=OPENED + DAY, **STAFF)

        assert written(loom) == before
        # The key stays free, and so does the spend.
        ledger.spend(loom.pk, 100, "day-2", now=OPENED + DAY)
        back = ledger.restore(spent.pk, key="back", now=OPENED + DAY, **STAFF)
        assert back.plan_delta == 80

    def test_the_package_part_returns_though_the_plan_part_lapses(self):
        loom = open_loom()
        ledger.add_package(loom.pk, 50, key="package", now=OPENED)
        spent = ledger.spend(loom.pk, 130, "day-1", now=OPENED)

        back = ledger.restore(spent.pk, key="back", now=OPENED + DAY, **STAFF)

        assert (back.plan_delta, back.package_delta, back.lapsed) == (0, 30, 100)
        assert held(loom, OPENED + DAY) == (100, 50)

    def test_it_never_lowers_a_bucket_that_staff_filled_beyond_100(self):
        loom = open_loom()
        spent = ledger.spend(loom.pk, 80, "day-1", now=OPENED)
        ledger.adjust(loom.pk, "plan", 60, key="goodwill", now=OPENED + DAY, **STAFF)

        with pytest.raises(ledger.NothingToRestore):
            ledger.restore(spent.pk, key="back", now=OPENED + DAY, **STAFF)

        assert held(loom, OPENED + DAY) == (160, 0)

    def test_after_the_trial_it_opens_a_remainder(self):
        loom = open_loom()
        spent = ledger.spend(loom.pk, 80, "day-7", now=OPENED + 6 * DAY)
        over = OPENED + 8 * DAY

        back = ledger.restore(spent.pk, key="back", now=over, **STAFF)

        assert (back.plan_delta, back.lapsed) == (80, 0)
        balance = queries.get_balance(loom.pk, now=over)
        assert (balance.plan, balance.resets_at) == (80, over + CYCLE)
