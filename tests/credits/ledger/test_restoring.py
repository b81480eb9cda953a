"""Restorations give back the exact split, once; adjustments are staff's, with a reason."""

from __future__ import annotations

import pytest

from credits import ledger, queries
from credits.models import EntryNote, LedgerEntry
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


def restore(spent, key="back", now=OPENED):
    return ledger.restore(spent.pk, key=key, now=now, **STAFF)


class TestRestore:
    def test_plan_part_to_plan_and_package_part_to_package(self):
        paper = open_paper()
        ledger.add_package(paper.pk, 500, key="package", now=OPENED)
        spent = ledger.spend(
            paper.pk, 3_200, "run", tool="product-reels", reference="run:1", now=OPENED
        )

        back = restore(spent, now=OPENED + DAY)

        assert (back.kind, back.plan_delta, back.package_delta) == ("restore", 3_000, 200)
        assert (back.restores_id, back.tool, back.reference) == (
            spent.pk, "product-reels", "run:1",
        )  # fmt: skip
        assert (back.actor, back.lapsed) == (STAFF["actor"], 0)
        assert EntryNote.objects.get(entry=back).text == STAFF["reason"]
        assert held(paper, OPENED + DAY) == (3_000, 500)
        # The spend stands as it was written.
        assert LedgerEntry.objects.get(pk=spent.pk).plan_delta == -3_000
        assert_in_step(paper)

    def test_at_most_once_per_spend(self):
        paper = open_paper()
        spent = ledger.spend(paper.pk, 50, "run", now=OPENED)
        first = restore(spent)

        with pytest.raises(ledger.AlreadyRestored):
            restore(spent, key="again")

        assert restore(spent).pk == first.pk
        assert held(paper, OPENED) == (3_000, 0)

    def test_a_restoration_cannot_be_restored(self):
        paper = open_paper()
        back = restore(ledger.spend(paper.pk, 50, "run", now=OPENED))

        with pytest.raises(ValueError, match="no spend"):
            restore(back, key="again")

        assert len(written(paper)) == 3

    @pytest.mark.parametrize("kind", ["trial_grant", "package", "expire", "adjust"])
    def test_nothing_but_a_spend_can_be_restored(self, kind):
        loom = open_loom()
        ledger.add_package(loom.pk, 500, key="package", now=OPENED)
        ledger.adjust(loom.pk, "package", -10, key="correction", now=OPENED + DAY, **STAFF)

        with pytest.raises(ledger.UnknownSpend):
            restore(LedgerEntry.objects.filter(account=loom, kind=kind).first())

    def test_a_plan_part_of_an_ended_period_joins_the_one_running_and_expires_with_it(self):
        paper = open_paper()
        spent = ledger.spend(paper.pk, 1_000, "run", now=OPENED)
        ledger.start_plan_period(paper.pk, "starter", END, END + CYCLE, key="cycle-2", now=END)

        restore(spent, now=END + DAY)

        assert held(paper, END + DAY) == (4_000, 0)
        assert held(paper, END + CYCLE) == (0, 0)

    def test_an_expiry_that_is_due_is_booked_first(self):
        paper = open_paper()
        spent = ledger.spend(paper.pk, 1_000, "run", now=OPENED)

        restore(spent, now=END + DAY)

        assert written(paper)[2:] == [("expire", -2_000, 0), ("restore", 1_000, 0)]

    def test_a_package_part_needs_no_period(self):
        harbor = open_harbor()
        ledger.add_package(harbor.pk, 500, key="package", now=OPENED)
        spent = ledger.spend(harbor.pk, 200, "run", now=OPENED)

        restore(spent, now=OPENED + 100 * DAY)

        balance = queries.get_balance(harbor.pk, now=OPENED + 100 * DAY)
        assert (balance.plan, balance.package, balance.resets_at) == (0, 500, None)


