"""Spending, pausing and cancelling, in any order at any time, never carries plan credits over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from credits import ledger, queries
from credits.ledger import expiring
from credits.models import LedgerEntry
from tests.credits.ledger.books import (
    CYCLE,
    OPENED,
    STAFF,
    assert_in_step,
    open_loom,
    open_paper,
)

pytestmark = pytest.mark.django_db
ALLOCATION = {"trial": 100, "paid": 3_000, "staff": 3_000}

hours = st.sampled_from([0, 1, 23, 24, 25, 24 * 29, 24 * 30, 24 * 31])
steps = st.one_of(
    st.tuples(st.just("spend"), st.sampled_from([1, 40, 100, 500, 3_000, 3_400])),
    st.tuples(st.just("cancel"), st.integers(0, 10)),
    st.tuples(st.just("wait"), hours),
    st.tuples(st.just("renew"), st.just(0)),
    st.tuples(st.just("sweep"), st.just(0)),
)


class Store:
    """A store on one of the three kinds of plan, with a package of 500 besides."""

    def __init__(self, kind: str) -> None:
        self.kind, self.now, self.calls = kind, OPENED, 0
        self.account = open_paper() if kind == "paid" else open_loom()
        if kind == "staff":
            ledger.grant_plan(self.account.pk, "starter", OPENED, "plan", now=OPENED, **STAFF)
        ledger.add_package(self.account.pk, 500, key="package", now=OPENED)
        self.waiting: list[LedgerEntry] = []
        self.ends = OPENED + CYCLE

    def play(self, step: str, value: int) -> None:
        self.calls += 1
        getattr(self, step)(value)

    def spend(self, amount: int) -> None:
        try:
            spent = ledger.spend(self.account.pk, amount, f"run-{self.calls}", now=self.now)
        except ledger.InsufficientCredits:
            return
        self.waiting.append(spent)

    def cancel(self, which: int) -> None:
        if not self.waiting:
            return
        spent = self.waiting.pop(which % len(self.waiting))
        before = queries.get_balance(self.account.pk, now=self.now)
        back = {"key": f"back-{self.calls}", "now": self.now, **STAFF}
        try:
            entry = ledger.restore(spent.pk, lapse_plan=True, **back)
        except ledger.NothingToRestore:
            return
        # All or none of the plan part; the package part in any case.
        assert entry.package_delta == -spent.package_delta
        assert (entry.plan_delta, entry.lapsed) in ((-spent.plan_delta, 0), (0, -spent.plan_delta))
        after = queries.get_balance(self.account.pk, now=self.now)
        assert (after.resets_at, after.kind) == (before.resets_at, before.kind)

    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    def renew(self, _value: int) -> None:
        if self.kind != "paid" or self.now < self.ends:
            return
        begins, self.ends = self.now, self.now + CYCLE
        key = f"cycle-{self.calls}"
        ledger.start_plan_period(
            self.account.pk, "starter", begins, self.ends, key=key, now=self.now
        )

    def sweep(self, _value: int) -> None:
        expiring.book_expiries(now=self.now)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example("paid", [("spend", 3_000), ("wait", 24 * 30), ("renew", 0), ("cancel", 0)])
@example("paid", [("spend", 2_500), ("wait", 24 * 31), ("cancel", 0), ("renew", 0)])
@example("trial", [("spend", 100), ("wait", 24), ("sweep", 0), ("spend", 40), ("cancel", 0)])
@example("staff", [("spend", 3_400), ("wait", 24 * 31), ("spend", 40), ("cancel", 0)])
@given(kind=st.sampled_from(sorted(ALLOCATION)), story=st.lists(steps, max_size=20))
def test_a_period_never_holds_more_than_it_was_granted(db, kind, story):
    store = Store(kind)
    for step, value in story:
        store.play(step, value)

        balance = queries.get_balance(store.account.pk, now=store.now)
        running = [
            spent
            for spent in store.account.entries.filter(kind__in=["spend", "restore"])
            if balance.resets_at is not None and _is_of_running_period(store, spent)
        ]
        used = -sum(entry.plan_delta for entry in running)
        # What the running period holds and what it has paid are its allocation, no more.
        granted = ALLOCATION[kind] if balance.resets_at is not None else 0
        assert balance.plan + used == granted
        assert balance.package <= 500
    assert_in_step(store.account)


def _is_of_running_period(store, entry):
    """Whether the entry was written since the running period began."""
    grants = store.account.entries.filter(kind__in=["trial_grant", "plan_grant"])
    latest = grants.latest("sequence")
    shown = queries.get_balance(store.account.pk, now=store.now)
    is_written = latest.period_end == shown.resets_at
    return is_written and entry.sequence > latest.sequence
