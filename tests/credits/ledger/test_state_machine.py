"""Any order of any verbs, at any time: the ledger does what a dictionary of numbers does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from credits import ledger, queries
from credits.ledger import expiring
from credits.models import LedgerEntry, LowCreditAlert
from tests.credits.ledger.books import (
    STAFF,
    assert_in_step,
    by_general_rule,
    spend_by_general_rule,
)
from tests.credits.ledger.ledger_model import LedgerModel, Refused

START = datetime(2027, 12, 30, 22, 15, tzinfo=UTC)  # Leap year, clock changes and 31sts ahead.
INSTANT = timedelta(microseconds=1)
PLANS = {"starter": 3_000, "growth": 8_500, "pro": 18_000}

amounts = st.sampled_from([1, 20, 30, 50, 60, 100, 400, 800, 2_900, 3_000, 9_000])
plans = st.sampled_from(sorted(PLANS))
hours = st.integers(0, 30 * 24)
buckets = st.sampled_from(["plan", "package"])
doors = st.sampled_from(["one statement first", "general rule"])
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia"])
REFUSALS: dict[str, type[Exception]] = {
    "short": ledger.InsufficientCredits,
    "nothing": ledger.NothingToRestore,
}


class LedgerMachine(RuleBasedStateMachine):
    """Runs each verb on the ledger and on the model and compares what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.work = transaction.atomic()
        self.work.__enter__()
        self.model, self.now = LedgerModel(), START
        self.calls: list[tuple[Callable[[datetime], Any], int]] = []
        self.without_key: list[tuple[Callable[[], Any], Callable[[datetime], Any]]] = []

    def teardown(self) -> None:
        """Leave no account behind for the next run's sweep."""
        transaction.set_rollback(True)
        self.work.__exit__(None, None, None)

    @initialize(trial=st.booleans(), zone=zones)
    def open_account(self, *, trial: bool, zone: str) -> None:
        self.account = ledger.open_account(
            "Loom & Linen", trial=trial, now=self.now, time_zone=zone
        )
        self.model.open_account(self.now, trial=trial)
        self.compare(0)

    def new_key(self) -> str:
        return f"call-{len(self.calls)}-{len(self.without_key)}-{len(self.model.lines)}"

    def both(self, expect: Callable[[], Any], call: Callable[[datetime], Any]) -> None:
        """Ask the model, then the ledger: the same refusal, or the same lines."""
        before = len(self.model.lines)
        try:
            known = expect()
        except Refused as refused:
            self.refuse(refused, call)
            self.compare(before)
            return
        entry = call(self.now)
        self.compare(before)
        if known is not None:  # Granted before, or by the month that was due: no key.
            assert entry.sequence == known
            self.without_key.append((expect, call))
        else:
            last = entry[-1] if isinstance(entry, list) else entry
            assert last.sequence == len(self.model.lines)
            self.calls.append((call, last.pk))

    def refuse(self, refused: Refused, call: Callable[[datetime], Any]) -> None:
        with pytest.raises(REFUSALS.get(refused.why, ValueError)) as raised:
            call(self.now)
        error = raised.value
        if isinstance(error, ledger.InsufficientCredits):
            assert error.available == refused.available
            assert error.short_by == error.needed - error.available

    def compare(self, before: int) -> None:
        found = LedgerEntry.objects.filter(account=self.account, sequence__gt=before)
        entries, zone = list(found.order_by("sequence")), ZoneInfo(self.account.time_zone)
        assert [
            (entry.kind, entry.plan_delta, entry.package_delta, entry.created_at)
            for entry in entries
        ] == self.model.lines[before:]
        assert all(entry.day == entry.created_at.astimezone(zone).date() for entry in entries)

    # --- Time ------------------------------------------------------------------------------------

    @rule(hours=st.one_of(st.integers(0, 40), st.integers(0, 60 * 24)))
    def jump(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.model.running(self.now))
    @rule(exactly=st.booleans())
    def jump_to_the_end(self, *, exactly: bool) -> None:
        self.now = max(self.now, self.model.s["end"] - (timedelta() if exactly else INSTANT))

    @rule(hours=st.integers(1, 48))
    def clock_goes_back(self, hours: int) -> None:
        self.now -= timedelta(hours=hours)

    @rule()
    def sweep(self) -> None:
        before = len(self.model.lines)
        self.model.sweep(self.now)
        expiring.book_expiries(now=self.now)
        self.compare(before)

    @rule()
    def open_a_page(self) -> None:
        before = len(self.model.lines)
        self.model.roll(self.now)
        ledger.settle(self.account.pk, now=self.now)
        self.compare(before)

    # --- Spending --------------------------------------------------------------------------------

    @rule(amount=amounts, door=doors)
    def spend(self, amount: int, door: str) -> None:
        key, account_id = self.new_key(), self.account.pk

        def call(now: datetime) -> LedgerEntry:
            with by_general_rule() if door == "general rule" else nullcontext():
                return ledger.spend(account_id, amount, key, "image-enhance", now=now)

        self.both(lambda: self.model.spend([amount], self.now), call)

    @rule(asked=st.lists(amounts, min_size=1, max_size=6), door=doors)
    def spend_many(self, asked: list[int], door: str) -> None:
        key, account_id = self.new_key(), self.account.pk
        spend = spend_by_general_rule if door == "general rule" else ledger.spend_many
        items = [(amount, f"{key}:{number}") for number, amount in enumerate(asked)]
        self.both(
            lambda: self.model.spend(asked, self.now),
            lambda now: spend(account_id, items, now=now),
        )

    @staticmethod
    def spend_one(account_id: int, items: list[tuple[int, str]], now: datetime) -> LedgerEntry:
        (item,) = items
        return ledger.spend(account_id, *item, now=now)

    # --- Adding ----------------------------------------------------------------------------------

    @rule(credits=st.sampled_from([500, 1_500]))
    def buy_package(self, credits: int) -> None:
        key, account_id = self.new_key(), self.account.pk
        self.both(
            lambda: self.model.package(credits, self.now),
            lambda now: ledger.add_package(account_id, credits, key=key, now=now),
        )

    def start(self, plan: str, begins: datetime, ends: datetime) -> None:
        key, account_id = self.new_key(), self.account.pk
        self.both(
            lambda: self.model.paid(PLANS[plan], ends, self.now),
            lambda now: ledger.start_plan_period(account_id, plan, begins, ends, key=key, now=now),
        )

    @rule(plan=plans, early=hours)
    def subscribe(self, plan: str, early: int) -> None:
        begins = self.now - timedelta(hours=early)
        self.start(plan, begins, begins + timedelta(days=30))

    @precondition(lambda self: self.model.s["end"] is not None)
    @rule(plan=plans)
    def renew(self, plan: str) -> None:
        """Where the last period ended: early, in time or late, sometimes a whole period late."""
        ended = self.model.s["end"]
        self.start(plan, ended, ended + timedelta(days=30))

    @precondition(lambda self: self.model.s["end"] is not None)
    @rule(plan=plans)
    def change_plan(self, plan: str) -> None:
        """The same period end: an upgrade, a downgrade, or Shopify repeating itself."""
        ends = self.model.s["end"]
        self.start(plan, ends - timedelta(days=30), ends)

    @rule(plan=plans, days=st.integers(0, 70))
    def grant_staff_plan(self, plan: str, days: int) -> None:
        key, account_id = self.new_key(), self.account.pk
        anchor = self.now - timedelta(days=days)
        self.both(
            lambda: self.model.staff(PLANS[plan], anchor, self.now),
            lambda now: ledger.grant_plan(account_id, plan, anchor, key=key, now=now, **STAFF),
        )

    @precondition(lambda self: self.model.s["anchor"] is not None)
    @rule(plan=plans)
    def grant_the_staff_plan_again(self, plan: str) -> None:
        """From the same anchor, with the same plan or another one, perhaps with a month due."""
        key, account_id, anchor = self.new_key(), self.account.pk, self.model.s["anchor"]
        self.both(
            lambda: self.model.staff(PLANS[plan], anchor, self.now),
            lambda now: ledger.grant_plan(account_id, plan, anchor, key=key, now=now, **STAFF),
        )

    # --- Correcting ------------------------------------------------------------------------------

    @precondition(lambda self: len(self.model.spent) > len(self.model.restored))
    @rule(data=st.data(), lapse_plan=st.booleans())
    def restore(self, data: st.DataObject, *, lapse_plan: bool) -> None:
        line = data.draw(st.sampled_from(sorted(self.model.spent.keys() - self.model.restored)))
        spent = LedgerEntry.objects.get(account=self.account, sequence=line)
        key = self.new_key()
        self.both(
            lambda: self.model.restore(line, self.now, lapse_plan=lapse_plan),
            lambda now: ledger.restore(spent.pk, key=key, now=now, lapse_plan=lapse_plan, **STAFF),
        )

    @precondition(lambda self: self.model.restored)
    @rule(data=st.data())
    def restore_twice(self, data: st.DataObject) -> None:
        line = data.draw(st.sampled_from(sorted(self.model.restored)))
        spent = LedgerEntry.objects.get(account=self.account, sequence=line)
        with pytest.raises(ledger.AlreadyRestored):
            ledger.restore(spent.pk, key=self.new_key(), now=self.now, **STAFF)

    @rule(bucket=buckets, credits=st.sampled_from([-3_000, -100, -1, 1, 70, 500]))
    def adjust(self, bucket: str, credits: int) -> None:
        key, account_id = self.new_key(), self.account.pk
        self.both(
            lambda: self.model.adjust(bucket, credits, self.now),
            lambda now: ledger.adjust(account_id, bucket, credits, key=key, now=now, **STAFF),
        )

    # --- Duplicates ------------------------------------------------------------------------------

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def repeat_a_call(self, data: st.DataObject) -> None:
        call, first = data.draw(st.sampled_from(self.calls))
        again = call(self.now)
        assert (again[-1] if isinstance(again, list) else again).pk == first
        self.compare(len(self.model.lines))

    @precondition(lambda self: self.without_key)
    @rule(data=st.data())
    def repeat_a_call_that_changed_nothing(self, data: st.DataObject) -> None:
        """It has kept no key, so the rules decide it anew."""
        self.both(*data.draw(st.sampled_from(self.without_key)))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), door=doors)
    def use_a_key_for_something_else(self, data: st.DataObject, door: str) -> None:
        _, first = data.draw(st.sampled_from(self.calls))
        used = (7, LedgerEntry.objects.get(pk=first).key)
        items = [(1, self.new_key()), used] if door == "general rule" else [used]
        spend = spend_by_general_rule if door == "general rule" else self.spend_one
        with pytest.raises(ledger.KeyConflict):
            spend(self.account.pk, items, now=self.now)
        self.compare(len(self.model.lines))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), verb=st.sampled_from(["package", "adjust", "paid", "staff", "restore"]))
    def use_a_key_for_another_verb(self, data: st.DataObject, verb: str) -> None:
        """What is asked was never asked before: 7 credits, the largest plan, a spend."""
        _, first = data.draw(st.sampled_from(self.calls))
        entry = LedgerEntry.objects.get(pk=first)
        asked = {"key": entry.key, "now": self.now}
        ends = self.now + timedelta(days=30)
        spent = LedgerEntry.objects.filter(account=self.account, kind="spend").exclude(
            restoration=entry
        )
        pk, spend_id = self.account.pk, spent.values_list("pk", flat=True).first()
        verbs: dict[str, Callable[[], LedgerEntry]] = {
            "package": lambda: ledger.add_package(pk, 7, **asked),
            "adjust": lambda: ledger.adjust(pk, "plan", 7, **asked, **STAFF),
            "paid": lambda: ledger.start_plan_period(pk, "scale", self.now, ends, **asked),
            "staff": lambda: ledger.grant_plan(pk, "scale", self.now, **asked, **STAFF),
            "restore": lambda: ledger.restore(spend_id, **asked, **STAFF),
        }
        refusal: type[Exception] = ledger.KeyConflict
        if verb == "restore" and spend_id is None:
            refusal = ledger.UnknownSpend
        with pytest.raises(refusal):
            verbs[verb]()
        self.compare(len(self.model.lines))

    # --- After each step -------------------------------------------------------------------------

    @invariant()
    def books_are_in_step(self) -> None:
        assert_in_step(self.account)

    @invariant()
    def a_reset_never_changes_the_package(self) -> None:
        resets = ["expire", "trial_grant", "plan_grant"]
        entries = LedgerEntry.objects.filter(account=self.account, kind__in=resets)
        assert not entries.exclude(package_delta=0).exists()

    @invariant()
    def a_read_shows_what_a_write_would_book(self) -> None:
        for days in (0, 1, 31):
            instant = self.now + timedelta(days=days)
            ahead = self.model.at(instant)
            balance = queries.get_balance(self.account.pk, now=instant)
            assert (balance.plan, balance.package) == (ahead.s["plan"], ahead.s["package"])
            assert balance.version == len(self.model.lines)
            running = ahead.running(ahead.clock(instant))
            assert balance.resets_at == (ahead.s["end"] if running else None)

    @invariant()
    def each_crossing_is_told_once(self) -> None:
        told = LowCreditAlert.objects.filter(account=self.account).order_by("pk")
        assert list(told.values_list("created_at", "to_mail")) == self.model.alerts


@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_the_ledger_does_what_the_model_does():
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            # Explaining a failure traces every line and takes longer than finding it.
            phases=[Phase.reuse, Phase.generate, Phase.shrink],
            print_blob=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
