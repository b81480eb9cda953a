"""Paid billing periods: granted only when confirmed, never twice, expired to the microsecond."""

from __future__ import annotations

import pytest

from credits import ledger, queries
from credits.models import LedgerEntry, Plan
from tests.credits.ledger.books import (
    CYCLE,
    DAY,
    END,
    HOUR,
    INSTANT,
    OPENED,
    STAFF,
    assert_in_step,
    held,
    open_harbor,
    open_loom,
    open_paper,
    written,
)

pytestmark = pytest.mark.django_db


def start(account, plan, begins, ends, key, now=None):
    return ledger.start_plan_period(account.pk, plan, begins, ends, key=key, now=now or begins)


@pytest.mark.parametrize(
    ("handle", "credits"),
    [("starter", 3_000), ("growth", 8_500), ("pro", 18_000), ("scale", 48_000)],
)
def test_every_plan_grants_its_allocation(handle, credits):
    paper = open_harbor()

    entry = start(paper, handle, OPENED, END, "cycle-1")

    assert (entry.kind, entry.plan_delta, entry.plan_after) == ("plan_grant", credits, credits)
    assert (entry.plan, entry.period_start, entry.period_end) == (handle, OPENED, END)
    balance = queries.get_balance(paper.pk, now=OPENED)
    assert (balance.plan, balance.resets_at, balance.allocation) == (credits, END, credits)


def test_a_plan_may_be_named_by_its_row():
    paper = open_harbor()

    entry = start(paper, Plan.objects.get(handle="growth"), OPENED, END, "cycle-1")

    assert entry.plan_delta == 8_500


def test_unused_credits_expire_at_the_period_end_and_no_period_renews_by_itself():
    paper = open_paper()
    ledger.spend(paper.pk, 1_000, "run", now=OPENED)
    assert held(paper, END - INSTANT) == (2_000, 0)

    for now in (END, END + 100 * DAY):
        balance = queries.get_balance(paper.pk, now=now)
        assert (balance.plan, balance.resets_at, balance.renewal_pending) == (0, None, True)
    assert len(written(paper)) == 2

    ledger.add_package(paper.pk, 500, key="package", now=END + 5 * DAY)
    assert written(paper)[2:] == [("expire", -2_000, 0), ("package", 0, 500)]
    assert LedgerEntry.objects.get(account=paper, kind="expire").created_at == END


def test_package_credits_stay_usable_while_a_renewal_is_not_confirmed():
    paper = open_paper()
    ledger.add_package(paper.pk, 500, key="package", now=OPENED)

    spent = ledger.spend(paper.pk, 50, "run", now=END + HOUR)

    assert (spent.plan_delta, spent.package_delta) == (0, -50)


@pytest.mark.parametrize("late_by", [0 * DAY, 1 * HOUR, 3 * DAY, 29 * DAY])
def test_a_renewal_at_or_after_the_end_expires_and_grants(late_by):
    paper = open_paper()
    ledger.spend(paper.pk, 1_000, "run", now=OPENED)

    start(paper, "starter", END, END + CYCLE, "cycle-2", now=END + late_by)

    assert written(paper)[2:] == [("expire", -2_000, 0), ("plan_grant", 3_000, 0)]
    balance = queries.get_balance(paper.pk, now=END + late_by)
    assert (balance.plan, balance.resets_at) == (3_000, END + CYCLE)
    assert_in_step(paper)


def test_a_renewal_confirmed_before_the_end_takes_its_place_at_once():
    paper = open_paper()

    start(paper, "starter", END, END + CYCLE, "cycle-2", now=END - HOUR)

    assert written(paper)[1:] == [("expire", -3_000, 0), ("plan_grant", 3_000, 0)]
    assert held(paper, END + HOUR) == (3_000, 0)


def test_a_start_inside_the_period_with_a_later_end_is_a_new_paid_period():
    paper = open_paper()
    begins = OPENED + 10 * DAY

    start(paper, "growth", begins, begins + CYCLE, "other-subscription")

    assert written(paper)[1:] == [("expire", -3_000, 0), ("plan_grant", 8_500, 0)]
    balance = queries.get_balance(paper.pk, now=begins)
    assert (balance.plan, balance.resets_at) == (8_500, begins + CYCLE)


