"""What is asked for again when an answer, a nudge or a moment was lost: soon, and not too often."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ecomvance_app import clock
from shopify_auth.admin_api import queries
from shopify_auth.admin_api.errors import ShopifyUnavailable
from shopify_auth.billing import charges, reconcile, sweeps
from shopify_auth.models import BillingCheck, Purchase
from tests.devstore_fixture import DevStore
from tests.embedded import SECOND_SHOP
from tests.merchants import Owner

pytestmark = pytest.mark.django_db
TRIAL = ("trial_grant", 100, 0)


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    return Owner(store_access)


@pytest.fixture
def sam(store_access: DevStore) -> Owner:
    return Owner(store_access, SECOND_SHOP)


def due_in(owner: Owner) -> timedelta:
    """When Shopify is asked about the store again."""
    due_at = BillingCheck.objects.get(shop=owner.shop).due_at
    assert due_at is not None
    return due_at - clock.now()


class TestTheNextQuestion:
    def test_a_purchase_brings_it_forward(self, olivia):
        """With a plan it would be due in a month, and nobody might come back from the approval."""
        olivia.subscribe("starter")
        olivia.nudge()
        assert due_in(olivia) > timedelta(days=29)

        olivia.buy("small")

        assert due_in(olivia) <= charges.FIRST_QUESTION

    def test_a_purchase_does_not_put_off_what_is_due_earlier(self, olivia):
        olivia.nudge()
        BillingCheck.objects.update(due_at=clock.now() + timedelta(minutes=1))

        olivia.buy("small")

        assert due_in(olivia) <= timedelta(minutes=1)

    @pytest.mark.parametrize("buy", [Owner.buy, Owner.subscribe])
    def test_after_a_silence_it_is_asked_at_once(self, olivia, buy):
        olivia.nudge()
        olivia.devstore.misbehave(handle=olivia.handle, server_error=1)

        with pytest.raises(ShopifyUnavailable):
            buy(olivia, {Owner.buy: "small", Owner.subscribe: "starter"}[buy])

        assert sweeps.send_due(clock.now()) == 1

    def test_an_open_page_asks_once_in_two_seconds(self, olivia):
        now = clock.now()
        reconcile.reconcile_charges(olivia.shop, now=now)
        second = timedelta(seconds=1)

        assert not reconcile.is_worth_asking(olivia.shop, now + second)
        assert reconcile.is_worth_asking(olivia.shop, now + 3 * second)
        # Who came back from the approval page since is told what has come of it.
        assert reconcile.is_worth_asking(olivia.shop, now + second, since=now + second / 2)


class TestLateAnswers:
    def test_one_never_undoes_what_a_comparison_has_found_meanwhile(self, olivia, monkeypatch):
        """The charge is approved and compared before the answer to its creation is written."""
        ask = queries.ask

        def answer_late(shop, document, **variables):
            payload = ask(shop, document, **variables)
            if document.name == "PurchaseCreate":
                gid = payload["appPurchaseOneTime"]["id"]
                olivia.devstore.decide(gid, "approve", olivia.handle)
                olivia.nudge()
            return payload

        monkeypatch.setattr(queries, "ask", answer_late)
        row = olivia.buy("small", decision="")

        assert row.status == "ACTIVE"
        assert olivia.ledger() == [TRIAL, ("package", 0, 500)]

    def test_a_receipt_in_another_stores_charge_is_not_ours(self, olivia, sam):
        row = olivia.buy("small")
        Purchase.objects.update(gid=None, status="REQUESTED", confirmation_url="")
        with olivia.devstore.changed_shop(olivia.handle) as shop:
            theirs = shop.charges[0].model_copy(deep=True, update={"number": 4_000_001})
        with sam.devstore.changed_shop(sam.handle) as shop:
            shop.charges.append(theirs)

        sam.nudge()

        unanswered = Purchase.objects.get(shop=olivia.shop)
        assert (unanswered.gid, unanswered.granted_at) == (None, None)
        olivia.nudge()
        unanswered.refresh_from_db()
        assert unanswered.gid == row.gid
        assert olivia.ledger() == [TRIAL, ("package", 0, 500)]
