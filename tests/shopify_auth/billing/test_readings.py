"""Shopify does not answer: what counts as a failure, and when it is asked again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ecomvance_app import clock
from shopify_auth.admin_api.errors import ShopifyError, ShopifyUnavailable
from shopify_auth.billing import reconcile
from shopify_auth.billing.readings import read_charges
from shopify_auth.models import BillingCheck, Purchase
from tests.devstore_fixture import DevStore
from tests.merchants import Owner

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    return Owner(store_access)


class TestFailures:
    def test_an_open_page_leaves_shopify_alone_after_a_failure(self, olivia):
        olivia.buy("small")
        olivia.devstore.misbehave(handle=olivia.handle, locked_store=3)

        for _second in range(5):
            olivia.fetch("/plans/content")

        assert olivia.devstore.shop(olivia.handle).misbehaviour.locked_store == 2
        olivia.devstore.move_clock(minutes=3)
        olivia.fetch("/plans/content")
        assert olivia.devstore.shop(olivia.handle).misbehaviour.locked_store == 1

    def test_questions_that_were_not_due_never_lengthen_the_waits(self, olivia):
        olivia.buy("small", "approve_pending")
        Purchase.objects.update(returned_at=clock.now())
        olivia.nudge()
        due_at = BillingCheck.objects.get().due_at
        olivia.devstore.misbehave(handle=olivia.handle, locked_store=-1)

        for _question in range(3):
            with pytest.raises(ShopifyError):
                olivia.nudge()
        check = BillingCheck.objects.get()
        assert (check.failures, check.due_at) == (0, due_at)

        olivia.devstore.move_clock(minutes=1)
        with pytest.raises(ShopifyError):
            olivia.nudge()
        check.refresh_from_db()
        assert check.failures == 1
        assert check.due_at is not None
        assert check.due_at - clock.now() > timedelta(minutes=1)

    def test_a_failure_that_an_answer_has_overtaken_is_nothing(self, olivia, monkeypatch):
        olivia.buy("small")

        def fail_slowly(shop, expected):
            monkeypatch.setattr(reconcile, "read_charges", read_charges)
            olivia.nudge()
            raise ShopifyUnavailable("after a minute")

        monkeypatch.setattr(reconcile, "read_charges", fail_slowly)
        with pytest.raises(ShopifyUnavailable):
            olivia.nudge()

        check = BillingCheck.objects.get()
        assert (check.failures, check.error, check.due_at) == (0, "", None)