class TestSamePeriodEnd:
    def test_a_larger_allocation_adds_the_difference(self):
        paper = open_paper()
        ledger.spend(paper.pk, 2_900, "run", now=OPENED)

        entry = start(paper, "growth", OPENED, END, "upgrade", now=OPENED + DAY)

        assert (entry.kind, entry.plan_delta, entry.plan_after) == ("plan_grant", 5_500, 5_600)
        balance = queries.get_balance(paper.pk, now=OPENED + DAY)
        assert (balance.plan, balance.resets_at, balance.allocation) == (5_600, END, 8_500)
        assert held(paper, END) == (0, 0)

    def test_the_same_allocation_again_is_the_first_grant(self):
        paper = open_paper()
        first = LedgerEntry.objects.get(account=paper)

        again = start(paper, "starter", OPENED, END, "webhook", now=OPENED + DAY)

        assert again.pk == first.pk
        assert len(written(paper)) == 1

    def test_a_smaller_allocation_changes_nothing(self):
        paper = open_paper(plan="growth")
        upgraded = start(paper, "pro", OPENED, END, "upgrade")

        again = start(paper, "starter", OPENED, END, "downgrade", now=OPENED + DAY)

        assert again.pk == upgraded.pk
        assert held(paper, OPENED + DAY) == (18_000, 0)
        assert queries.get_balance(paper.pk, now=OPENED).allocation == 18_000

    @pytest.mark.parametrize("allocation", [None, 3_000, 2_000])
    @pytest.mark.parametrize("later", [END - INSTANT, END, END + 100 * DAY])
    def test_a_call_that_changed_nothing_has_the_same_answer_after_the_end(self, allocation, later):
        paper = open_paper()
        first = LedgerEntry.objects.get(account=paper)

        def webhook(now):
            return ledger.start_plan_period(
                paper.pk, "starter", OPENED, END, key="webhook", now=now, allocation=allocation
            )

        assert webhook(OPENED).pk == first.pk
        assert webhook(later).pk == first.pk
        assert written(paper) == [("plan_grant", 3_000, 0)]

    def test_a_larger_allocation_comes_too_late_after_the_end(self):
        paper = open_paper()

        with pytest.raises(ledger.StalePeriod):
            start(paper, "growth", OPENED, END, "upgrade", now=END)

        assert len(written(paper)) == 1

    def test_a_period_before_the_one_running_is_refused_though_it_was_granted(self):
        paper = open_paper()
        start(paper, "starter", END, END + CYCLE, "cycle-2")

        with pytest.raises(ledger.StalePeriod):
            start(paper, "starter", OPENED, END, "late webhook", now=END)

    def test_up_and_down_never_mints_a_second_grant(self):
        paper = open_paper()
        for n, plan in enumerate(["pro", "starter", "growth", "pro", "scale", "starter", "scale"]):
            start(paper, plan, OPENED, END, f"change-{n}", now=OPENED + n * HOUR)

        granted = [plan for kind, plan, _ in written(paper) if kind == "plan_grant"]
        assert granted == [3_000, 15_000, 30_000]
        assert held(paper, OPENED + DAY) == (48_000, 0)
        assert_in_step(paper)

    def test_a_resubscription_within_the_paid_period_grants_nothing(self):
        paper = open_paper()
        ledger.spend(paper.pk, 3_000, "run", now=OPENED)

        start(paper, "starter", OPENED + DAY, END, "reinstall", now=OPENED + DAY)

        assert held(paper, OPENED + DAY) == (0, 0)

    def test_a_downgrade_comes_with_the_next_period(self):
        paper = open_paper(plan="pro")
        start(paper, "starter", OPENED, END, "asked", now=OPENED + DAY)
        assert held(paper, END - INSTANT) == (18_000, 0)

        start(paper, "starter", END, END + CYCLE, "cycle-2")

        assert held(paper, END) == (3_000, 0)


class TestStalePeriods:
    @pytest.mark.parametrize(
        ("begins", "ends", "now"),
        [
            pytest.param(END, END, OPENED, id="empty"),
            pytest.param(END, OPENED, OPENED, id="ends before it starts"),
            pytest.param(OPENED - CYCLE, OPENED, OPENED + DAY, id="over"),
            pytest.param(END, END + CYCLE, END + CYCLE, id="over to the microsecond"),
            pytest.param(OPENED - DAY, END - DAY, OPENED, id="older than the one running"),
            pytest.param(OPENED, END - INSTANT, OPENED, id="older by a microsecond"),
        ],
    )
    def test_it_is_refused_and_changes_nothing(self, begins, ends, now):
        paper = open_paper()

        with pytest.raises(ValueError, match="period"):
            start(paper, "scale", begins, ends, "stale", now=now)

        assert written(paper) == [("plan_grant", 3_000, 0)]
        # The key is still free.
        ledger.add_package(paper.pk, 500, key="stale", now=now)


