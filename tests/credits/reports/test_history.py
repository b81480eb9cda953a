"""Which entries came from a charge, also where they were written before entries said so."""

from __future__ import annotations

import pytest

from credits import ledger, sources
from credits.reports import history
from tests.credits.ledger.books import CYCLE, DAY, END, OPENED, STAFF, open_harbor, open_loom

pytestmark = pytest.mark.django_db

PLAN = "gid://shopify/AppSubscription/4019552312"
OTHER_PLAN = "gid://shopify/AppSubscription/40195523120"
PURCHASE = "gid://shopify/AppPurchaseOneTime/1017262346"


def old_period(account, gid=PLAN, start=OPENED, end=END):
    """A period as it was granted before entries carried their charge."""
    key = f"period:{gid}:{end.isoformat()}"
    return ledger.start_plan_period(account.pk, "starter", start, end, key, start, 3_000)


def old_package(account, gid=PURCHASE):
    """A package as it was granted then: its reference is the receipt in the charge's name."""
    return ledger.add_package(account.pk, 500, f"purchase:{gid}", OPENED, "R7K2M")


def old_clawback(account, gid=PURCHASE):
    return ledger.adjust(
        account.pk, "package", -200, key=f"clawback:{gid}", now=OPENED + DAY, **STAFF
    )


class TestEntriesFrom:
    def test_old_entries_are_known_by_their_keys(self):
        harbor = open_harbor()
        first, package = old_period(harbor), old_package(harbor)
        taken = old_clawback(harbor)
        second = old_period(harbor, start=END, end=END + CYCLE)
        old_period(harbor, gid=OTHER_PLAN, start=END + CYCLE, end=END + 2 * CYCLE)

        assert list(history.entries_from(PLAN, harbor.pk)) == [second, first]
        assert list(history.entries_from(PURCHASE, harbor.pk)) == [taken, package]
        assert list(history.entries_from(PURCHASE)) == [taken, package]

    def test_new_entries_carry_their_charge_whatever_their_key(self):
        harbor = open_harbor()
        period = ledger.start_plan_period(
            harbor.pk, "starter", OPENED, END, "a", now=OPENED, reference=PLAN
        )
        package = ledger.add_package(harbor.pk, 500, "b", now=OPENED, reference=PURCHASE)

        assert list(history.entries_from(PLAN, harbor.pk)) == [period]
        assert list(history.entries_from(PURCHASE, harbor.pk)) == [package]

    def test_what_was_spent_came_from_no_charge(self):
        harbor = open_harbor()
        package = ledger.add_package(harbor.pk, 500, "b", now=OPENED, reference=PURCHASE)
        ledger.spend(harbor.pk, 20, "run", reference=PURCHASE, now=OPENED)

        assert list(history.entries_from(PURCHASE, harbor.pk)) == [package]

    def test_another_accounts_entries_are_not_shown(self):
        harbor, loom = open_harbor(), open_loom()
        old_package(harbor)

        assert not history.entries_from(PURCHASE, loom.pk).exists()

    def test_of_no_charge_nothing_came(self):
        loom = open_loom()
        ledger.adjust(loom.pk, "plan", 20, key="goodwill", now=OPENED, **STAFF)

        assert not history.entries_from("", loom.pk).exists()


class TestKnownKeys:
    """The key forms stay, so what was granted before entries carried their charge is found."""

    def test_of_an_old_period(self):
        harbor = open_harbor()
        first, key = old_period(harbor), sources.period_key(PLAN, END)

        again = ledger.start_plan_period(
            harbor.pk, "starter", OPENED, END, key, OPENED, 3_000, reference=PLAN
        )

        assert again == first
        assert again.reference == ""

    def test_of_an_old_purchase(self):
        harbor = open_harbor()
        first, key = old_package(harbor), sources.purchase_key(PURCHASE)

        again = ledger.add_package(harbor.pk, 500, key, OPENED, reference=PURCHASE)

        assert again == first
        assert again.reference == "R7K2M"

    def test_of_an_old_clawback(self):
        harbor = open_harbor()
        old_package(harbor)
        first, key = old_clawback(harbor), sources.clawback_key(PURCHASE)

        again = ledger.adjust(
            harbor.pk, "package", -200, key, now=OPENED + DAY, reference=PURCHASE, **STAFF
        )

        assert again == first

    @pytest.mark.parametrize("reference", ["", "another", f"{PURCHASE}9"])
    def test_under_another_reference_are_refused(self, reference):
        harbor = open_harbor()
        old_package(harbor)

        with pytest.raises(ledger.KeyConflict):
            ledger.add_package(
                harbor.pk, 500, sources.purchase_key(PURCHASE), OPENED, reference=reference
            )

    def test_for_other_credits_are_refused(self):
        harbor = open_harbor()
        old_package(harbor)

        with pytest.raises(ledger.KeyConflict):
            ledger.add_package(
                harbor.pk, 501, sources.purchase_key(PURCHASE), OPENED, reference=PURCHASE
            )
