"""Lost answers, silence, other people's charges, test charges: nothing twice and nothing lost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from credits.models import Plan
from ecomvance_app import clock
from shopify_auth import tasks
from shopify_auth.admin_api.errors import ShopifyError, ShopifyUnavailable
from shopify_auth.billing import charges, reconcile, subscription_state, sweeps
from shopify_auth.billing.charges import ChargeRefused
from shopify_auth.billing.readings import read_charges
from shopify_auth.devstore.state import ChargeStatus
from shopify_auth.models import BillingCheck, BillingDifference, Purchase, Shop, Subscription
from shopify_auth.stores import uninstalls
from shopify_auth.webhooks import inbox
from tests.devstore_fixture import DevStore
from tests.embedded import SECOND_SHOP
from tests.merchants import Owner
from tests.shopify_auth.webhooks.post import body_of, post

pytestmark = pytest.mark.django_db
TRIAL = ("trial_grant", 100, 0)


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    return Owner(store_access)


@pytest.fixture
def sam(store_access: DevStore) -> Owner:
    return Owner(store_access, SECOND_SHOP)


class TestNothingTwiceNothingLost:
    def test_a_charge_whose_answer_was_lost_is_recognised(self, olivia):
        """The connection breaks after Shopify has made the charge: our row has no gid."""
        row = olivia.buy("small", decision="")
        Purchase.objects.update(gid=None, status="REQUESTED", confirmation_url="")
        olivia.decide(row, "approve")

        olivia.nudge()

        assert olivia.ledger() == [TRIAL, ("package", 0, 500)]
        assert Purchase.objects.get().gid == row.gid

    def test_a_charge_without_any_row_is_recognised_by_name_and_price(self, olivia):
        row = olivia.subscribe("growth")
        Subscription.objects.all().delete()

        olivia.nudge()
        olivia.nudge()

        assert olivia.ledger()[-1] == ("plan_grant", 8500, 0)
        assert Subscription.objects.get().gid == row.gid

    def test_a_charge_that_was_never_offered_grants_nothing_and_is_reported(self, olivia):
        row = olivia.buy("small")
        Purchase.objects.all().delete()
        with olivia.devstore.changed_shop(olivia.handle) as shop:
            shop.charges[0].name = "A million credits"

        olivia.nudge()

        assert olivia.ledger() == [TRIAL]
        assert BillingDifference.objects.get().gid == row.gid

    def test_shopify_is_down_while_the_charge_is_made(self, olivia):
        olivia.devstore.misbehave(handle=olivia.handle, server_error=1)
        with pytest.raises(ShopifyUnavailable):
            olivia.buy("small")
        assert Purchase.objects.get().status == "REQUESTED"

        olivia.devstore.move_clock(minutes=1)
        olivia.buy("small")
        olivia.nudge()
        olivia.devstore.move_clock(days=2)
        olivia.nudge()

        assert olivia.ledger()[-1] == ("package", 0, 500)
        assert sorted(Purchase.objects.values_list("status", flat=True)) == ["ACTIVE", "REFUSED"]

    @pytest.mark.parametrize("trouble", ["locked_store", "frozen_store", "address_not_allowed"])
    def test_shopify_is_down_while_it_is_asked(self, olivia, trouble):
        olivia.buy("small")
        olivia.devstore.misbehave(handle=olivia.handle, **{trouble: 1})

        with pytest.raises(ShopifyError):
            olivia.nudge()
        check = BillingCheck.objects.get()
        assert check.error
        assert check.due_at
        assert timedelta(0) < check.due_at - clock.now() <= timedelta(minutes=2)
        olivia.nudge()

        assert olivia.ledger() == [TRIAL, ("package", 0, 500)]
        check.refresh_from_db()
        assert (check.failures, check.error) == (0, "")

    @pytest.mark.parametrize("trouble", ["locked_store", "frozen_store", "address_not_allowed"])
    def test_a_charge_that_shopify_refuses_was_not_started(self, olivia, trouble):
        olivia.devstore.misbehave(handle=olivia.handle, **{trouble: 1})

        with pytest.raises(ShopifyError):
            olivia.buy("small")

        assert Purchase.objects.get().status == "REFUSED"

    def test_nothing_is_granted_by_a_reading_that_an_uninstallation_overtakes(
        self, olivia, monkeypatch
    ):
        row = olivia.subscribe("starter")

        def read_slowly(shop, expected):
            reading = read_charges(shop, expected)
            olivia.devstore.press("uninstall", olivia.handle)
            uninstalls.uninstall(olivia.shop, uninstalls.last_refresh(olivia.shop), clock.now())
            return reading

        monkeypatch.setattr(reconcile, "read_charges", read_slowly)
        olivia.nudge()

        assert olivia.ledger() == [TRIAL]
        row.refresh_from_db()
        assert row.status == "CANCELLED"

    def test_an_older_reading_never_undoes_a_newer_one(self, olivia, monkeypatch):
        row = olivia.subscribe("starter", decision="")

        def read_slowly(shop, expected):
            reading = read_charges(shop, expected)
            monkeypatch.setattr(reconcile, "read_charges", read_charges)
            olivia.decide(row, "approve")
            olivia.nudge()
            return reading

        monkeypatch.setattr(reconcile, "read_charges", read_slowly)
        olivia.nudge()

        row.refresh_from_db()
        assert row.status == "ACTIVE"
        assert olivia.ledger()[-1] == ("plan_grant", 3000, 0)

    def test_another_stores_charge_is_not_ours(self, olivia, sam):
        row = olivia.buy("small")
        sam.nudge()
        assert sam.ledger() == [TRIAL]

        # Even if Sam's store showed it, the row and so the credits are Olivia's.
        with sam.devstore.changed_shop(olivia.handle) as shop:
            charge = shop.charges[0].model_copy(deep=True)
        with sam.devstore.changed_shop(sam.handle) as shop:
            shop.charges.append(charge)
        olivia.nudge()
        sam.nudge()

        assert sam.ledger() == [TRIAL]
        assert olivia.ledger()[-1] == ("package", 0, 500)
        assert Purchase.objects.get().gid == row.gid


class TestForgedAndDoubled:
    def test_a_webhooks_status_is_not_believed(self, olivia):
        row = olivia.subscribe("starter", decision="")
        topic = "app_subscriptions/update"
        body = body_of(topic, olivia.domain)
        body["app_subscription"] |= {"admin_graphql_api_id": row.gid, "status": "ACTIVE"}

        assert post(topic, body, shop=olivia.domain, webhook_id="w-1").status_code == 200
        inbox.handle("w-1")

        assert olivia.ledger() == [TRIAL]
        row.refresh_from_db()
        assert row.status == "PENDING"

    @pytest.mark.parametrize("tabs", [("growth", "scale"), ("scale", "growth")])
    def test_of_two_tabs_with_two_plans_the_second_waits_for_the_first(self, olivia, tabs):
        """Approved in the wrong order, two would bring Scale's credits for Growth's price."""
        olivia.subscribe("starter")
        olivia.nudge()
        first, second = tabs
        waiting = olivia.subscribe(first, decision="")

        refused = olivia.post("/plans/subscribe", plan=second)

        assert refused.status_code == 422
        assert "is waiting for your approval" in refused.content.decode()
        assert Subscription.objects.count() == 2
        olivia.decide(waiting, "decline")
        olivia.nudge()
        assert olivia.subscribe(second, decision="").confirmation_url

    def test_a_plan_that_is_being_paid_is_waited_for(self, olivia):
        olivia.subscribe("growth", "approve_pending")
        Subscription.objects.update(returned_at=clock.now())

        with pytest.raises(ChargeRefused, match="still confirming"):
            olivia.subscribe("scale")

    def test_a_downgrade_may_wait_beside_an_upgrade(self, olivia):
        olivia.subscribe("growth")
        olivia.nudge()
        later = olivia.subscribe("starter", decision="")
        olivia.subscribe("scale")
        olivia.nudge()
        olivia.decide(later, "approve")
        olivia.nudge()

        assert subscription_state.running_subscription(olivia.shop).handle == "scale"
        assert olivia.account.plan_balance == 48_000

    def test_the_same_price_with_more_credits_is_another_plan(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        with pytest.raises(ChargeRefused, match="your plan already"):
            olivia.subscribe("starter")
        Plan.objects.filter(handle="starter").update(credits=4_000)

        olivia.subscribe("starter")
        olivia.nudge()

        assert olivia.account.plan_balance == 4_000

    def test_two_tabs_may_buy_two_packages(self, olivia):
        olivia.buy("small")
        olivia.nudge()
        olivia.buy("small")
        olivia.nudge()

        assert olivia.ledger()[1:] == [("package", 0, 500), ("package", 0, 500)]

    def test_cancelling_while_shopify_is_down_changes_nothing(self, olivia):
        row = olivia.subscribe("starter")
        olivia.nudge()
        olivia.devstore.misbehave(handle=olivia.handle, locked_store=1)

        refused = olivia.post("/plans/cancel", subscription=row.reference)
        assert refused.status_code == 422
        assert "We are finding out" in refused.content.decode()
        assert Subscription.objects.get().status == "ACTIVE"

        assert olivia.post("/plans/cancel", subscription=row.reference).status_code == 200
        assert Subscription.objects.get().status == "CANCELLED"

    def test_a_cancellation_whose_answer_was_lost_is_asked_for_at_once(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        olivia.devstore.misbehave(handle=olivia.handle, server_error=1)
        with pytest.raises(ShopifyUnavailable):
            olivia.cancel()
        # Shopify has done it before its answer was lost.
        with olivia.devstore.changed_shop(olivia.handle) as shop:
            shop.charges[0].status = ChargeStatus.CANCELLED

        assert sweeps.send_due(clock.now()) == 1
        tasks.reconcile_charges(shop_id=olivia.shop.pk)

        assert Subscription.objects.get().status == "CANCELLED"


class TestAccounts:
    def test_a_store_that_moves_to_another_account_brings_no_second_grant(self, olivia, owner):
        olivia.subscribe("starter")
        olivia.buy("small")
        olivia.nudge()
        Shop.objects.filter(pk=olivia.shop.pk).update(account=owner.account)

        olivia.nudge()

        assert olivia.ledger() == [TRIAL]

    def test_an_account_pays_for_one_plan_only(self, olivia, sam):
        olivia.subscribe("starter")
        olivia.nudge()
        Shop.objects.filter(pk=sam.shop.pk).update(account=olivia.account)

        with pytest.raises(ChargeRefused, match=r"paid through olivias-mugs\.myshopify\.com"):
            sam.subscribe("growth")

    def test_two_stores_that_paid_before_they_were_joined_are_reported(self, olivia, sam):
        olivia.subscribe("starter")
        olivia.nudge()
        sam.subscribe("growth")
        sam.nudge()
        Shop.objects.filter(pk=sam.shop.pk).update(account=olivia.account)

        sam.nudge()

        assert BillingDifference.objects.get().kind == "two_plans"


class TestKeeping:
    """A downgrade that is scheduled is taken back before it begins."""

    @pytest.fixture
    def scheduled(self, olivia):
        held = olivia.subscribe("growth")
        olivia.nudge()
        olivia.devstore.move_clock(minutes=1)
        smaller = olivia.subscribe("starter")
        Subscription.objects.filter(pk=smaller.pk).update(returned_at=clock.now())
        olivia.nudge()
        return held

    def test_the_plan_goes_on_and_nothing_more_is_granted(self, olivia, scheduled):
        page = olivia.open("/plans").text
        assert "Keep Growth" in page
        before = olivia.ledger()
        olivia.devstore.move_clock(minutes=1)

        answer = olivia.post("/plans/keep", subscription=scheduled.reference)
        kept = Subscription.objects.latest("pk")
        assert kept.confirmation_url in answer.text + str(dict(answer.headers))
        olivia.decide(kept, "approve")
        olivia.nudge()

        assert subscription_state.running_subscription(olivia.shop) == kept
        assert (kept.handle, kept.price, kept.credits) == ("growth", Decimal(49), 8500)
        assert olivia.ledger() == before
        assert "Keep Growth" not in olivia.open("/plans").text
        olivia.devstore.move_clock(days=30)
        olivia.nudge()
        assert olivia.ledger()[-2:] == [("expire", -8500, 0), ("plan_grant", 8500, 0)]

    def test_it_keeps_the_terms_it_was_sold_at(self, olivia, scheduled):
        Plan.objects.filter(handle="growth").update(price_usd=99, credits=9000, on_sale=False)

        kept = charges.keep_plan(olivia.buyer(), scheduled.reference)

        assert (kept.handle, kept.price, kept.credits) == ("growth", Decimal(49), 8500)

    def test_a_page_that_was_left_open_takes_nothing_back(self, olivia, scheduled):
        olivia.devstore.move_clock(days=30)

        answer = olivia.post("/plans/keep", subscription=scheduled.reference)

        assert answer.status_code == 422
        assert "No change of plan is scheduled any more." in answer.text

    def test_a_strangers_reference_keeps_nothing(self, olivia):
        olivia.subscribe("growth")
        olivia.nudge()
        with pytest.raises(ChargeRefused, match="No change of plan is scheduled"):
            charges.keep_plan(olivia.buyer(), "somebody-elses")
