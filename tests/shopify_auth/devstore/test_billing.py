"""The fake's charges live as Shopify's do, on the business clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
from django.conf import settings

from ecomvance_app import clock
from shopify_auth.devstore.tokens import offline_token
from tests.devstore_fixture import DEMO, DevStore

RETURN_URL = "http://localhost:8000/billing/return/reference?from=shopify"
SUBSCRIBE = """
mutation SubscriptionCreate($name: String!, $amount: Decimal!, $test: Boolean, $trial: Int,
    $replacement: AppSubscriptionReplacementBehavior, $returnUrl: URL!) {
  appSubscriptionCreate(name: $name, returnUrl: $returnUrl, test: $test, trialDays: $trial,
      replacementBehavior: $replacement,
      lineItems: [{plan: {appRecurringPricingDetails: {
        interval: EVERY_30_DAYS, price: {amount: $amount, currencyCode: USD}}}}]) {
    appSubscription { id status }
    confirmationUrl
    userErrors { field message }
  }
}
"""
PURCHASE = """
mutation PurchaseCreate($name: String!, $amount: Decimal!, $returnUrl: URL!) {
  appPurchaseOneTimeCreate(
      name: $name, returnUrl: $returnUrl, price: {amount: $amount, currencyCode: USD}) {
    appPurchaseOneTime { id status price { amount currencyCode } }
    confirmationUrl
    userErrors { field message }
  }
}
"""
CANCEL = """
mutation SubscriptionCancel($id: ID!) {
  appSubscriptionCancel(id: $id) { appSubscription { id status } userErrors { field message } }
}
"""
INSTALLATION = """
query AppInstallation {
  currentAppInstallation {
    activeSubscriptions { id name status test currentPeriodEnd createdAt
      lineItems { plan { pricingDetails { __typename ... on AppRecurringPricing {
        interval price { amount currencyCode } } } } } }
    allSubscriptions(first: 50, reverse: true) { nodes { id status } }
    oneTimePurchases(first: 50) { nodes { id status price { amount } } }
  }
}
"""
CHARGE = """
query ChargeById($id: ID!) {
  node(id: $id) {
    ... on AppSubscription { subscriptionStatus: status currentPeriodEnd }
    ... on AppPurchaseOneTime { purchaseStatus: status }
  }
}
"""


class Merchant:
    """The owner of the demo store with the app's token, buying through the real API."""

    def __init__(self, devstore: DevStore) -> None:
        self.devstore = devstore
        with devstore.changed_shop() as shop:
            self.token = str(offline_token(shop, expiring=True).body["access_token"])

    def call(self, document: str, **variables: Any) -> Any:
        body = self.devstore.admin_api(document, self.token, **variables).json()
        assert "errors" not in body, body["errors"]
        return next(iter(body["data"].values()))

    def order(self, name: str, amount: str, **extra: Any) -> str:
        variables = {"name": name, "amount": amount, "returnUrl": RETURN_URL} | extra
        made = self.call(SUBSCRIBE, **variables)
        assert made["userErrors"] == []
        return str(made["appSubscription"]["id"])

    def subscribe(self, name: str, amount: str, **extra: Any) -> str:
        gid = self.order(name, amount, **extra)
        self.devstore.decide(gid)
        return gid

    def order_package(self, name: str = "Small", amount: str = "5.00") -> str:
        made = self.call(PURCHASE, name=name, amount=amount, returnUrl=RETURN_URL)
        assert made["userErrors"] == []
        return str(made["appPurchaseOneTime"]["id"])

    def active(self) -> list[dict[str, Any]]:
        return list(self.call(INSTALLATION)["activeSubscriptions"])

    def statuses(self) -> dict[str, str]:
        found = self.call(INSTALLATION)
        charges = found["allSubscriptions"]["nodes"] + found["oneTimePurchases"]["nodes"]
        return {charge["id"]: charge["status"] for charge in charges}

    def period_end(self) -> datetime:
        return datetime.fromisoformat(self.active()[0]["currentPeriodEnd"])


