"""Any order of a batch's verbs, with runs that end in every way and periods that end meanwhile.

A model of the decisions' table says what every credit has become; the ledger must say the same.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

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
from credits.ledger.checks import problems
from credits.models import LedgerEntry, RestorationCase
from credits.refusals import InsufficientCredits
from ecomvance_app import clock
from generations import tasks
from generations.engines import registry
from generations.engines.base import Result
from generations.media.reading import UploadedImage, read_picture
from generations.models import Batch, BatchItem, Generation
from generations.runs import batches, lifecycle
from generations.runs.batches import progress
from generations.runs.orders import Order, Requester
from tests.generations import sample_pictures as samples
from tests.generations.engine import Engine

START = datetime(2027, 3, 1, 12, tzinfo=UTC)
PERIOD = timedelta(days=30)
EACH, PLAN = 50, 3_000
# What ends a run without a delivery; only what had not begun is given back by itself.
FAILURES = ["provider_error", "content_policy", "platform_error", "timeout"]

positions = st.integers(0, 60)


@dataclass
class Paid:
    """What one run has taken, and from which period its plan part came."""

    plan: int
    package: int
    period: int


class BatchMachine(RuleBasedStateMachine):
    """Presses the buttons of a batch and keeps books beside the ledger's."""

    # Set by the test: the clock, and one clean picture.
    move_clock: Callable[[datetime], None]
    picture: UploadedImage

    def __init__(self) -> None:
        super().__init__()
        self.work = transaction.atomic()
        self.work.__enter__()
        self.now, self.period, self.keys = START, 0, 0
        self.paid: dict[str, Paid] = {}
        self.batch: Batch | None = None

    def teardown(self) -> None:
        """Leave no account behind for the next run's sweep."""
        transaction.set_rollback(True)
        self.work.__exit__(None, None, None)

    @initialize(
        spent=st.sampled_from([0, 2_780, 2_900, 3_000]),
        package=st.sampled_from([0, 130, 900]),
        hours_left=st.sampled_from([2, 20, 50, 24 * 9]),
    )
    def open_account(self, spent: int, package: int, hours_left: int) -> None:
        """An account near the end of its first period."""
        self.move_clock(self.now)
        self.account = ledger.open_account("Loom & Linen", trial=False)
        ledger.start_plan_period(self.account.pk, "starter", START, START + PERIOD, key="0")
        if spent:
            ledger.spend(self.account.pk, spent, "before")
        if package:
            ledger.add_package(self.account.pk, package, "pkg")
        self.plan, self.package = PLAN - spent, package
        self.now = START + PERIOD - timedelta(hours=hours_left)
        self.move_clock(self.now)
        self.asker = Requester(self.account.pk, None, "web", is_owner=True)

    # --- What the books expect -------------------------------------------------------------------

    def pay_one(self) -> Paid:
        """Plan first, then package."""
        plan = min(self.plan, EACH)
        self.plan, self.package = self.plan - plan, self.package - (EACH - plan)
        return Paid(plan, EACH - plan, self.period)

    def give_back(self, run: str) -> None:
        """The package part always; the plan part while its period runs."""
        paid = self.paid[run]
        self.package += paid.package
        if paid.period == self.period:
            self.plan += paid.plan

    def press(self, charged: int, verb: Callable[[str], Any]) -> None:
        """Charge so many items together, or none where the books cannot pay; twice is once."""
        self.keys += 1
        key = f"key {self.keys}"
        known = self.run_ids()
        if charged * EACH > self.plan + self.package:
            with pytest.raises(InsufficientCredits) as refused:
                verb(key)
            assert refused.value.available == self.plan + self.package
            assert self.run_ids() == known
            return
        verb(key)
        verb(key)
        new = [run for run in self.run_ids() if run not in known]
        assert len(new) == charged
        self.paid |= {run: self.pay_one() for run in new}

    def run_ids(self) -> list[str]:
        """Every run, in the order of its entry."""
        runs = Generation.objects.filter(account=self.account)
        return [str(pk) for pk in runs.order_by("spend__sequence").values_list("pk", flat=True)]

    def standing(self) -> progress.Progress:
        assert self.batch is not None
        self.batch = Batch.objects.get(pk=self.batch.pk)
        return progress.read(self.batch, self.now)

    def waiting(self) -> list[str]:
        runs = Generation.objects.filter(account=self.account, state="queued")
        return [str(pk) for pk in runs.values_list("pk", flat=True)]

    def end(self, verb: Callable[[], object]) -> None:
        """What may end the batch: what waited before it and is cancelled after it came back."""
        waited = self.waiting()
        verb()
        for run in Generation.objects.filter(pk__in=waited, state="cancelled"):
            self.give_back(str(run.pk))

    # --- The verbs -------------------------------------------------------------------------------

    @precondition(lambda self: self.batch is None)
    @rule(
        items=st.integers(1, 7),
        three_first=st.booleans(),
        charge=st.one_of(st.none(), st.integers(1, 8)),
    )
    def place(self, items: int, *, three_first: bool, charge: int | None) -> None:
        orders = [Order(batches.TOOL, "1K", uploads=(self.picture,))] * items
        first = 3 if three_first and items > 3 else items
        charged = min(charge or first, items)

        def verb(key: str) -> None:
            self.batch, _new = batches.place(
                self.asker, orders, key, together=batches.Together(three_first, charge)
            )

        self.press(charged, verb)

    @precondition(lambda self: self.batch is not None)
    @rule(count=st.one_of(st.none(), st.integers(0, 8)))
    def resume(self, count: int | None) -> None:
        before, batch = self.standing(), self.batch
        assert batch is not None
        if before.is_final or self.is_overdue():
            self.refused(lambda key: batches.resume(self.asker, batch.pk, key, count=count))
            return
        takes = count if count is not None else 0 if batch.paused_at else before.uncharged
        charged = min(takes, before.uncharged)
        self.press(charged, lambda key: batches.resume(self.asker, batch.pk, key, count=count))

    @precondition(lambda self: self.batch is not None)
    @rule()
    def retry(self) -> None:
        before, batch = self.standing(), self.batch
        assert batch is not None
        if before.state == "cancelled" or self.is_overdue():
            self.refused(lambda key: batches.retry(self.asker, batch.pk, key))
            return
        self.press(before.failed, lambda key: batches.retry(self.asker, batch.pk, key))

    def refused(self, verb: Callable[[str], object]) -> None:
        """Too late: refused, and a batch whose time was over is ended by the next sweep."""
        self.keys += 1
        with transaction.atomic(), pytest.raises(batches.rules.BatchEnded):
            verb(f"key {self.keys}")
        self.end(tasks.sweep_batches)

    def is_overdue(self) -> bool:
        """Whether the next press finds the batch's time over."""
        batch = self.batch
        assert batch is not None
        if batch.cancelled_at is not None:
            return False
        standing = self.standing()
        too_long = batch.paused_at is not None and self.now - batch.paused_at >= timedelta(days=1)
        old = self.now - batch.created_at >= timedelta(days=7)
        held = bool(standing.waiting or standing.uncharged)
        return (too_long and held) or (old and bool(standing.uncharged))

    @precondition(lambda self: self.batch is not None)
    @rule(verb=st.sampled_from([batches.pause, batches.cancel]))
    def hold_or_end(self, verb: Callable[[int, Any], Batch]) -> None:
        batch = self.batch
        assert batch is not None
        if self.standing().is_final or self.is_overdue():
            self.refused(lambda _key: verb(self.account.pk, batch.pk))
            return
        self.end(lambda: verb(self.account.pk, batch.pk))

    # --- The runs --------------------------------------------------------------------------------

    @precondition(lambda self: self.batch is not None)
    @rule(which=positions)
    def begin(self, which: int) -> None:
        waiting = self.waiting()
        if not waiting:
            return
        begun = lifecycle.start(waiting[which % len(waiting)])
        assert (begun is None) == self.batch_is_held()

    def batch_is_held(self) -> bool:
        assert self.batch is not None
        self.batch.refresh_from_db()
        return self.batch.paused_at is not None

    @precondition(lambda self: self.batch is not None)
    @rule(which=positions, how=st.sampled_from(["delivered", *FAILURES]))
    def finish(self, which: int, how: str) -> None:
        running = list(Generation.objects.filter(account=self.account, state="running"))
        if not running:
            return
        run = running[which % len(running)]
        if how == "delivered":
            assert lifecycle.succeed(run, delivered())
        else:
            assert lifecycle.fail(run, how, "It failed.")
        # Whoever comes late ends nothing twice.
        assert not lifecycle.fail(run, "timeout", "Too late.")

    @precondition(lambda self: self.batch is not None)
    @rule(which=positions)
    def cancel_one(self, which: int) -> None:
        runs = self.run_ids()
        if not runs:
            return
        run = runs[which % len(runs)]
        waited = run in self.waiting()
        lifecycle.cancel(self.account.pk, run)
        lifecycle.cancel(self.account.pk, run)
        if waited:
            self.give_back(run)

    # --- Time ------------------------------------------------------------------------------------

    @rule(hours=st.sampled_from([1, 12, 24, 25, 24 * 6]))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        end = START + PERIOD * (self.period + 1)
        self.move_clock(self.now)
        if self.now >= end:
            self.period += 1
            ledger.start_plan_period(
                self.account.pk, "starter", end, end + PERIOD, key=str(self.period)
            )
            self.plan = PLAN

    @rule()
    def sweep(self) -> None:
        self.end(tasks.sweep_batches)

    # --- What is always true ---------------------------------------------------------------------

    @invariant()
    def every_credit_is_where_the_books_say(self) -> None:
        balance = queries.get_balance(self.account.pk, clock.now())
        assert (balance.plan, balance.package) == (self.plan, self.package)
        spends = LedgerEntry.objects.filter(account=self.account, kind="spend")
        assert spends.exclude(generation=None).count() == len(self.paid)

    @invariant()
    def what_is_given_back_was_paid_for_what_never_began(self) -> None:
        runs = Generation.objects.filter(account=self.account)
        ended = Counter(runs.exclude(outcome="").values_list("outcome", flat=True))
        restored = LedgerEntry.objects.filter(account=self.account, kind="restore")
        assert restored.count() <= ended["cancelled_in_queue"]
        cases = RestorationCase.objects.filter(spend__account=self.account)
        assert cases.count() == ended["platform_error"]

    @precondition(lambda self: self.batch is not None)
    @invariant()
    def the_counts_add_up(self) -> None:
        now = self.standing()
        counted = (
            now.uncharged + now.waiting + now.running + now.succeeded + now.failed + now.cancelled
        )
        assert counted == now.total == BatchItem.objects.filter(batch=self.batch).count()
        assert now.cost == EACH * len(self.paid)

    @invariant()
    def the_ledger_is_in_step(self) -> None:
        assert list(problems()) == []


def delivered() -> Result:
    """One small picture."""
    return Engine().result  # type: ignore[return-value]


@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_batches_do_what_the_books_say(monkeypatch: pytest.MonkeyPatch, time_machine: Any) -> None:
    monkeypatch.setattr(registry, "LOCAL", {batches.TOOL: Engine()})
    picture = read_picture(io.BytesIO(samples.encoded(samples.quarters(260, 260), "PNG")).read())

    class Machine(BatchMachine):
        move_clock = staticmethod(lambda to: time_machine.move_to(to, tick=False))

    Machine.picture = picture
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            # Explaining a failure traces every line and takes longer than finding it.
            phases=[Phase.reuse, Phase.generate, Phase.shrink],
            print_blob=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