class TestRemainder:
    """Plan credits that come back while no period runs live 30 days."""

    def test_it_is_a_running_period_of_its_own(self):
        paper = open_paper()
        spent = ledger.spend(paper.pk, 1_000, "run", now=OPENED)
        now = END + DAY

        restore(spent, now=now)

        balance = queries.get_balance(paper.pk, now=now)
        assert (balance.plan, balance.resets_at) == (1_000, now + CYCLE)
        assert not balance.renewal_pending
        assert held(paper, now + CYCLE - INSTANT) == (1_000, 0)
        after = queries.get_balance(paper.pk, now=now + CYCLE)
        assert (after.plan, after.resets_at) == (0, None)

    def test_what_comes_later_joins_without_extending_it(self):
        paper = open_paper()
        spends = [ledger.spend(paper.pk, 100, f"run-{n}", now=OPENED) for n in range(2)]
        opened = END + DAY
        restore(spends[0], key="back-0", now=opened)

        restore(spends[1], key="back-1", now=opened + 10 * DAY)
        ledger.adjust(paper.pk, "plan", 50, key="goodwill", now=opened + 20 * DAY, **STAFF)

        balance = queries.get_balance(paper.pk, now=opened + 20 * DAY)
        assert (balance.plan, balance.resets_at) == (250, opened + CYCLE)
        assert held(paper, opened + CYCLE) == (0, 0)

    def test_the_next_grant_expires_it(self):
        paper = open_paper()
        spent = ledger.spend(paper.pk, 1_000, "run", now=OPENED)
        restore(spent, now=END + DAY)

        ledger.start_plan_period(
            paper.pk, "starter", END, END + CYCLE, key="cycle-2", now=END + 2 * DAY
        )

        assert written(paper)[-2:] == [("expire", -1_000, 0), ("plan_grant", 3_000, 0)]
        assert_in_step(paper)

    def test_it_expires_by_its_own_entry(self):
        paper = open_paper()
        spent = ledger.spend(paper.pk, 1_000, "run", now=OPENED)
        restore(spent, now=END)

        ledger.add_package(paper.pk, 500, key="package", now=END + 2 * CYCLE)

        expired = LedgerEntry.objects.filter(account=paper, kind="expire").latest("sequence")
        assert (expired.plan_delta, expired.created_at) == (-1_000, END + CYCLE)

    def test_an_adjustment_opens_one_too(self):
        harbor = open_harbor()

        ledger.adjust(harbor.pk, "plan", 70, key="goodwill", now=OPENED, **STAFF)

        balance = queries.get_balance(harbor.pk, now=OPENED)
        assert (balance.plan, balance.resets_at) == (70, OPENED + CYCLE)

    def test_a_second_one_opens_after_the_first_has_ended(self):
        harbor = open_harbor()
        ledger.adjust(harbor.pk, "plan", 70, key="one", now=OPENED, **STAFF)
        later = OPENED + 2 * CYCLE

        ledger.adjust(harbor.pk, "plan", 30, key="two", now=later, **STAFF)

        assert written(harbor) == [("adjust", 70, 0), ("expire", -70, 0), ("adjust", 30, 0)]
        assert queries.get_balance(harbor.pk, now=later).resets_at == later + CYCLE


