"""Processes on one account at once, released together: exact sums, one charge per key."""

from __future__ import annotations

import multiprocessing
import os
import random

import pytest
from django.db import transaction

from credits import ledger, queries
from credits.ledger import checks, expiring
from credits.models import Account, LedgerEntry, LowCreditAlert
from credits.reports import usage
from tests.credits.ledger.books import (
    CYCLE,
    DAY,
    INSTANT,
    OPENED,
    STAFF,
    assert_in_step,
    open_harbor,
    open_loom,
    open_paper,
    written,
)
from tests.credits.ledger.racing import crowd, race

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def counted(account: Account, kind: str) -> int:
    return LedgerEntry.objects.filter(account=account, kind=kind).count()


class TestOneAccountUntilEmpty:
    def test_sixteen_processes_take_exactly_what_was_there(self):
        paper = open_paper()
        ledger.add_package(paper.pk, 500, key="package", now=OPENED)

        def take(racer: int) -> tuple[int, int]:
            choose, taken, entries = random.Random(racer), 0, 0  # noqa: S311 - amounts of a test
            while True:
                amount = choose.randint(1, 60)
                try:
                    ledger.spend(paper.pk, amount, f"{racer}:{entries}", now=OPENED)
                except ledger.InsufficientCredits as error:
                    if not error.available:
                        return taken, entries
                    continue
                taken, entries = taken + amount, entries + 1

        answers = race(crowd(16, take))

        assert all(isinstance(answer, tuple) for answer in answers), answers
        assert sum(taken for taken, _ in answers) == 3_500
        assert sum(entries for _, entries in answers) == counted(paper, "spend")
        assert queries.get_balance(paper.pk, now=OPENED).total == 0
        assert_in_step(paper)

    def test_batches_and_single_spends_together(self):
        paper = open_paper()

        def batch(racer: int) -> int:
            items = [(20, f"batch-{racer}:{n}", "ai-shadowing") for n in range(10)]
            return -sum(entry.credits for entry in ledger.spend_many(paper.pk, items, now=OPENED))

        def single(racer: int) -> int:
            return -ledger.spend(paper.pk, 50, f"single-{racer}", now=OPENED).credits

        answers = race(crowd(16, lambda n: (batch, single)[n % 2](n)))

        assert answers == [200, 50] * 8
        assert queries.get_balance(paper.pk, now=OPENED).total == 1_000
        assert_in_step(paper)


class TestOneKeyAtOnce:
    COPIES = 20

    @pytest.mark.parametrize(
        "call",
        [
            pytest.param(
                lambda pk: ledger.spend(pk, 50, "key", "image-enhance", now=OPENED), id="spend"
            ),
            pytest.param(
                lambda pk: ledger.spend_many(pk, [(50, "key"), (20, "key-2")], now=OPENED)[0],
                id="spend_many",
            ),
            pytest.param(lambda pk: ledger.add_package(pk, 500, "key", now=OPENED), id="package"),
            pytest.param(
                lambda pk: ledger.start_plan_period(
                    pk, "growth", OPENED, OPENED + CYCLE, "key", now=OPENED
                ),
                id="paid period",
            ),
            pytest.param(
                lambda pk: ledger.grant_plan(pk, "growth", OPENED, "key", now=OPENED, **STAFF),
                id="staff plan",
            ),
            pytest.param(
                lambda pk: ledger.adjust(pk, "plan", 5, "key", now=OPENED, **STAFF), id="adjust"
            ),
            pytest.param(
                lambda pk: ledger.restore(
                    LedgerEntry.objects.get(account_id=pk, key="before").pk,
                    "key",
                    now=OPENED,
                    **STAFF,
                ),
                id="restore",
            ),
        ],
    )
    def test_twenty_copies_are_one_entry(self, call):
        loom = open_loom()
        ledger.add_package(loom.pk, 100, key="package", now=OPENED)
        ledger.spend(loom.pk, 10, "before", now=OPENED)

        answers = race([lambda: call(loom.pk).pk] * self.COPIES)

        assert len(set(answers)) == 1, answers
        assert LedgerEntry.objects.get(account=loom, key="key").pk == answers[0]
        assert_in_step(loom)

    def test_twenty_orders_under_one_key_are_one_charge_and_nineteen_conflicts(self):
        loom = open_loom()

        answers = race(crowd(20, lambda n: ledger.spend(loom.pk, n + 1, "key", now=OPENED).pk))

        assert answers.count("KeyConflict") == 19
        assert counted(loom, "spend") == 1
        assert_in_step(loom)

    def test_one_period_told_by_twenty_webhooks_under_their_own_keys_is_one_grant(self):
        harbor = open_harbor()
        period = (OPENED, OPENED + CYCLE)

        answers = race(
            crowd(
                20,
                lambda n: (
                    ledger.start_plan_period(
                        harbor.pk, "starter", *period, key=f"webhook-{n}", now=OPENED
                    ).pk
                ),
            )
        )

        assert len(set(answers)) == 1
        assert written(harbor) == [("plan_grant", 3_000, 0)]

    def test_an_answer_that_was_lost_is_told_to_whoever_asks_again(self):
        loom = open_loom()

        def charge() -> int:
            return ledger.spend(loom.pk, 30, "run", "image-enhance", now=OPENED).pk

        def charge_and_die() -> None:
            charge()
            os._exit(9)

        assert race([charge_and_die]) == ["lost"]
        answers = race([charge_and_die, *[charge] * 4])

        assert answers[0] == "lost"
        assert answers[1:] == [LedgerEntry.objects.get(account=loom, kind="spend").pk] * 4
        assert queries.get_balance(loom.pk, now=OPENED).total == 70
        assert_in_step(loom)

    def test_twenty_restorations_of_one_spend_are_one(self):
        loom = open_loom()
        spent = ledger.spend(loom.pk, 60, "run", now=OPENED)

        answers = race(
            crowd(20, lambda n: ledger.restore(spent.pk, f"back-{n}", now=OPENED, **STAFF).pk)
        )

        assert answers.count("AlreadyRestored") == 19
        assert queries.get_balance(loom.pk, now=OPENED).plan == 100
        assert_in_step(loom)


