"""The plans page: what is held, what can be bought, and every way back from Shopify."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from django.test import Client

from credits import ledger
from credits.models import Plan
from ecomvance_app import after_commit, clock
from ecomvance_app.celery import app
from shopify_auth.billing import schedule
from shopify_auth.models import Purchase, Shop, Subscription
from tests.devstore_fixture import DevStore
from tests.embedded import SECOND_SHOP
from tests.merchants import Owner

pytestmark = pytest.mark.django_db
NO_CASH_VALUE = "Credits have no cash value. All purchases are final and not refundable."


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    return Owner(store_access)


@pytest.fixture
def sam(store_access: DevStore) -> Owner:
    return Owner(store_access, SECOND_SHOP)


def words(response) -> str:
    """The page's text in one line."""
    return " ".join(response.content.decode().split())


class TestPage:
    def test_it_shows_what_every_offer_buys_and_that_it_is_final(self, olivia):
        page = words(olivia.open("/plans"))

        assert "Free trial, day 1 of 7" in page
        assert "Enough for 150 cut-outs" in page
        assert "60 images or 7 videos of 4 seconds" in page
        assert "10 images or 1 video of 4 seconds" in page
        # Beside four plans and four packages; there is no plan to cancel yet.
        assert page.count(NO_CASH_VALUE) == 8
        assert page.count("button--primary") == 1

    def test_an_active_plan_names_its_next_charge(self, olivia):
        olivia.subscribe("growth")
        olivia.nudge()

        page = words(olivia.open("/plans"))

        assert "Next charge" in page
        assert "$49 on" in page
        assert "Upgrade to Pro" in page
        assert "Downgrade to Starter" in page
        assert "Choose Pro" not in page
        assert page.count(NO_CASH_VALUE) == 3 + 4 + 1

    def test_the_cancel_dialog_says_what_is_lost_and_kept(self, olivia):
        olivia.subscribe("starter")
        olivia.buy("small")
        olivia.nudge()

        page = words(olivia.open("/plans"))

        assert "3,000 plan credits stay usable until" in page
        assert "500 package credits are kept." in page

    def test_an_old_price_is_kept(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        Plan.objects.filter(handle="starter").update(price_usd=25)

        assert "New subscribers get other terms; you keep $19." in words(olivia.open("/plans"))

    def test_a_frozen_plan_offers_no_other(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        olivia.devstore.misbehave(handle=olivia.handle, renewal_unpaid=1)
        olivia.devstore.move_clock(days=30)
        olivia.nudge()

        page = words(olivia.open("/plans"))

        assert "Shopify reports an unpaid bill" in page
        assert "what Shopify has billed already stays due" in page
        assert "Nothing more is charged. Everything" not in page
        home = words(olivia.open("/"))
        assert "Plan credits that you have stay usable to the end of their period" in home
        assert olivia.post("/plans/subscribe", plan="pro").status_code == 422

    def test_a_cancelled_plan_says_when_it_ends(self, olivia):
        olivia.subscribe("starter")
        olivia.buy("small")
        olivia.nudge()

        response = olivia.post("/plans/cancel", subscription=Subscription.objects.get().reference)

        assert response.status_code == 200
        assert "nothing more is charged. You keep 500 package credits." in words(response)
        assert Subscription.objects.get().status == "CANCELLED"
        assert olivia.account.plan_balance == 3_000

    def test_a_cancelled_plan_that_has_ended_waits_for_no_renewal(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        olivia.cancel()
        olivia.devstore.move_clock(days=31)

        home = words(olivia.open("/"))

        assert "No plan is running." in home
        assert "being confirmed" not in home

    def test_a_lapsed_renewal_is_being_confirmed(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        olivia.devstore.move_clock(days=30)
        olivia.devstore.misbehave(handle=olivia.handle, server_error=-1)

        assert "Renewal is being confirmed" in words(olivia.open("/plans"))

    def test_an_approval_that_is_open_can_be_opened_again(self, olivia):
        row = olivia.buy("small", decision="")

        page = olivia.open("/plans").content.decode()

        assert "is not approved yet" in page
        assert row.confirmation_url in page

    @pytest.mark.parametrize(
        ("decision", "days", "said"),
        [("decline", 0, "was declined"), ("", 2, "was not approved within two days")],
    )
    def test_what_was_not_approved_is_said_plainly(self, olivia, decision, days, said):
        olivia.buy("small", decision)
        olivia.devstore.move_clock(days=days)
        olivia.nudge()

        assert said in words(olivia.open("/plans"))

    def test_receipts_lead_to_the_ledger(self, olivia):
        olivia.buy("small")
        olivia.nudge()

        assert 'href="/usage/ledger/2"' in olivia.open("/plans").content.decode()

    def test_without_a_store_nothing_can_be_bought(self, owner):
        answer = owner.client.get("/dashboard/plans")
        page = words(answer)

        assert "No store is connected" in page
        assert 'href="/dashboard/connect"' in answer.text
        assert "Purchase Small" not in page
        assert owner.client.post("/dashboard/plans/buy", {"package": "small"}).status_code == 422
        assert not Purchase.objects.exists()

    def test_a_development_store_is_told_that_nothing_is_billed(self, store_access):
        with store_access.changed_shop("olivias-mugs") as shop:
            shop.partner_development = True

        assert "test charges and nothing is billed" in words(Owner(store_access).open("/plans"))

    def test_without_a_plan_the_page_follows_the_trial_to_its_end(self, olivia):
        olivia.devstore.move_clock(days=8)

        assert "Your free trial has ended" in words(olivia.fetch("/plans/content"))

    def test_a_plan_that_has_ended_is_named_with_its_date(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        olivia.cancel()
        olivia.devstore.move_clock(days=31)

        page = words(olivia.fetch("/plans/content"))

        assert "Your plan ended on" in page
        assert "Choose Starter" in page

    def test_another_store_of_the_account_sees_who_pays(self, olivia, sam):
        olivia.subscribe("starter")
        olivia.nudge()
        Shop.objects.filter(pk=sam.shop.pk).update(account=olivia.account)

        page = words(sam.open("/plans"))

        assert "The plan is paid through olivias-mugs.myshopify.com." in page
        assert 'id="cancel-plan"' not in page

    def test_a_plan_granted_by_staff_is_named_and_cannot_be_cancelled(self, olivia):
        account = olivia.account
        ledger.grant_plan(account.pk, "pro", clock.now(), "grant", "staff", "partner")

        page = words(olivia.open("/plans"))

        assert '<h2 id="now"> Pro </h2>' in page
        assert "Cancel plan" not in page

    def test_the_adviser_speaks_from_the_ledger(self, olivia):
        olivia.subscribe("growth")
        for cycle in range(3):
            olivia.nudge()
            ledger.spend(olivia.account.pk, 2_900, f"cycle {cycle}")
            olivia.devstore.move_clock(days=30)

        page = words(olivia.fetch("/plans/content"))

        assert "What your last 3 periods of 30 days would have cost" in page
        assert "<strong>Starter</strong> = $57." in page
        assert "Growth with packages for the rest costs $147: $90 more." in page
        assert "Fits your use" in page

    def test_it_asks_shopify_only_after_it_is_shown(self, olivia):
        olivia.buy("small")

        shown = words(olivia.open("/plans"))
        after = olivia.fetch("/plans/content")

        assert "Receipts" not in shown
        assert "Receipts" in words(after)

    def test_content_that_is_shown_already_is_not_sent_again(self, olivia):
        context = olivia.open("/plans").context
        fresh = olivia.fetch("/plans/content", seen=context["fingerprint"])
        assert fresh.status_code == 204

    def test_when_shopify_is_down_it_shows_what_was_known(self, olivia):
        olivia.devstore.misbehave(handle=olivia.handle, locked_store=-1)

        page = words(olivia.fetch("/plans/content"))

        assert "Shopify is not answering" in page
        assert "Free trial, day 1 of 7" in page


class TestBuying:
    def test_the_whole_window_goes_to_the_approval_page(self, olivia):
        response = olivia.post("/plans/buy", package="small")

        row = Purchase.objects.get()
        assert response.status_code == 401
        assert response["X-Shopify-API-Request-Failure-Reauthorize"] == "1"
        assert response["X-Shopify-API-Request-Failure-Reauthorize-Url"] == row.confirmation_url
        assert (row.credits, row.price, row.status) == (500, Decimal(5), "PENDING")

    def test_on_the_dashboard_it_is_an_ordinary_redirect(self, olivia, owner):
        olivia.shop.account = owner.account
        olivia.shop.save()
        headers = {"HX-Request": "true"}

        answer = owner.client.post("/dashboard/plans/subscribe", {"plan": "pro"}, headers=headers)

        row = Subscription.objects.get()
        assert answer["HX-Redirect"] == row.confirmation_url
        back = urlsplit(olivia.decide(row, "approve"))
        assert Client().get(back.path)["Location"] == f"/dashboard/plans?charge={row.reference}"

    def test_a_double_click_is_one_charge(self, olivia):
        olivia.post("/plans/buy", package="small")
        olivia.post("/plans/buy", package="small")

        assert Purchase.objects.count() == 1
        assert len(olivia.devstore.shop(olivia.handle).charges) == 1

    def test_amounts_in_the_form_are_nobodys_business(self, olivia):
        olivia.post("/plans/buy", package="small", credits="99999", price="0.50", price_usd="1")

        assert olivia.devstore.shop(olivia.handle).charges[0].price == 5
        assert Purchase.objects.get().credits == 500

    @pytest.mark.parametrize("handle", ["", "unknown", "starter"])
    def test_a_plan_that_is_not_on_sale_is_refused(self, olivia, handle):
        Plan.objects.filter(handle="starter").update(on_sale=False)

        response = olivia.post("/plans/subscribe", plan=handle)

        assert response.status_code == 422
        assert "no longer on sale" in words(response)
        assert olivia.devstore.shop(olivia.handle).charges == []


class TestReturn:
    def return_path(self, owner: Owner, row, decision: str = "approve") -> str:
        return urlsplit(owner.decide(row, decision)).path

    def test_the_merchant_is_led_into_the_admin_and_told_when_it_is_true(self, olivia):
        row = olivia.buy("small", decision="")
        path = self.return_path(olivia, row)

        back = Client().get(path)

        assert back.status_code == 302
        assert urlsplit(back["Location"]).query == f"charge={row.reference}"
        page = words(olivia.open("/plans", charge=row.reference))
        assert "Confirming with Shopify…" in page
        told = olivia.fetch(f"/plans/confirmation/{row.reference}")
        assert "500 package credits are in your balance" in words(told)
        assert told["HX-Trigger"] == "billing:changed"
        assert olivia.account.package_balance == 500

    def test_it_says_confirming_until_the_money_is_there(self, olivia):
        row = olivia.buy("small", decision="")
        Client().get(self.return_path(olivia, row, "approve_pending"))

        told = olivia.fetch(f"/plans/confirmation/{row.reference}")

        assert "Confirming with Shopify…" in words(told)
        assert "every 2s" in told.content.decode()
        assert olivia.account.package_balance == 0

    def test_reloading_the_return_page_keeps_the_first_returns_time(self, olivia):
        """It is what the polls and their patience are counted from."""
        row = olivia.buy("small", decision="")
        path = self.return_path(olivia, row, "approve_pending")
        Client().get(path)
        row.refresh_from_db()
        first = row.returned_at
        assert first is not None
        assert abs(clock.now() - first) < timedelta(seconds=30)

        olivia.devstore.move_clock(minutes=5)
        assert Client().get(path).status_code == 302

        row.refresh_from_db()
        assert row.returned_at == first

    def test_a_forged_return_grants_nothing(self, olivia):
        row = olivia.buy("small", decision="")

        Client().get(f"/billing/return/{row.reference}?charge_id={row.gid.rpartition('/')[2]}")
        olivia.nudge()

        assert olivia.account.package_balance == 0
        assert Client().get("/billing/return/guessed").status_code == 404

    def test_twenty_strangers_at_the_return_address_ask_shopify_once(self, olivia, monkeypatch):
        row = olivia.buy("small", decision="")
        sent: list[str] = []
        monkeypatch.setattr(app, "send_task", lambda name, **_options: sent.append(name))
        monkeypatch.setattr(after_commit, "tell", lambda tell: tell())

        for _stranger in range(20):
            assert Client().get(f"/billing/return/{row.reference}").status_code == 302

        assert sent == [schedule.RECONCILE]

    def test_another_stores_charge_is_not_found(self, olivia, sam):
        row = olivia.buy("small")

        assert sam.fetch(f"/plans/confirmation/{row.reference}").status_code == 404
        assert sam.open("/plans", charge=row.reference).status_code == 404

    def test_a_scheduled_downgrade_is_told(self, olivia):
        olivia.subscribe("growth")
        olivia.nudge()
        row = olivia.subscribe("starter", decision="")
        Client().get(self.return_path(olivia, row))

        told = words(olivia.fetch(f"/plans/confirmation/{row.reference}"))

        assert "Downgrade scheduled" in told
        assert "Downgrade to Starter is scheduled for" in words(olivia.open("/plans"))
        assert "$19 on" in words(olivia.open("/plans"))
