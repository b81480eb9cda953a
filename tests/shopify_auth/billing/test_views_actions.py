"""What can be done on the plans page, when Shopify knows more, or says nothing, or says no."""

from __future__ import annotations

from typing import Any

import pytest

from credits.models import Package, Plan
from shopify_auth.devstore.state import ChargeStatus
from shopify_auth.models import Purchase, Shop, Subscription
from tests.devstore_fixture import DevStore
from tests.embedded import SECOND_SHOP
from tests.merchants import Owner

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    owner = Owner(store_access)
    owner.subscribe("starter")
    owner.nudge()
    return owner


@pytest.fixture
def sam(store_access: DevStore) -> Owner:
    return Owner(store_access, SECOND_SHOP)


def words(response: Any) -> str:
    """The answer's text in one line."""
    return " ".join(response.content.decode().split())


def cancel(owner: Owner, row: Subscription, **form: str) -> Any:
    """Confirm the dialog that was drawn for this subscription."""
    return owner.post("/plans/cancel", subscription=row.reference, **form)


class TestCancelling:
    def test_the_dialog_names_its_subscription(self, olivia):
        row = Subscription.objects.get()

        assert f'value="{row.reference}"' in words(olivia.open("/plans"))
        answer = cancel(olivia, row)

        assert answer.status_code == 200
        assert "Plan cancelled" in answer["HX-Trigger"]
        row.refresh_from_db()
        assert row.status == "CANCELLED"

    def test_the_dialog_of_an_old_tab_cancels_no_other_plan(self, olivia):
        old = Subscription.objects.get()
        olivia.devstore.move_clock(hours=1)
        olivia.subscribe("growth")
        olivia.nudge()

        answer = cancel(olivia, old)

        assert answer.status_code == 422
        assert "HX-Trigger" not in answer
        assert "has ended already, so nothing was cancelled" in words(answer)
        assert Subscription.objects.get(handle="growth").status == "ACTIVE"

    def test_a_second_press_is_no_second_cancellation(self, olivia):
        row = Subscription.objects.get()
        cancel(olivia, row)

        again = cancel(olivia, row)

        assert "HX-Trigger" not in again
        assert again.status_code == 422

    def test_another_store_of_the_account_cancels_nothing(self, olivia, sam):
        Shop.objects.filter(pk=sam.shop.pk).update(account=olivia.account)
        row = Subscription.objects.get()

        answer = cancel(sam, row)

        assert answer.status_code == 422
        assert "HX-Trigger" not in answer
        row.refresh_from_db()
        assert row.status == "ACTIVE"

    def test_a_reason_may_be_given(self, olivia):
        row = Subscription.objects.get()
        assert "Why are you cancelling?" in words(olivia.open("/plans"))

        cancel(olivia, row, reason=" Season is over " + "." * 600)

        row.refresh_from_db()
        assert row.cancel_reason.startswith("Season is over")
        assert len(row.cancel_reason) == 500

    def test_a_silence_is_no_word_of_the_plan(self, olivia):
        row = Subscription.objects.get()
        olivia.devstore.misbehave(handle=olivia.handle, server_error=1)

        answer = cancel(olivia, row)

        assert answer.status_code == 422
        assert "HX-Trigger" not in answer
        said = words(answer)
        assert "Shopify did not answer. We are finding out whether your plan is cancelled." in said
        assert "not cancelled yet" not in said
        # The open page asks again by itself, and takes whatever the answer is.
        assert 'hx-trigger="every 30s"' in said
        assert 'name="seen" value=""' in said

    def test_what_ended_at_shopify_before_is_cancelled(self, olivia):
        row = Subscription.objects.get()
        with olivia.devstore.changed_shop(olivia.handle) as shop:
            shop.charges[0].status = ChargeStatus.CANCELLED

        assert "Plan cancelled" in cancel(olivia, row)["HX-Trigger"]

    def test_without_scripts_it_is_a_redirect_or_the_whole_page(self, olivia, owner):
        Shop.objects.update(account=owner.account)
        row = Subscription.objects.get()

        done = owner.client.post("/dashboard/plans/cancel", {"subscription": row.reference})
        again = owner.client.post("/dashboard/plans/cancel", {"subscription": row.reference})

        assert (done.status_code, done["Location"]) == (302, "/dashboard/plans")
        assert again.status_code == 422
        assert "<!DOCTYPE html>" in again.content.decode()


class TestSelling:
    def test_what_was_approved_elsewhere_is_sold_a_second_time_as_a_second_charge(self, olivia):
        first = olivia.buy("small")

        olivia.post("/plans/buy", package="small")

        first.refresh_from_db()
        assert first.status == "ACTIVE"
        assert Purchase.objects.exclude(pk=first.pk).get().status == "PENDING"
        assert olivia.account.package_balance == 500

    def test_a_plan_that_was_approved_elsewhere_is_not_sold_again(self, olivia):
        olivia.devstore.move_clock(hours=1)
        olivia.subscribe("growth")

        answer = olivia.post("/plans/subscribe", plan="growth")

        assert answer.status_code == 422
        assert "This is your plan already." in words(answer)
        assert Subscription.objects.filter(handle="growth").count() == 1

    def test_a_bill_that_became_unpaid_meanwhile_stops_every_sale(self, olivia):
        olivia.devstore.misbehave(handle=olivia.handle, renewal_unpaid=1)
        olivia.devstore.move_clock(days=30)

        answer = olivia.post("/plans/buy", package="small")

        assert "Shopify reports an unpaid bill" in words(answer)
        assert not Purchase.objects.exists()

    @pytest.mark.parametrize(
        ("trouble", "said"),
        [
            ("locked_store", "Shopify has locked this store. Nothing was charged."),
            ("frozen_store", "Shopify has frozen this store because of an unpaid bill."),
            ("address_not_allowed", "Shopify refused the request. Nothing was charged."),
        ],
    )
    def test_a_refusal_is_not_called_a_silence(self, olivia, trouble, said):
        olivia.devstore.misbehave(handle=olivia.handle, **{trouble: -1})

        answer = olivia.post("/plans/buy", package="small")

        assert answer.status_code == 422
        assert said in words(answer)
        assert "did not answer" not in words(answer)
        assert not Purchase.objects.exists()

    def test_a_silence_asks_to_try_again(self, olivia):
        olivia.devstore.misbehave(handle=olivia.handle, server_error=-1)

        answer = olivia.post("/plans/buy", package="small")

        expected = "Shopify did not answer. Nothing was charged. Try again in a moment."
        assert expected in words(answer)
        assert not Purchase.objects.exists()

    @pytest.mark.parametrize("path", ["buy", "subscribe"])
    def test_what_shopify_declines_to_make_is_a_refusal(self, olivia, path):
        Package.objects.filter(handle="small").update(price_usd="0.10")
        Plan.objects.filter(handle="growth").update(price_usd="0.10")

        answer = olivia.post(f"/plans/{path}", package="small", plan="growth")

        assert answer.status_code == 422
        assert "Shopify refused the request. Nothing was charged." in words(answer)