def spent_by_period(account: Account) -> list[int]:
    """Plan credits spent between one grant and the next."""
    spent: list[int] = []
    for kind, plan, _ in written(account):
        if kind in ("trial_grant", "plan_grant"):
            spent.append(0)
        elif kind == "spend":
            spent[-1] -= plan
    return spent


class TestResets:
    @pytest.mark.parametrize("attempt", range(2))
    def test_spends_racing_the_end_of_a_trial_day(self, attempt):
        loom = open_loom()
        instants = [OPENED + DAY - INSTANT, OPENED + DAY]
        racers = crowd(
            12, lambda n: ledger.spend(loom.pk, 30, f"run-{n}", now=instants[n % 2]).plan_delta
        )

        answers = race(racers)

        # Once the day has turned, who comes late with an earlier clock spends of the new day.
        refused = answers.count("InsufficientCredits")
        assert answers.count(-30) == 12 - refused
        assert counted(loom, "trial_grant") == 2
        assert counted(loom, "expire") == 1
        assert max(spent_by_period(loom)) <= 90
        assert_in_step(loom)

    @pytest.mark.parametrize("attempt", range(2))
    def test_spends_racing_a_renewal_told_four_times(self, attempt):
        paper = open_paper()
        ledger.add_package(paper.pk, 500, key="package", now=OPENED)
        end = OPENED + CYCLE

        def renew() -> int:
            return ledger.start_plan_period(
                paper.pk, "starter", end, end + CYCLE, key="cycle-2", now=end
            ).plan_delta

        spends = crowd(
            8, lambda n: ledger.spend(paper.pk, 100, f"run-{n}", now=end - INSTANT).credits
        )
        answers = race([*spends, *[renew] * 4])

        assert answers == [-100] * 8 + [3_000] * 4
        assert counted(paper, "plan_grant") == 2
        # Plan credits paid for every spend, those of the old period or those of the new one.
        assert sum(spent_by_period(paper)) == 800
        assert queries.get_balance(paper.pk, now=end).package == 500
        assert_in_step(paper)

    @pytest.mark.parametrize("attempt", range(2))
    def test_a_restoration_racing_a_reset(self, attempt):
        loom = open_loom()
        spends = [ledger.spend(loom.pk, 20, f"run-{n}", now=OPENED) for n in range(4)]
        pks = [spent.pk for spent in spends]

        answers = race(
            [
                *crowd(
                    4,
                    lambda n: (
                        ledger.restore(
                            pks[n], f"back-{n}", now=OPENED + DAY - INSTANT, **STAFF
                        ).plan_delta
                    ),
                ),
                *[lambda: ledger.settle(loom.pk, now=OPENED + DAY)] * 4,
            ]
        )

        # Before the reset a restoration fits whole; after it the bucket is full and nothing fits.
        assert set(answers[:4]) <= {20, "NothingToRestore"}
        assert queries.get_balance(loom.pk, now=OPENED + DAY).plan == 100
        assert counted(loom, "trial_grant") == 2
        assert_in_step(loom)

    @pytest.mark.parametrize("attempt", range(2))
    def test_restorations_racing_a_paid_reset(self, attempt):
        paper = open_paper()
        end = OPENED + CYCLE
        pks = [ledger.spend(paper.pk, 100, f"run-{n}", now=OPENED).pk for n in range(6)]

        def give_back(n: int) -> int:
            back = ledger.restore(pks[n], f"back-{n}", now=end - INSTANT, **STAFF)
            return back.plan_delta

        def renew() -> int:
            return ledger.start_plan_period(
                paper.pk, "starter", end, end + CYCLE, key="cycle-2", now=end
            ).plan_delta

        answers = race([*crowd(6, give_back), *[renew] * 3])

        assert answers == [100] * 6 + [3_000] * 3
        kinds = [kind for kind, *_ in written(paper)]
        renewed = kinds.index("plan_grant", 1)
        # Given back before the reset it expires with the old period, after it it joins the new one.
        late = kinds[renewed:].count("restore")
        assert queries.get_balance(paper.pk, now=end).plan == 3_000 + 100 * late
        assert kinds.count("expire") == 1
        assert_in_step(paper)

    def test_ten_processes_ask_for_one_reset(self):
        harbor = open_harbor()
        ledger.grant_plan(harbor.pk, "starter", OPENED, "staff", now=OPENED, **STAFF)
        later = OPENED + 40 * DAY

        answers = race([lambda: ledger.settle(harbor.pk, now=later)] * 10)

        assert sorted(answers) == [0] * 9 + [2]
        assert [kind for kind, *_ in written(harbor)] == ["plan_grant", "expire", "plan_grant"]