@pytest.fixture
def merchant(devstore: DevStore) -> Merchant:
    # No app listens in these tests; what would be sent to it is asked of the outbox.
    devstore.misbehave(webhook_lost=-1)
    return Merchant(devstore)


def told(devstore: DevStore, topic: str) -> list[str]:
    """The statuses that webhooks of a topic carried, oldest first."""
    return [
        one.body.partition('"status": "')[2].partition('"')[0] for one in devstore.deliveries(topic)
    ]


class TestApproval:
    def test_a_package_is_active_once_approved(self, devstore: DevStore, merchant: Merchant):
        gid = merchant.order_package()
        assert merchant.statuses() == {gid: "PENDING"}

        target = devstore.decide(gid)

        number = gid.rpartition("/")[2]
        assert target == f"{RETURN_URL}&charge_id={number}"
        assert merchant.statuses() == {gid: "ACTIVE"}
        assert told(devstore, "app_purchases_one_time/update") == ["ACTIVE"]

    def test_the_confirmation_page_names_price_and_choices(
        self, devstore: DevStore, merchant: Merchant
    ):
        made = merchant.call(SUBSCRIBE, name="Starter", amount="19.00", returnUrl=RETURN_URL)

        page = requests.get(made["confirmationUrl"], timeout=10)

        assert "confirm_recurring_application_charge?signature=" in made["confirmationUrl"]
        assert "USD 19.00 every 30 days" in page.text
        assert page.headers["X-Frame-Options"] == "DENY"
        for choice in ("decline", "approve", "approve_pending"):
            assert f'value="{choice}"' in page.text

    def test_a_guessed_signature_opens_nothing(self, devstore: DevStore, merchant: Merchant):
        number = merchant.order_package().rpartition("/")[2]
        url = f"{devstore.url}/store/{DEMO}/charges/{number}"

        assert (
            requests.get(f"{url}/confirm_application_charge?signature=x", timeout=10).status_code
            == 404
        )
        forged = {"signature": "x", "decision": "approve"}
        assert requests.post(f"{url}/decision", data=forged, timeout=10).status_code == 404

    def test_declining_stays_in_the_admin_or_returns(self, devstore: DevStore, merchant: Merchant):
        first, second = merchant.order_package(), merchant.order_package()

        stays = devstore.decide(first, "decline")
        devstore.misbehave(decline_returns_to_app=1)
        returns = devstore.decide(second, "decline")

        assert stays.startswith(f"{devstore.url}/store/{DEMO}/apps/")
        assert returns.startswith(RETURN_URL)
        assert set(merchant.statuses().values()) == {"DECLINED"}

    def test_an_approved_payment_may_stay_pending(self, devstore: DevStore, merchant: Merchant):
        gid = merchant.order_package()
        devstore.decide(gid, "approve_pending")
        devstore.move_clock(days=3)
        assert merchant.statuses() == {gid: "PENDING"}

        devstore.press("charge", number=gid.rpartition("/")[2], verb="pay")

        assert merchant.statuses() == {gid: "ACTIVE"}

    def test_what_nobody_decides_expires_after_two_days(
        self, devstore: DevStore, merchant: Merchant
    ):
        gid = merchant.order_package()
        devstore.move_clock(days=2)
        devstore.decide(gid)

        assert merchant.statuses() == {gid: "EXPIRED"}

    @pytest.mark.parametrize(
        ("variables", "field"),
        [
            ({"name": " ", "amount": "5.00"}, "name"),
            ({"name": "Small", "amount": "0.10"}, "price"),
            ({"name": "Small", "amount": "5.00", "returnUrl": "javascript:x"}, "returnUrl"),
        ],
    )
    def test_a_bad_order_is_a_user_error(
        self, merchant: Merchant, variables: dict[str, str], field: str
    ):
        made = merchant.call(PURCHASE, **({"returnUrl": RETURN_URL} | variables))

        assert made["appPurchaseOneTime"] is None
        assert [error["field"] for error in made["userErrors"]] == [[field]]

    def test_another_shop_does_not_see_the_charge(self, devstore: DevStore, merchant: Merchant):
        gid = merchant.order_package()
        with devstore.changed_shop("second-demo") as shop:
            foreign = str(offline_token(shop, expiring=True).body["access_token"])

        seen = devstore.admin_api(CHARGE, foreign, "second-demo", id=gid).json()

        assert seen["data"]["node"] is None
        assert merchant.call(CHARGE, id=gid) == {"purchaseStatus": "PENDING"}


