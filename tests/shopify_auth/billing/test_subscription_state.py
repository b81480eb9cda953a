"""What the plans page says in each state of a subscription, and what it offers then."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from credits import ledger
from credits.models import Plan
from ecomvance_app import clock
from shopify_auth.billing import subscription_state
from shopify_auth.models import Purchase, Shop, Subscription
from tests.devstore_fixture import DevStore
from tests.merchants import Owner

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    return Owner(store_access)


def words(response: Any) -> str:
    """The page's text in one line."""
    return " ".join(response.content.decode().split())


def freeze(owner: Owner) -> None:
    """Let the next renewal of the owner's plan fail for want of money."""
    owner.devstore.misbehave(handle=owner.handle, renewal_unpaid=1)
    owner.devstore.move_clock(days=30)
    owner.nudge()


class TestScheduledDowngrade:
    def approve(self, owner: Owner, plan: str, *, returns: bool = True) -> Subscription:
        """Choose a plan and approve it; the tab may be closed before Shopify leads back."""
        row = owner.subscribe(plan, decision="")
        path = urlsplit(owner.decide(row, "approve")).path
        if returns:
            Client().get(path)
        owner.nudge()
        return row

    @pytest.fixture
    def scale(self, olivia: Owner) -> Owner:
        olivia.subscribe("scale")
        olivia.nudge()
        return olivia

    def test_it_is_known_without_a_return_once_an_approval_would_have_lapsed(self, scale):
        self.approve(scale, "starter", returns=False)

        first = words(scale.open("/plans"))
        scale.devstore.move_clock(days=2)
        later = words(scale.fetch("/plans/content"))

        assert "waits for your approval. If you have given it on Shopify's page" in first
        assert "is scheduled for" not in first
        assert "Downgrade to Starter is scheduled for" in later
        assert "waits for your approval" not in later

    def test_a_newer_request_that_nobody_approved_does_not_hide_it(self, scale):
        self.approve(scale, "growth")
        scale.devstore.move_clock(hours=1)
        scale.subscribe("starter", decision="")

        page = words(scale.open("/plans"))

        assert "Downgrade to Growth is scheduled for" in page
        assert "Starter plan, 3,000 credits" in page
        assert "waits for your approval" in page

    def test_behind_a_lapsed_renewal_it_names_no_past_day(self, scale):
        self.approve(scale, "starter")
        scale.devstore.move_clock(days=30)
        scale.devstore.misbehave(handle=scale.handle, server_error=-1)

        page = words(scale.open("/plans"))

        assert "Renewal is being confirmed" in page
        assert "Downgrade to Starter begins with your next period." in page
        assert "is scheduled for" not in page
        assert "Begins on" not in page

    def test_an_upgrade_takes_its_place(self, olivia):
        olivia.subscribe("growth")
        olivia.nudge()
        downgrade = self.approve(olivia, "starter")
        olivia.devstore.move_clock(hours=1)
        self.approve(olivia, "scale")

        page = words(olivia.open("/plans"))
        olivia.devstore.move_clock(days=30)
        olivia.nudge()

        assert "is scheduled for" not in page
        assert "has not confirmed the payment yet" not in page
        told = words(olivia.fetch(f"/plans/confirmation/{downgrade.reference}"))
        assert "This plan has been replaced" in told
        statuses = Subscription.objects.filter(status="ACTIVE").values_list("handle", flat=True)
        assert list(statuses) == ["scale"]

    def test_the_scheduled_plan_is_not_offered_again(self, scale):
        assert "Downgrade to Starter" in words(scale.open("/plans"))

        self.approve(scale, "starter")
        page = words(scale.open("/plans"))

        assert "Downgrade to Growth" in page
        assert 'name="plan" value="starter"' not in page
        assert "Begins on" in page

    def test_it_is_told_only_after_shopify_was_asked(self, scale):
        row = scale.subscribe("starter", decision="")
        Client().get(f"/billing/return/{row.reference}")

        assert "is scheduled for" not in words(scale.open("/plans"))


class TestComingBackLater:
    """The address with ?charge=… is reloaded or bookmarked when things have moved on."""

    def told(self, owner: Owner, row: Subscription | Purchase) -> str:
        return words(owner.open("/plans", charge=row.reference)) + words(
            owner.fetch(f"/plans/confirmation/{row.reference}")
        )

    def test_a_plan_that_was_replaced_was_not_refused(self, olivia):
        row = olivia.subscribe("starter")
        olivia.nudge()
        olivia.devstore.move_clock(hours=1)
        olivia.subscribe("growth")
        olivia.nudge()

        told = self.told(olivia, row)

        assert "This plan has been replaced" in told
        assert "your plan is Growth." in told
        assert "Not approved" not in told
        assert "Confirming with Shopify" not in told

    def test_a_plan_that_was_cancelled_has_ended(self, olivia):
        row = olivia.subscribe("starter")
        olivia.nudge()
        olivia.cancel()

        told = self.told(olivia, row)

        assert "This plan has ended" in told
        assert "Not approved" not in told

    def test_a_frozen_plan_has_an_unpaid_bill(self, olivia):
        row = olivia.subscribe("starter")
        olivia.nudge()
        freeze(olivia)

        told = self.told(olivia, row)

        assert "Shopify reports an unpaid bill" in told
        assert "Not approved" not in told

    @pytest.mark.parametrize(
        ("decision", "days", "said"),
        [("decline", 0, "was declined."), ("", 2, "was not approved within two days.")],
    )
    def test_what_was_not_approved_is_said_as_it_was(self, olivia, decision, days, said):
        row = olivia.subscribe("starter", decision)
        olivia.devstore.move_clock(days=days)

        told = words(olivia.fetch(f"/plans/confirmation/{row.reference}"))

        assert said in told
        assert "Not approved" in told

    def test_what_shopify_refused_could_not_be_started(self, olivia):
        Plan.objects.filter(handle="starter").update(price_usd="0.10")
        olivia.post("/plans/subscribe", plan="starter")

        told = self.told(olivia, Subscription.objects.get())

        assert "could not be started. Nothing was charged." in told
        assert "Not approved" not in told


