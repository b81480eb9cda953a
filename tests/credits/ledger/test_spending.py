"""Spends: the split, the refusals, the clock, and who hears of them."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from django.db import transaction

from credits import ledger, queries
from credits.models import LedgerEntry
from credits.signals import balance_changed
from tests.credits.ledger.books import (
    DAY,
    HOUR,
    OPENED,
    STAFF,
    assert_in_step,
    held,
    open_harbor,
    open_loom,
    open_paper,
    spend_by_general_rule,
    written,
)

pytestmark = pytest.mark.django_db


def test_an_entry_says_what_it_was_for():
    paper = open_paper()

    spent = ledger.spend(
        paper.pk, 50, "run-1", tool="image-enhance", reference="generation:1", actor="user:3",
        now=OPENED + HOUR,
    )  # fmt: skip

    stored = LedgerEntry.objects.get(pk=spent.pk)
    for entry in (spent, stored):
        assert (entry.account_id, entry.sequence, entry.kind) == (paper.pk, 2, "spend")
        assert (entry.plan_delta, entry.package_delta) == (-50, 0)
        assert (entry.plan_after, entry.package_after) == (2_950, 0)
        assert (entry.key, entry.tool, entry.reference) == (
            "run-1",
            "image-enhance",
            "generation:1",
        )
        assert (entry.actor, entry.created_at) == ("user:3", OPENED + HOUR)
        assert str(entry) == f"{paper.pk}/2 spend -50"


@pytest.mark.parametrize(
    ("plan", "package", "amount", "split"),
    [
        (100, 0, 100, (-100, 0)),
        (100, 50, 100, (-100, 0)),
        (100, 50, 101, (-100, -1)),
        (100, 50, 150, (-100, -50)),
        (0, 50, 50, (0, -50)),
        (1, 1, 1, (-1, 0)),
    ],
)
def test_plan_credits_go_first(plan, package, amount, split):
    harbor = open_harbor()
    for bucket, credits in (("plan", plan), ("package", package)):
        if credits:
            ledger.adjust(harbor.pk, bucket, credits, key=bucket, now=OPENED, **STAFF)

    spent = ledger.spend(harbor.pk, amount, "run", now=OPENED)

    assert (spent.plan_delta, spent.package_delta) == split
    assert held(harbor, OPENED) == (plan + split[0], package + split[1])
    assert_in_step(harbor)


def test_two_shops_know_nothing_of_each_other():
    loom, harbor = open_loom(), open_harbor()
    ledger.add_package(harbor.pk, 500, key="package", now=OPENED)

    first = ledger.spend(loom.pk, 40, "run-1", now=OPENED)
    second = ledger.spend(harbor.pk, 60, "run-1", now=OPENED)

    assert first.pk != second.pk
    assert (held(loom, OPENED), held(harbor, OPENED)) == ((60, 0), (0, 440))


class TestInsufficientCredits:
    @pytest.mark.parametrize(
        ("amount", "short_by"), [(151, 1), (400, 250), (10**9, 10**9 - 150), (10**30, 10**30 - 150)]
    )
    def test_it_says_how_much_is_missing(self, amount, short_by):
        loom = open_loom()
        ledger.add_package(loom.pk, 50, key="package", now=OPENED)
        before = written(loom)

        with pytest.raises(ledger.InsufficientCredits) as refused:
            ledger.spend(loom.pk, amount, "run", now=OPENED)

        error = refused.value
        assert (error.needed, error.available, error.short_by) == (amount, 150, short_by)
        assert written(loom) == before
        assert not isinstance(error, ValueError)

    def test_the_key_stays_free(self):
        harbor = open_harbor()
        with pytest.raises(ledger.InsufficientCredits):
            ledger.spend(harbor.pk, 50, "run", tool="image-enhance", now=OPENED)

        ledger.add_package(harbor.pk, 500, key="package", now=OPENED)

        assert ledger.spend(harbor.pk, 60, "run", tool="ai-shadowing", now=OPENED).credits == -60

    def test_a_callers_transaction_goes_on(self):
        harbor = open_harbor()
        with transaction.atomic():
            with pytest.raises(ledger.InsufficientCredits):
                ledger.spend(harbor.pk, 50, "run", now=OPENED)
            ledger.add_package(harbor.pk, 500, key="package", now=OPENED)

        assert held(harbor, OPENED) == (0, 500)


class TestClock:
    def test_now_going_backwards_counts_as_the_last_entrys_time(self):
        paper = open_paper()
        ledger.spend(paper.pk, 50, "late", now=OPENED + 5 * DAY)

        early = ledger.spend(paper.pk, 50, "early", now=OPENED + DAY)

        assert early.created_at == OPENED + 5 * DAY
        assert_in_step(paper)

    def test_an_earlier_now_never_revives_a_period(self):
        loom = open_loom()
        ledger.spend(loom.pk, 10, "day-3", now=OPENED + 2 * DAY)

        again = ledger.spend(loom.pk, 90, "day-1", now=OPENED)

        assert (again.plan_after, again.created_at) == (0, OPENED + 2 * DAY)
        assert held(loom, OPENED) == (0, 0)

    def test_created_at_is_business_time_and_recorded_at_the_clock(self, time_machine):
        clock = OPENED + 100 * DAY
        time_machine.move_to(clock, tick=False)
        paper = open_paper()

        spent = ledger.spend(paper.pk, 50, "run", now=OPENED + DAY)
        (general,) = spend_by_general_rule(paper.pk, [(50, "other")], now=OPENED + DAY)

        for entry in (spent, general):
            assert (entry.created_at, entry.recorded_at) == (OPENED + DAY, clock)

    def test_now_defaults_to_the_clock(self, time_machine):
        paper = open_paper()
        time_machine.move_to(OPENED + 2 * DAY, tick=False)

        assert ledger.spend(paper.pk, 50, "run").created_at == OPENED + 2 * DAY
        assert queries.get_balance(paper.pk).plan == 2_950

    def test_an_instant_is_the_same_in_every_zone(self):
        loom = open_loom()
        tokyo = timezone(timedelta(hours=9))

        entry = ledger.spend(loom.pk, 50, "run", now=(OPENED + DAY).astimezone(tokyo))

        stored = LedgerEntry.objects.get(pk=entry.pk)
        assert (stored.created_at, stored.sequence) == (OPENED + DAY, 4)
        assert entry.created_at.astimezone(UTC) == stored.created_at


def test_listeners_hear_of_a_balance_after_commit_only(django_capture_on_commit_callbacks):
    heard = []

    def listen(*, account_id, version, **_):
        heard.append((account_id, version))

    loom = open_loom()
    balance_changed.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            ledger.spend(loom.pk, 10, "run", now=OPENED)
            ledger.spend(loom.pk, 10, "run", now=OPENED)
            ledger.spend_many(loom.pk, [(10, "a"), (10, "b")], now=OPENED)
            assert heard == []
    finally:
        balance_changed.disconnect(listen)

    assert heard == [(loom.pk, 2), (loom.pk, 4)]