class TestCycle:
    def test_it_renews_every_thirty_days_without_a_word(
        self, devstore: DevStore, merchant: Merchant
    ):
        merchant.subscribe("Starter", "19.00")
        end = merchant.period_end()
        sent = len(devstore.deliveries())

        devstore.move_clock(days=61)

        assert merchant.period_end() == end + timedelta(days=60)
        assert len(devstore.deliveries()) == sent

    def test_an_unpaid_renewal_freezes_and_paying_recovers(
        self, devstore: DevStore, merchant: Merchant
    ):
        gid = merchant.subscribe("Starter", "19.00")
        end = merchant.period_end()
        devstore.misbehave(renewal_unpaid=-1)
        devstore.move_clock(days=31)
        assert merchant.active() == []
        assert merchant.statuses() == {gid: "FROZEN"}

        devstore.press("recover")

        assert merchant.statuses() == {gid: "ACTIVE"}
        assert merchant.period_end() == end + timedelta(days=30)
        assert told(devstore, "app_subscriptions/update") == ["ACTIVE", "FROZEN", "ACTIVE"]

    def test_a_test_charge_may_hide_its_period_end(self, devstore: DevStore, merchant: Merchant):
        devstore.misbehave(period_end_hidden=-1)
        merchant.subscribe("Starter", "19.00", test=True)

        assert merchant.active()[0]["currentPeriodEnd"] is None

    def test_a_trial_puts_the_first_period_end_at_its_end(self, merchant: Merchant):
        merchant.subscribe("Starter", "19.00", trial=7)

        assert merchant.period_end() - clock.now() <= timedelta(days=7)
        assert merchant.period_end() - clock.now() > timedelta(days=6)


