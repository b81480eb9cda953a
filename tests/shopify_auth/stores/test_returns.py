"""A store that left and came back while somebody was still asking Shopify about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from ecomvance_app import clock
from shopify_auth.admin_api import client, offline_tokens, queries
from shopify_auth.admin_api.documents import SHOP_DETAILS
from shopify_auth.admin_api.errors import NeedsReopen, ShopifyUnavailable
from shopify_auth.billing import reconcile
from shopify_auth.billing.readings import read_charges
from shopify_auth.models import OfflineToken, Shop
from shopify_auth.stores import uninstalls
from tests.devstore_fixture import DevStore
from tests.embedded import open_page
from tests.merchants import Owner
from tests.shopify_auth.webhooks.post import outcome, post, work

pytestmark = pytest.mark.django_db
TRIAL = ("trial_grant", 100, 0)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(offline_tokens, "WAIT_SECONDS", 0.1)


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    return Owner(store_access)


def token_of(owner: Owner) -> OfflineToken:
    return OfflineToken.objects.get(shop=owner.shop)


def leave(owner: Owner) -> None:
    """The merchant removes the app, and the app has heard of it."""
    owner.devstore.press("uninstall", owner.handle)
    assert uninstalls.uninstall(owner.shop, uninstalls.last_refresh(owner.shop), clock.now())


def come_back(owner: Owner) -> None:
    """The merchant installs the app again and opens it."""
    owner.devstore.press("install", owner.handle)
    assert open_page(Client(), owner.domain).status_code == 200
    owner.shop.refresh_from_db()
    assert owner.shop.state == Shop.State.INSTALLED


class TestReadings:
    @pytest.mark.parametrize("kind", ["plan", "package"])
    def test_one_that_began_before_the_departure_and_ends_after_the_return_is_dropped(
        self, olivia, monkeypatch, kind
    ):
        row = olivia.subscribe("starter") if kind == "plan" else olivia.buy("small")

        def read_slowly(shop, expected):
            reading = read_charges(shop, expected)
            leave(olivia)
            come_back(olivia)
            return reading

        with monkeypatch.context() as slow:
            slow.setattr(reconcile, "read_charges", read_slowly)
            changes = olivia.nudge()

        assert (changes.granted, changes.corrected) == ([], {})
        assert olivia.ledger() == [TRIAL]
        row.refresh_from_db()
        assert row.status == {"plan": "CANCELLED", "package": "PENDING"}[kind]

    def test_one_that_fails_after_the_return_is_no_failure(self, olivia, monkeypatch):
        olivia.buy("small")

        def fail_slowly(shop, expected):
            leave(olivia)
            come_back(olivia)
            raise ShopifyUnavailable("after a minute")

        monkeypatch.setattr(reconcile, "read_charges", fail_slowly)
        with pytest.raises(ShopifyUnavailable):
            olivia.nudge()

        olivia.shop.billing_check.refresh_from_db()
        check = olivia.shop.billing_check
        assert (check.failures, check.error, check.due_at) == (0, "", None)


@pytest.fixture
def meanwhile(monkeypatch):
    """Do something once while the token endpoint's next answer is on its way."""
    ask = client.ask_for_token

    def arrange(happening, *, answer=None):
        def answer_late(domain, **form):
            monkeypatch.setattr(client, "ask_for_token", ask)
            late = answer or ask(domain, **form)
            happening()
            return late

        monkeypatch.setattr(client, "ask_for_token", answer_late)

    return arrange


