"""Prices that are no whole dollars, in two currencies, and that change while somebody decides."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import pytest
from django.test import Client

from credits.models import Package, Plan
from shopify_auth.admin_api.documents import PURCHASE_CREATE, SUBSCRIPTION_CREATE
from shopify_auth.billing import subscription_state
from shopify_auth.billing.charges import ChargeRefused
from shopify_auth.devstore.state import ChargeStatus
from shopify_auth.models import BillingDifference, Purchase, Subscription
from tests.devstore_fixture import DevStore
from tests.merchants import ODD_PRICE, EuroOwner, Owner
from tests.shopify_auth.answers import sent_with

pytestmark = pytest.mark.django_db
TRIAL = ("trial_grant", 100, 0)
LEAVE_FRAME = "X-Shopify-API-Request-Failure-Reauthorize-Url"


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    return Owner(store_access)


@pytest.fixture
def emil(store_access: DevStore) -> EuroOwner:
    return EuroOwner(store_access)


def ask_price(model: type[Plan | Package], handle: str, price: Decimal | str) -> None:
    """The operator asks another price from now on."""
    model.objects.filter(handle=handle).update(price_usd=Decimal(price))


def come_back(row: Purchase | Subscription) -> None:
    """Shopify sends the browser from its approval page to where the app has asked for it."""
    assert Client().get(f"/billing/return/{row.reference}").status_code == 302


class TestWhatShopifyIsAsked:
    @pytest.mark.parametrize("price", [ODD_PRICE, Decimal("0.50"), Decimal("1299.90")], ids=str)
    def test_a_price_reaches_shopify_to_the_cent(self, olivia, price, monkeypatch):
        ask_price(Plan, "starter", price)
        ask_price(Package, "small", price)
        asked = sent_with(monkeypatch, SUBSCRIPTION_CREATE, PURCHASE_CREATE)

        rows = [olivia.buy("small"), olivia.subscribe("starter")]
        olivia.nudge()

        wanted = {"amount": str(price), "currencyCode": "USD"}
        assert [variables["price"] for variables in asked] == [wanted, wanted]
        charged = olivia.devstore.shop(olivia.handle).charges
        assert [(charge.price, charge.currency) for charge in charged] == [(price, "USD")] * 2
        for row in rows:
            row.refresh_from_db()
            assert (row.price, row.charged_price, row.charged_currency) == (price, price, "USD")
        assert not BillingDifference.objects.exists()
        assert olivia.ledger()[-2:] == [("plan_grant", 3000, 0), ("package", 0, 500)]

    def test_the_same_figure_in_another_currency_is_reported(self, emil):
        rows = [emil.buy("small"), emil.subscribe("starter")]

        emil.nudge()
        emil.nudge()

        reports = BillingDifference.objects.order_by("gid").values_list("kind", "gid", "detail")
        assert sorted(reports) == sorted(
            ("price", row.gid, "19.99 EUR instead of 19.99 USD") for row in rows
        )
        assert emil.ledger()[1:] == [
            ("expire", -100, 0), ("plan_grant", 3000, 0), ("package", 0, 500),
        ]  # fmt: skip

    def test_the_merchant_reads_what_shopify_takes(self, emil):
        emil.subscribe("starter")
        emil.nudge()

        page = emil.open("/plans").content.decode()

        # The next charge and the receipt; the price list beside them is in dollars.
        assert page.count("€19.99") >= 2
        assert "$19.99" in page


class TestAPriceThatChanges:
    """The old approval page would sell at the old price, and a lower one must not begin at once."""

    @pytest.mark.parametrize(
        "change", [{"price_usd": Decimal("5.01")}, {"price_usd": Decimal("4.99")}, {"credits": 501}]
    )
    def test_while_an_approval_is_open_makes_a_new_charge(self, olivia, change):
        old = olivia.buy("small", decision="")
        assert olivia.buy("small", decision="") == old
        Package.objects.filter(handle="small").update(**change)

        new = olivia.buy("small", decision="")

        assert new != old
        assert new.confirmation_url != old.confirmation_url
        charged = olivia.devstore.shop(olivia.handle).charges
        assert [charge.gid for charge in charged] == [old.gid, new.gid]
        assert charged[1].price == new.price == change.get("price_usd", 5)
        assert new.credits == change.get("credits", 500)

    @pytest.mark.parametrize("price", [ODD_PRICE, Decimal("18.99")], ids=str)
    def test_while_the_approval_of_a_plan_is_open_makes_a_new_charge(self, olivia, price):
        old = olivia.subscribe("starter", decision="")
        assert olivia.subscribe("starter", decision="") == old
        ask_price(Plan, "starter", price)

        answer = olivia.post("/plans/subscribe", plan="starter")

        new = Subscription.objects.exclude(pk=old.pk).get()
        assert answer[LEAVE_FRAME] == new.confirmation_url
        assert (new.status, new.price, new.replaces_later) == ("PENDING", price, False)
        charged = olivia.devstore.shop(olivia.handle).charges
        assert [charge.gid for charge in charged] == [old.gid, new.gid]
        assert charged[1].price == price
        assert olivia.subscribe("starter", decision="") == new

    @pytest.mark.parametrize("last", ["old", "new"])
    def test_approving_both_prices_of_a_plan_brings_its_credits_once(self, olivia, last):
        old = olivia.subscribe("starter", decision="")
        ask_price(Plan, "starter", ODD_PRICE)
        new = olivia.subscribe("starter", decision="")

        for row in (new, old) if last == "old" else (old, new):
            olivia.decide(row, "approve")
            olivia.nudge()

        held = subscription_state.running_subscription(olivia.shop)
        assert held == {"old": old, "new": new}[last]
        grants = [entry for entry in olivia.ledger() if entry[0] == "plan_grant"]
        assert grants == [("plan_grant", 3000, 0)]
        assert olivia.account.plan_balance == 3000

    def test_with_other_credits_too_the_open_approval_of_a_plan_comes_first(self, olivia):
        """Approved in the wrong order, the two would bring the new credits for the old price."""
        olivia.subscribe("starter", decision="")
        Plan.objects.filter(handle="starter").update(price_usd=ODD_PRICE, credits=4_000)

        with pytest.raises(ChargeRefused, match="is waiting for your approval"):
            olivia.subscribe("starter", decision="")
        assert Subscription.objects.count() == 1

    def test_a_plan_whose_payment_is_being_confirmed_is_not_asked_for_at_another_price(
        self, olivia
    ):
        paid = olivia.subscribe("starter", "approve_pending")
        come_back(paid)
        ask_price(Plan, "starter", ODD_PRICE)

        with pytest.raises(ChargeRefused, match="still confirming"):
            olivia.subscribe("starter", decision="")
        assert Subscription.objects.count() == 1

    def test_the_same_credits_at_a_lower_price_wait_for_the_next_cycle(self, olivia):
        present = olivia.subscribe("starter")
        olivia.nudge()
        ask_price(Plan, "starter", "18.99")

        cheaper = olivia.subscribe("starter")
        olivia.nudge()

        assert cheaper.replaces_later
        charge = olivia.devstore.charge(cheaper.gid, olivia.handle)
        assert charge.replacement == "APPLY_ON_NEXT_BILLING_CYCLE"
        assert charge.status == ChargeStatus.PENDING
        assert subscription_state.running_subscription(olivia.shop) == present
        assert olivia.ledger()[-1] == ("plan_grant", 3000, 0)
        olivia.devstore.move_clock(days=31)
        olivia.nudge()
        assert subscription_state.running_subscription(olivia.shop) == cheaper
        assert olivia.ledger()[-2:] == [("expire", -3000, 0), ("plan_grant", 3000, 0)]

    def test_the_same_credits_at_a_higher_price_begin_at_once(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        ask_price(Plan, "starter", ODD_PRICE)

        dearer = olivia.subscribe("starter", decision="")

        assert not dearer.replaces_later
        charge = olivia.devstore.charge(dearer.gid, olivia.handle)
        assert charge.replacement == "APPLY_IMMEDIATELY"


@pytest.mark.parametrize(("buy", "model"), [(Owner.buy, Purchase), (Owner.subscribe, Subscription)])
def test_an_approval_that_was_used_or_lapsed_is_not_given_out_again(olivia, buy, model):
    choose = partial(buy, olivia, {Purchase: "small", Subscription: "starter"}[model])
    first = choose(decision="decline")
    olivia.nudge()

    second = choose(decision="")
    assert second != first
    olivia.devstore.move_clock(days=2, minutes=1)
    olivia.nudge()
    third = choose(decision="")

    assert third not in (first, second)
    assert model.objects.count() == 3


def test_an_approval_that_the_merchant_came_back_from_is_not_given_out_again(olivia):
    """Paid and not confirmed yet: whoever buys once more pays once more, and gets both."""
    first = olivia.buy("small", "approve_pending")
    come_back(first)

    answer = olivia.post("/plans/buy", package="small")

    second = Purchase.objects.exclude(pk=first.pk).get()
    assert answer[LEAVE_FRAME] == second.confirmation_url
    assert second.confirmation_url != first.confirmation_url
    assert len(olivia.devstore.shop(olivia.handle).charges) == 2


def test_a_plan_that_the_merchant_came_back_from_is_not_given_out_again(olivia):
    first = olivia.subscribe("starter", "approve_pending")
    come_back(first)

    refused = olivia.post("/plans/subscribe", plan="starter")

    assert refused.status_code == 422
    assert "Shopify is still confirming" in refused.content.decode()
    assert len(olivia.devstore.shop(olivia.handle).charges) == 1