class TestLapsingPlanPart:
    """With `lapse_plan` the plan part comes back only while the period that paid is running."""

    @staticmethod
    def cancel(spent, now, key="back"):
        return ledger.restore(spent.pk, key=key, now=now, lapse_plan=True, **STAFF)

    def test_inside_the_period_everything_comes_back(self):
        paper = open_paper()
        ledger.add_package(paper.pk, 500, key="package", now=OPENED)
        spent = ledger.spend(paper.pk, 3_200, "run", now=OPENED)

        back = self.cancel(spent, END - INSTANT)

        assert (back.plan_delta, back.package_delta, back.lapsed) == (3_000, 200, 0)

    def test_an_upgrade_inside_the_period_is_the_same_period(self):
        paper = open_paper()
        spent = ledger.spend(paper.pk, 1_000, "run", now=OPENED)
        ledger.start_plan_period(paper.pk, "growth", OPENED, END, key="upgrade", now=OPENED + DAY)

        assert self.cancel(spent, OPENED + 2 * DAY).plan_delta == 1_000

    @pytest.mark.parametrize("is_renewed", [True, False])
    def test_after_its_end_the_package_part_alone_comes_back(self, is_renewed):
        paper = open_paper()
        ledger.add_package(paper.pk, 500, key="package", now=OPENED)
        spent = ledger.spend(paper.pk, 3_200, "run", now=OPENED)
        if is_renewed:
            ledger.start_plan_period(paper.pk, "starter", END, END + CYCLE, key="2", now=END)
        before = held(paper, END)

        back = self.cancel(spent, END)

        assert (back.plan_delta, back.package_delta, back.lapsed) == (0, 200, 3_000)
        assert held(paper, END) == (before[0], 500)
        assert queries.get_balance(paper.pk, now=END).renewal_pending is not is_renewed
        assert_in_step(paper)

    @pytest.mark.parametrize("is_renewed", [True, False])
    def test_when_nothing_is_left_nothing_is_written(self, is_renewed):
        paper = open_paper()
        spent = ledger.spend(paper.pk, 1_000, "run", now=OPENED)
        if is_renewed:
            ledger.start_plan_period(paper.pk, "starter", END, END + CYCLE, key="2", now=END)
        before = written(paper)

        with pytest.raises(ledger.NothingToRestore):
            self.cancel(spent, END)

        assert written(paper) == before

    def test_the_key_of_what_was_given_back_is_answered_after_the_end_too(self):
        paper = open_paper()
        spent = ledger.spend(paper.pk, 1_000, "run", now=OPENED)
        first = self.cancel(spent, OPENED)

        assert self.cancel(spent, END + DAY).pk == first.pk
        with pytest.raises(ledger.AlreadyRestored):
            self.cancel(spent, END + DAY, key="again")

    def test_a_remainder_is_a_period_too(self):
        harbor = open_harbor()
        ledger.adjust(harbor.pk, "plan", 70, key="goodwill", now=OPENED, **STAFF)
        spent = [ledger.spend(harbor.pk, 30, f"run-{n}", now=OPENED) for n in range(2)]

        assert self.cancel(spent[0], OPENED + DAY, key="in time").plan_delta == 30
        with pytest.raises(ledger.NothingToRestore):
            self.cancel(spent[1], OPENED + CYCLE, key="late")


class TestAdjust:
    @pytest.mark.parametrize(
        ("bucket", "credits", "after"),
        [
            ("plan", 30, (3_030, 500)),
            ("plan", -3_000, (0, 500)),
            ("package", 30, (3_000, 530)),
            ("package", -500, (3_000, 0)),
        ],
    )
    def test_one_bucket_up_or_down(self, bucket, credits, after):
        paper = open_paper()
        ledger.add_package(paper.pk, 500, key="package", now=OPENED)

        entry = ledger.adjust(paper.pk, bucket, credits, key="fix", now=OPENED, **STAFF)

        assert (entry.kind, entry.credits, entry.actor) == ("adjust", credits, STAFF["actor"])
        assert EntryNote.objects.get(entry=entry).text == STAFF["reason"]
        assert held(paper, OPENED) == after
        assert_in_step(paper)

    @pytest.mark.parametrize(("bucket", "credits", "available"), [
        ("plan", -3_001, 3_000), ("package", -501, 500), ("package", -(10**30), 500),
    ])  # fmt: skip
    def test_never_below_zero_though_the_other_bucket_could_pay(self, bucket, credits, available):
        paper = open_paper()
        ledger.add_package(paper.pk, 500, key="package", now=OPENED)

        with pytest.raises(ledger.InsufficientCredits) as refused:
            ledger.adjust(paper.pk, bucket, credits, key="fix", now=OPENED, **STAFF)

        error = refused.value
        assert (error.needed, error.available) == (-credits, available)
        assert error.short_by == -credits - available
        assert held(paper, OPENED) == (3_000, 500)

    def test_expired_plan_credits_cannot_be_taken(self):
        paper = open_paper()

        with pytest.raises(ledger.InsufficientCredits) as refused:
            ledger.adjust(paper.pk, "plan", -1, key="fix", now=END, **STAFF)

        assert refused.value.available == 0
        assert len(written(paper)) == 1

    def test_it_joins_the_running_period(self):
        paper = open_paper()

        ledger.adjust(paper.pk, "plan", 30, key="goodwill", now=OPENED + HOUR, **STAFF)

        assert queries.get_balance(paper.pk, now=OPENED + HOUR).resets_at == END
        assert held(paper, END) == (0, 0)