class TestRefreshes:
    def take_over(self, owner: Owner) -> None:
        """The claim ran out, and somebody else renews under one of their own."""
        OfflineToken.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
        offline_tokens.renew(owner.shop)

    def test_one_answered_after_its_claim_was_lost_stores_nothing(self, olivia, meanwhile):
        OfflineToken.objects.update(expires_at=timezone.now())
        meanwhile(lambda: self.take_over(olivia))

        with pytest.raises(offline_tokens.ClaimLost):
            offline_tokens.renew(olivia.shop)

        newest = olivia.devstore.shop(olivia.handle).tokens[-1]
        stored = token_of(olivia)
        assert stored.access_token == newest.access_token
        assert stored.refresh_token == newest.refresh_token

    def test_one_that_lost_its_claim_leaves_the_new_holder_theirs(self, olivia, meanwhile):
        """Else a third one would renew beside the second."""
        held = timezone.now() + timedelta(minutes=1)
        OfflineToken.objects.update(expires_at=timezone.now())
        meanwhile(lambda: OfflineToken.objects.update(claim="somebody", claimed_until=held))

        with pytest.raises(offline_tokens.ClaimLost):
            offline_tokens.renew(olivia.shop)

        stored = token_of(olivia)
        assert (stored.claim, stored.claimed_until) == ("somebody", held)

    def test_one_refused_after_its_claim_was_lost_closes_nothing(self, olivia, meanwhile):
        OfflineToken.objects.update(expires_at=timezone.now())
        dead = client.TokenAnswer(400, {"error": "invalid_grant"})
        meanwhile(lambda: self.take_over(olivia), answer=dead)

        with pytest.raises(NeedsReopen):
            offline_tokens.renew(olivia.shop)

        assert token_of(olivia).state == OfflineToken.State.ACTIVE

    @pytest.mark.parametrize("returns", [False, True])
    def test_one_answered_after_the_store_left_stores_nothing(self, olivia, meanwhile, returns):
        OfflineToken.objects.update(expires_at=timezone.now())

        def go() -> None:
            leave(olivia)
            if returns:
                come_back(olivia)

        meanwhile(go)
        with pytest.raises(offline_tokens.ClaimLost):
            offline_tokens.renew(olivia.shop)

        stored, known = token_of(olivia), olivia.devstore.shop(olivia.handle).tokens
        if returns:
            assert stored.access_token == known[-1].access_token
        else:
            assert (stored.state, stored.access_token, stored.refresh_token) == ("missing", "", "")

    def test_a_claim_of_before_the_departure_keeps_nobody_waiting_after_the_return(self, olivia):
        held = timezone.now() + timedelta(minutes=5)
        OfflineToken.objects.update(claim="somebody", claimed_until=held)

        leave(olivia)

        left = token_of(olivia)
        assert (left.claim, left.claimed_until) == ("", None)
        come_back(olivia)
        assert token_of(olivia).state == OfflineToken.State.ACTIVE


def test_a_store_whose_token_was_renewed_meanwhile_is_not_taken_as_gone(olivia, monkeypatch):
    """It had left when its token was tried, and was opened again before the answer came."""
    is_uninstalled = queries.is_uninstalled

    def find_out_slowly(shop):
        gone = is_uninstalled(shop)
        olivia.devstore.press("install", olivia.handle)
        # What the first page load after the return does.
        OfflineToken.objects.update(state=OfflineToken.State.NEEDS_REOPEN)
        come_back(olivia)
        return gone

    olivia.devstore.press("uninstall", olivia.handle)
    monkeypatch.setattr(queries, "is_uninstalled", find_out_slowly)
    post("app/uninstalled")
    work()

    assert outcome("app/uninstalled") == "Ignored: the store came back meanwhile"
    olivia.shop.refresh_from_db()
    assert olivia.shop.state == Shop.State.INSTALLED
    assert token_of(olivia).state == OfflineToken.State.ACTIVE
    assert queries.ask(olivia.shop, SHOP_DETAILS)["shop"]["name"] == olivia.handle


def test_the_return_page_of_an_erased_store_leads_nowhere(olivia):
    row = olivia.buy("small", decision="")
    assert Client().get(f"/billing/return/{row.reference}").status_code == 302

    leave(olivia)
    assert uninstalls.redact(olivia.shop, clock.now() + timedelta(hours=48, minutes=1))

    assert Client().get(f"/billing/return/{row.reference}").status_code == 404