class TestRepeatedKey:
    @pytest.mark.parametrize("when", [OPENED, END - INSTANT, END, END + 300 * DAY])
    def test_the_first_grant_returns_also_after_the_period_end(self, when):
        paper = open_paper()
        first = LedgerEntry.objects.get(account=paper)

        again = start(paper, "starter", OPENED, END, "cycle-1", now=when)

        assert again.pk == first.pk
        assert len(written(paper)) == 1

    def test_also_when_the_next_period_runs(self):
        paper = open_paper()
        first = LedgerEntry.objects.get(account=paper)
        start(paper, "growth", END, END + CYCLE, "cycle-2")

        assert start(paper, "starter", OPENED, END, "cycle-1", now=END).pk == first.pk
        assert held(paper, END) == (8_500, 0)

    def test_an_upgrades_key_returns_the_upgrade(self):
        paper = open_paper()
        upgrade = start(paper, "growth", OPENED, END, "upgrade")

        assert start(paper, "growth", OPENED, END, "upgrade", now=END + DAY).pk == upgrade.pk

    def test_the_operators_new_price_does_not_make_it_another_request(self):
        paper = open_paper()
        first = LedgerEntry.objects.get(account=paper)
        Plan.objects.filter(handle="starter").update(credits=9_999)

        assert start(paper, "starter", OPENED, END, "cycle-1").pk == first.pk
        assert held(paper, OPENED) == (3_000, 0)

    @pytest.mark.parametrize("credits", [0, 10**9 + 1])
    def test_also_when_the_plan_grants_nothing_sensible_by_now(self, credits):
        paper, harbor = open_paper(), open_harbor()
        first = LedgerEntry.objects.get(account=paper)
        staff = ledger.grant_plan(harbor.pk, "growth", OPENED, key="k", now=OPENED, **STAFF)
        Plan.objects.update(credits=credits)

        assert start(paper, "starter", OPENED, END, "cycle-1").pk == first.pk
        again = ledger.grant_plan(harbor.pk, "growth", OPENED, key="k", now=OPENED, **STAFF)
        assert again.pk == staff.pk
        with pytest.raises(ValueError, match=r"[Cc]redits"):
            start(paper, "starter", END, END + CYCLE, "cycle-2")

    def test_another_allocation_is_a_conflict(self):
        paper = open_paper()

        with pytest.raises(ledger.KeyConflict):
            ledger.start_plan_period(
                paper.pk, "starter", OPENED, END, "cycle-1", now=OPENED, allocation=2_999
            )
        same = ledger.start_plan_period(
            paper.pk, "starter", OPENED, END, "cycle-1", now=OPENED, allocation=3_000
        )

        assert same == LedgerEntry.objects.get(account=paper)

    @pytest.mark.parametrize(
        ("plan", "begins", "ends"),
        [
            ("growth", OPENED, END),
            ("starter", OPENED + HOUR, END),
            ("starter", OPENED, END + HOUR),
        ],
    )
    def test_another_plan_or_period_is_a_conflict(self, plan, begins, ends):
        paper = open_paper()

        with pytest.raises(ledger.KeyConflict):
            start(paper, plan, begins, ends, "cycle-1", now=OPENED)

        assert len(written(paper)) == 1


def test_a_subscription_keeps_the_allocation_it_was_sold_with():
    paper = open_harbor()

    entry = ledger.start_plan_period(
        paper.pk, "starter", OPENED, END, key="cycle-1", now=OPENED, allocation=2_500
    )

    assert (entry.plan_delta, entry.allocation) == (2_500, 2_500)


def test_a_reset_never_touches_the_package():
    paper = open_paper()
    ledger.add_package(paper.pk, 500, key="package", now=OPENED)
    for n in range(1, 5):
        start(paper, "starter", OPENED + n * CYCLE, OPENED + (n + 1) * CYCLE, f"cycle-{n + 1}")
        assert held(paper, OPENED + n * CYCLE) == (3_000, 500)


def test_a_subscription_replaces_a_remainder():
    loom = open_loom()
    spent = ledger.spend(loom.pk, 80, "day-1", now=OPENED)
    over = OPENED + 8 * DAY
    ledger.restore(spent.pk, key="back", now=over, **STAFF)
    assert held(loom, over) == (80, 0)

    start(loom, "starter", over, over + 20 * DAY, "cycle-1")

    assert written(loom)[-2:] == [("expire", -80, 0), ("plan_grant", 3_000, 0)]
    assert_in_step(loom)
