"""Shopify names the end of a billing cycle; where it began follows from that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shopify_auth.billing.paid_periods import paid_period

DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
OPENED = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CYCLE = 30 * DAY
END = OPENED + CYCLE


def test_the_first_cycle_starts_with_the_subscription():
    assert paid_period(OPENED, END, None, OPENED) == (OPENED, END)


def test_a_cycle_that_touches_the_last_starts_where_it_ended():
    created, following = OPENED - 100 * DAY, END + CYCLE
    for ended in (END, END + timedelta(hours=3)):
        assert paid_period(created, following, ended, ended) == (ended, following)


def test_a_cycle_that_is_shown_before_the_last_has_ended_starts_at_its_end():
    created, following = OPENED - 100 * DAY, END + CYCLE
    now = END - timedelta(minutes=1)
    assert paid_period(created, following, END, now) == (END, following)


def test_a_subscription_with_a_cycle_of_its_own_starts_inside_the_one_it_replaces():
    now = OPENED + 12 * DAY
    assert paid_period(now, now + CYCLE, END, now) == (now, now + CYCLE)


def test_a_gap_starts_thirty_days_before_the_end():
    created, end = OPENED - 100 * DAY, OPENED + 90 * DAY
    assert paid_period(created, end, OPENED, end - DAY) == (end - CYCLE, end)


def test_a_subscription_younger_than_thirty_days_starts_with_itself():
    created = END - 10 * DAY
    assert paid_period(created, END, None, created) == (created, END)


def test_a_test_store_has_windows_of_thirty_days():
    for cycles, now in (
        (0, OPENED),
        (0, END - INSTANT),
        (1, END),
        (4, OPENED + 129 * DAY),
    ):
        start = OPENED + cycles * CYCLE
        assert paid_period(OPENED, None, None, now) == (start, start + CYCLE)


def test_a_clock_before_the_creation_is_its_first_window():
    assert paid_period(OPENED, None, None, OPENED - DAY) == (OPENED, END)