class TestReports:
    def test_a_transaction_that_stays_open_is_counted_when_it_commits(self):
        """Its entries are older than those that were counted meanwhile."""
        paper, harbor = open_paper(), open_harbor()
        ledger.add_package(harbor.pk, 500, key="package", now=OPENED)
        fork = multiprocessing.get_context("fork")
        has_spent, may_commit = fork.Event(), fork.Event()

        def commit_late() -> int:
            with transaction.atomic():
                entry = ledger.spend(paper.pk, 100, "late", "ai-shadowing", now=OPENED)
                has_spent.set()
                assert may_commit.wait(60)
            return entry.pk

        def spend_meanwhile() -> tuple[int, int, int]:
            assert has_spent.wait(60)
            entries = [
                ledger.spend(harbor.pk, 20, f"run-{n}", "ai-shadowing", now=OPENED)
                for n in range(5)
            ]
            months = [
                usage.read_month(pk, OPENED.year, OPENED.month) for pk in (paper.pk, harbor.pk)
            ]
            may_commit.set()
            return entries[-1].pk, months[0].used, months[1].used

        late, (newest, of_paper, of_harbor) = race([commit_late, spend_meanwhile])

        assert late < newest
        assert (of_paper, of_harbor) == (0, 100)
        assert usage.read_month(paper.pk, OPENED.year, OPENED.month).used == 100
        assert list(checks.problems()) == []
        assert_in_step(paper)
        assert_in_step(harbor)


class TestSweeps:
    def test_four_sweeps_at_once_book_each_account_once(self, monkeypatch):
        monkeypatch.setattr(expiring, "BATCH", 10)
        shops = [open_loom() for _ in range(100)]

        answers = race([lambda: expiring.book_expiries(now=OPENED + DAY)] * 4)

        assert sum(answers) == 100
        for shop in shops:
            assert written(shop) == [("trial_grant", 100, 0), ("expire", -100, 0)]

    def test_sweeps_beside_spends(self, monkeypatch):
        monkeypatch.setattr(expiring, "BATCH", 5)
        shops = [open_loom() for _ in range(24)]
        now = OPENED + DAY

        def spend_all(racer: int) -> int:
            entries = [
                ledger.spend(shop.pk, 10, f"run-{racer}", now=now)
                for shop in random.Random(racer).sample(shops, len(shops))  # noqa: S311
            ]
            return len(entries)

        answers = race(
            [
                *crowd(4, spend_all),
                *[lambda: expiring.book_expiries(now=now) * 0] * 2,
            ]
        )

        assert answers == [24] * 4 + [0] * 2
        for shop in shops:
            kinds = [kind for kind, *_ in written(shop)]
            assert kinds == ["trial_grant", "expire", "trial_grant", *["spend"] * 4]
            assert_in_step(shop)


def test_a_crossing_is_told_once_however_many_cross_it():
    paper = open_paper()
    ledger.spend(paper.pk, 2_600, "before", now=OPENED)

    answers = race(crowd(16, lambda n: ledger.spend(paper.pk, 20, f"run-{n}", now=OPENED).credits))

    assert answers == [-20] * 16
    alert = LowCreditAlert.objects.get(account=paper)
    assert (alert.remaining, alert.threshold, alert.to_mail) == (300, 300, True)
