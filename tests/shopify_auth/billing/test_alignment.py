"""What Shopify shows otherwise than it was sold: reported to staff, and still granted once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from credits import ledger
from credits.models import Plan
from ecomvance_app import clock
from shopify_auth.admin_api.errors import ShopifyError, StoreLocked
from shopify_auth.billing import clawbacks, receipts, reconcile
from shopify_auth.billing.readings import read_charges
from shopify_auth.models import BillingCheck, BillingDifference, Purchase, Shop, Subscription
from tests.devstore_fixture import DevStore
from tests.embedded import SECOND_SHOP
from tests.merchants import Owner
from tests.shopify_auth.answers import answer_with

pytestmark = pytest.mark.django_db
TRIAL = ("trial_grant", 100, 0)


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    return Owner(store_access)


@pytest.fixture
def sam(store_access: DevStore) -> Owner:
    return Owner(store_access, SECOND_SHOP)


class TestPrices:
    def test_another_price_is_reported_and_what_was_sold_is_granted(self, olivia):
        row = olivia.buy("small")
        olivia.bill("4.50")

        olivia.nudge()

        assert olivia.ledger() == [TRIAL, ("package", 0, 500)]
        assert BillingDifference.objects.get().detail == "4.5 USD instead of 5.00 USD"
        row.refresh_from_db()
        assert (row.price, row.charged_price) == (Decimal(5), Decimal("4.50"))

    def test_another_currency_is_kept_as_it_is_billed(self, olivia):
        row = olivia.subscribe("starter")
        olivia.bill("17.40", "EUR")

        olivia.nudge()

        row.refresh_from_db()
        assert (row.price, row.currency) == (Decimal(19), "USD")
        assert (row.charged_price, row.charged_currency) == (Decimal("17.40"), "EUR")
        assert olivia.ledger()[-1] == ("plan_grant", 3000, 0)
        assert BillingDifference.objects.get().kind == "price"

    def test_a_lost_answer_is_recognised_in_another_currency(self, olivia):
        olivia.buy("small")
        Purchase.objects.update(gid=None, status="REQUESTED", confirmation_url="")
        olivia.bill("4.60", "EUR")

        olivia.nudge()

        assert olivia.ledger() == [TRIAL, ("package", 0, 500)]

    def test_a_lost_row_is_recognised_in_another_currency(self, olivia):
        olivia.buy("small")
        Purchase.objects.all().delete()
        olivia.bill("4.60", "EUR")

        olivia.nudge()

        assert olivia.ledger() == [TRIAL, ("package", 0, 500)]
        assert Purchase.objects.get().charged_currency == "EUR"

    def test_a_lost_row_is_not_recognised_at_another_price(self, olivia):
        row = olivia.buy("small")
        Purchase.objects.all().delete()
        olivia.bill("0.50")

        olivia.nudge()

        assert olivia.ledger() == [TRIAL]
        assert BillingDifference.objects.get().gid == row.gid


class TestReports:
    def test_a_new_difference_is_told_after_an_older_one_was_dealt_with(self, olivia):
        olivia.subscribe("starter")
        olivia.bill("25")
        olivia.nudge()
        BillingDifference.objects.update(resolved_at=clock.now())
        olivia.nudge()
        assert not BillingDifference.objects.filter(resolved_at=None).exists()

        olivia.bill("29")
        olivia.nudge()

        assert BillingDifference.objects.get(resolved_at=None).detail.startswith("29")

    def test_a_smaller_plan_within_a_larger_ones_period_is_reported(self, olivia):
        olivia.subscribe("scale")
        olivia.nudge()
        olivia.cancel()

        row = olivia.subscribe("growth")
        olivia.nudge()

        report = BillingDifference.objects.get()
        assert (report.kind, report.gid) == ("smaller", row.gid)
        assert olivia.account.plan_balance == 48_000

    def test_a_downgrade_at_the_period_end_is_no_difference(self, olivia):
        olivia.subscribe("growth")
        olivia.nudge()
        olivia.subscribe("starter")
        olivia.devstore.move_clock(days=31)
        olivia.nudge()

        assert not BillingDifference.objects.exists()

    def test_a_plan_that_the_price_list_never_had_is_reported(self, olivia):
        olivia.subscribe("starter")
        Plan.objects.filter(handle="starter").update(handle="beginner")

        olivia.nudge()

        assert olivia.ledger() == [TRIAL]
        assert BillingDifference.objects.get().kind == "unknown"

    def test_a_period_within_a_longer_one_of_the_account_brings_nothing(self, olivia, sam):
        olivia.subscribe("starter")
        olivia.devstore.move_clock(days=5)
        sam.subscribe("growth")
        Shop.objects.filter(pk=olivia.shop.pk).update(account=sam.account)
        sam.nudge()
        ledger = sam.ledger()

        olivia.nudge()

        assert sam.ledger() == ledger
        assert Subscription.objects.get(shop=olivia.shop).granted_until is None


class TestHalfAnAnswer:
    def test_what_shopify_no_longer_knows_is_ended(self, olivia):
        olivia.subscribe("starter")
        olivia.buy("small", decision="")
        olivia.nudge()
        with olivia.devstore.changed_shop(olivia.handle) as shop:
            shop.charges.clear()

        olivia.nudge()
        assert Subscription.objects.get().status == "CANCELLED"
        assert Purchase.objects.get().status == "PENDING"
        olivia.devstore.move_clock(days=2)
        olivia.nudge()

        assert Purchase.objects.get().status == "EXPIRED"
        assert olivia.account.plan_balance == 3_000

    def test_a_period_that_is_over_brings_nothing_and_hinders_nothing(self, olivia, monkeypatch):
        """Shopify still shows the plan as active, a moment after the end that nobody asked in."""
        row = olivia.subscribe("starter")
        olivia.buy("small")
        over = {
            "created_at": clock.now() - timedelta(days=31),
            "period_end": clock.now() - timedelta(minutes=1),
        }

        def read_late(shop, expected):
            reading = read_charges(shop, expected)
            reading.subscriptions[row.gid] = replace(reading.subscriptions[row.gid], **over)
            return reading

        monkeypatch.setattr(reconcile, "read_charges", read_late)
        olivia.nudge()

        assert olivia.ledger() == [TRIAL, ("package", 0, 500)]
        assert Subscription.objects.get().granted_until is None

    def test_a_row_that_was_lost_after_its_grant_brings_nothing_more(self, olivia):
        olivia.buy("small")
        olivia.nudge()
        Purchase.objects.all().delete()

        olivia.nudge()
        olivia.nudge()

        assert olivia.ledger() == [TRIAL, ("package", 0, 500)]
        assert Purchase.objects.get().granted_at

    def test_shopify_fails_when_one_charge_is_asked_for(self, olivia, monkeypatch):
        row = olivia.buy("small", decision="")
        with olivia.devstore.changed_shop(olivia.handle) as shop:
            # So many newer ones that the list does not reach back to it.
            for number in range(60):
                newer = shop.charges[0].model_copy(deep=True)
                newer.number, newer.name = 5_000_000 + number, f"declined {number}"
                newer.status = type(newer.status).DECLINED
                shop.charges.append(newer)
        olivia.decide(row, "approve")
        with monkeypatch.context() as outage:
            answer_with(outage, "ChargeById", 423)
            with pytest.raises(StoreLocked):
                olivia.nudge()
        assert olivia.ledger() == [TRIAL]
        due_at = BillingCheck.objects.get().due_at
        assert due_at is not None
        assert due_at <= clock.now() + timedelta(minutes=2)

        olivia.nudge()

        assert olivia.ledger() == [TRIAL, ("package", 0, 500)]

    def test_shopify_fails_when_asked_for_the_kind_of_store(self, store_access, monkeypatch):
        with store_access.changed_shop("olivias-mugs") as shop:
            shop.partner_development = True
        olivia = Owner(store_access)
        row = olivia.subscribe("starter")
        with monkeypatch.context() as outage:
            answer_with(outage, "ShopDetails", 423)
            with pytest.raises(ShopifyError):
                olivia.nudge()
        assert olivia.ledger() == [TRIAL]
        row.refresh_from_db()
        assert row.status == "PENDING"

        olivia.nudge()

        assert olivia.ledger()[-1] == ("plan_grant", 3000, 0)


class TestEntriesOfOldCode:
    """Grants written before entries carried their charge: a period's reference was empty, a
    purchase's its receipt."""

    @pytest.fixture
    def granted_long_ago(self, olivia, monkeypatch):
        start_plan_period, add_package = ledger.start_plan_period, ledger.add_package

        def old_period(*arguments, reference, **options):
            return start_plan_period(*arguments, **options)

        def old_package(account_id, credits, key, now, reference):
            receipt = Purchase.objects.get(gid=reference).receipt
            return add_package(account_id, credits, key, now, receipt)

        with monkeypatch.context() as old_code:
            old_code.setattr(ledger, "start_plan_period", old_period)
            old_code.setattr(ledger, "add_package", old_package)
            plan, package = olivia.subscribe("starter"), olivia.buy("small")
            olivia.nudge()
        entries = list(olivia.account.entries.order_by("sequence"))[-2:]
        assert [entry.reference for entry in entries] == ["", package.receipt]
        assert entries[0].key.startswith(f"period:{plan.gid}:")
        assert entries[1].key == f"purchase:{package.gid}"
        return plan, package

    def test_are_found_again_when_what_we_knew_of_them_is_lost(self, olivia, granted_long_ago):
        before = olivia.ledger()
        Subscription.objects.update(granted_until=None)
        Purchase.objects.update(granted_at=None)

        changes = olivia.nudge()

        assert olivia.ledger() == before
        assert Subscription.objects.get().granted_until is not None
        assert Purchase.objects.get().granted_at is not None
        # A period that was granted before is no news; a purchase that was is noted again.
        assert [entry.kind for entry in changes.granted] == ["package"]

    def test_stand_on_the_receipts_of_their_charges(self, olivia, granted_long_ago):
        shown = {
            receipt.charge.gid: [entry.credits for entry in receipt.entries]
            for receipt in receipts.read_receipts(olivia.account)
        }

        plan, package = granted_long_ago
        assert shown == {plan.gid: [3_000], package.gid: [500]}

    def test_can_be_taken_back(self, olivia, granted_long_ago):
        _plan, package = granted_long_ago
        package.refresh_from_db()

        assert clawbacks.preview(package).taken == 500


def test_a_grant_carries_the_charge_that_paid_for_it(olivia):
    plan, package = olivia.subscribe("starter"), olivia.buy("small")

    olivia.nudge()

    assert [entry.reference for entry in olivia.account.entries.order_by("sequence")][-2:] == [
        plan.gid, package.gid,
    ]  # fmt: skip