class TestUnpaidBill:
    def test_it_leads_to_the_stores_bills_and_offers_no_charge(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        freeze(olivia)

        page = words(olivia.fetch("/plans/content"))

        bills = f"{olivia.devstore.url}/shops/{olivia.domain}/admin/settings/billing"
        assert f'href="{bills}" target="_top"' in page
        assert "/plans/subscribe" not in page
        assert "/plans/buy" not in page
        # The warning that was shown before, with its offer to buy, goes.
        banner = page.partition('id="page-banner"')[2].partition("</div>")[0]
        assert banner.endswith('hx-swap-oob="true">')
        assert page.count("Pay the open Shopify bill first.") == 7
        refused = olivia.post("/plans/buy", package="small")
        assert refused.status_code == 422
        assert not Purchase.objects.exists()

    def test_an_open_page_sees_that_it_is_paid(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        freeze(olivia)
        frozen = olivia.open("/plans")
        assert 'hx-trigger="every 30s"' in words(frozen)

        olivia.devstore.press("recover", olivia.handle)
        olivia.devstore.move_clock(minutes=1)
        paid = olivia.fetch("/plans/content", seen=frozen.context["fingerprint"])

        assert "unpaid bill" not in words(paid)
        assert "Upgrade to Growth" in words(paid)
        assert 'hx-trigger="every 30s"' not in words(paid)

    def test_a_late_renewal_is_awaited_by_the_open_page(self, olivia):
        olivia.subscribe("growth")
        olivia.nudge()
        olivia.devstore.move_clock(days=30)
        olivia.devstore.misbehave(handle=olivia.handle, locked_store=-1)

        page = words(olivia.open("/plans"))

        assert "Renewal is being confirmed" in page
        assert "Begins on" not in page
        assert 'hx-trigger="every 30s"' in page


class TestWords:
    def test_a_cancelled_plan_says_how_to_go_on(self, olivia):
        Plan.objects.filter(handle="growth").update(name="First Steps")
        olivia.subscribe("growth")
        olivia.nudge()
        olivia.subscribe("starter", decision="")
        olivia.cancel()

        response = olivia.open("/plans")
        page = words(response)

        assert "Changed your mind? Choose First Steps again before that date" in page
        assert "Choose First Steps again</button>" in page
        recommended = [card for card in response.context["cards"] if card.is_recommended]
        assert [card.plan.handle for card in recommended] == ["growth"]
        assert "0 package credits" not in page
        # The downgrade that is still open at Shopify would begin at once.
        assert "is not approved yet" in page

    def test_one_package_credit_is_one(self, olivia):
        olivia.subscribe("starter")
        olivia.buy("small")
        olivia.nudge()
        ledger.adjust(olivia.account.pk, "package", -499, "all but one", "staff", "test")

        assert "1 package credit is kept." in words(olivia.open("/plans"))
        olivia.cancel()
        assert "You keep 1 package credit." in words(olivia.open("/plans"))

    def test_plans_go_by_their_names(self, olivia):
        Plan.objects.filter(handle="growth").update(name="Second Wind")
        olivia.subscribe("growth")
        olivia.nudge()

        page = words(olivia.open("/plans"))

        assert '<h2 id="now"> Second Wind </h2>' in page
        assert "Cancel Second Wind?" in page

    def test_more_credits_for_the_same_price_are_other_terms(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        Plan.objects.filter(handle="starter").update(credits=3_500)

        page = words(olivia.open("/plans"))

        assert "Switch to today's terms" in page
        assert "Your plan" not in page

    def test_a_plan_says_what_it_is_enough_for(self, olivia):
        page = words(olivia.open("/plans"))

        assert "Enough for 150 cut-outs or 60 images or 7 videos of 4 seconds" in page
        assert "About $0.13 a cut-out" in page

    @pytest.mark.parametrize("granted", [False, True])
    def test_a_test_charge_left_over_brings_nothing_and_hinders_nothing(
        self, store_access, granted
    ):
        with store_access.changed_shop("olivias-mugs") as shop:
            shop.partner_development = True
        olivia = Owner(store_access)
        olivia.subscribe("starter")
        if granted:
            olivia.nudge()
        with store_access.changed_shop("olivias-mugs") as shop:
            shop.partner_development = False
        olivia.nudge()

        page = words(olivia.open("/plans"))

        assert "is a test charge from when this was a development store" in page
        assert "Choose Starter" in page
        assert 'id="cancel-plan"' not in page
        assert not Shop.objects.get().is_development_store


@pytest.mark.parametrize(
    ("test", "develops", "debug", "counts"),
    [
        (False, False, False, True),
        (False, True, False, True),
        (True, False, False, False),
        (True, True, False, True),
        (True, False, True, True),
    ],
)
def test_a_test_charge_counts_where_nobody_pays(settings, test, develops, debug, counts):
    """The row's own word and the database's are the same."""
    now = clock.now()
    shop = Shop.objects.create(
        domain="olivias-mugs.myshopify.com", installed_at=now, is_development_store=develops
    )
    row = Subscription.objects.create(
        shop=shop, status="ACTIVE", name="Starter", handle="starter", credits=3000, price=19,
        created_at=now, test=test,
    )  # fmt: skip
    settings.DEBUG = debug
    assert row.counts() is counts
    assert Subscription.objects.counting().exists() is counts
    assert subscription_state.running_subscription(shop) == (row if counts else None)