class TestReplacement:
    def test_an_upgrade_replaces_at_once_and_keeps_the_period_end(
        self, devstore: DevStore, merchant: Merchant
    ):
        starter = merchant.subscribe("Starter", "19.00")
        end = merchant.period_end()
        devstore.move_clock(days=15)

        growth = merchant.subscribe("Growth", "49.00")

        assert merchant.statuses() == {starter: "CANCELLED", growth: "ACTIVE"}
        assert merchant.period_end() == end
        assert told(devstore, "app_subscriptions/update") == ["ACTIVE", "CANCELLED", "ACTIVE"]

    def test_the_page_shows_the_proration(self, devstore: DevStore, merchant: Merchant):
        merchant.subscribe("Small plan", "5.00")
        devstore.move_clock(days=15)
        made = merchant.call(SUBSCRIBE, name="Big plan", amount="15.00", returnUrl=RETURN_URL)

        page = requests.get(made["confirmationUrl"], timeout=10).text

        # Shopify's example: from 5 to 15 dollars in the middle of a cycle costs 5 more.
        assert "USD 5.00 for the rest of this cycle" in page

    def test_a_downgrade_waits_for_the_next_cycle(self, devstore: DevStore, merchant: Merchant):
        growth = merchant.subscribe("Growth", "49.00")
        end = merchant.period_end()

        starter = merchant.subscribe("Starter", "19.00")
        assert merchant.statuses() == {growth: "ACTIVE", starter: "PENDING"}
        devstore.move_clock(days=30)

        assert merchant.statuses() == {growth: "CANCELLED", starter: "ACTIVE"}
        assert merchant.period_end() == end + timedelta(days=30)

    @pytest.mark.parametrize(("name", "amount"), [("Pro", "99.00"), ("Starter", "19.00")])
    def test_a_later_approval_withdraws_the_downgrade_that_waits(
        self, devstore: DevStore, merchant: Merchant, name: str, amount: str
    ):
        growth = merchant.subscribe("Growth", "49.00")
        first = merchant.subscribe("Mini", "9.00")
        end = merchant.period_end()

        chosen = merchant.subscribe(name, amount)
        assert merchant.statuses()[first] == "CANCELLED"
        devstore.move_clock(days=30)

        assert merchant.statuses() == {growth: "CANCELLED", first: "CANCELLED", chosen: "ACTIVE"}
        assert merchant.period_end() == end + timedelta(days=30)
        assert merchant.active()[0]["name"] == name

    def test_a_package_leaves_the_downgrade_waiting(self, devstore: DevStore, merchant: Merchant):
        merchant.subscribe("Growth", "49.00")
        starter = merchant.subscribe("Starter", "19.00")

        devstore.decide(merchant.order_package())

        assert merchant.statuses()[starter] == "PENDING"

    def test_a_downgrade_can_be_asked_for_at_once(self, merchant: Merchant):
        growth = merchant.subscribe("Growth", "49.00")

        starter = merchant.subscribe("Starter", "19.00", replacement="APPLY_IMMEDIATELY")

        assert merchant.statuses() == {growth: "CANCELLED", starter: "ACTIVE"}

    def test_the_price_is_read_back_as_shopify_writes_it(self, merchant: Merchant):
        merchant.subscribe("Starter", "19.00")

        pricing = merchant.active()[0]["lineItems"][0]["plan"]["pricingDetails"]

        assert pricing["price"] == {"amount": "19.0", "currencyCode": "USD"}
        assert Decimal(pricing["price"]["amount"]) == 19


class TestEnding:
    def test_cancelling_ends_it_at_once(self, devstore: DevStore, merchant: Merchant):
        gid = merchant.subscribe("Starter", "19.00")

        cancelled = merchant.call(CANCEL, id=gid)
        again = merchant.call(CANCEL, id=gid)

        assert cancelled["appSubscription"]["status"] == "CANCELLED"
        assert again["userErrors"][0]["field"] == ["id"]
        assert merchant.active() == []

    def test_uninstalling_cancels_without_a_subscription_webhook(
        self, devstore: DevStore, merchant: Merchant
    ):
        merchant.subscribe("Starter", "19.00")

        devstore.press("uninstall")

        assert told(devstore, "app_subscriptions/update") == ["ACTIVE"]
        assert len(devstore.deliveries("app/uninstalled")) == 1
        assert devstore.shop().charges[0].status == "CANCELLED"

    def test_a_reinstall_inside_the_paid_period_keeps_its_end(
        self, devstore: DevStore, merchant: Merchant
    ):
        merchant.subscribe("Starter", "19.00")
        end = merchant.period_end()
        devstore.move_clock(days=10)
        devstore.press("uninstall")
        devstore.press("install")

        returned = Merchant(devstore)
        assert returned.active() == []
        made = returned.call(SUBSCRIBE, name="Starter", amount="19.00", returnUrl=RETURN_URL)
        page = requests.get(made["confirmationUrl"], timeout=10).text
        assert "USD 0.00" in page
        devstore.decide(made["appSubscription"]["id"])

        assert returned.period_end() == end


def test_the_business_clock_is_one_for_both_sides(devstore: DevStore):
    before = clock.now()

    devstore.press("clock", step="cycle")

    assert clock.now() - before >= timedelta(days=30)
    assert (settings.DATA_DIR / "clock_shift").read_text() == str(30 * 86_400.0)
