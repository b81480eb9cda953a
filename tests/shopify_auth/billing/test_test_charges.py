"""Test charges: what a development store pays, and what is refused elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest

from credits.models import LedgerEntry
from shopify_auth.billing import subscription_state
from shopify_auth.models import BillingDifference, Shop, Subscription
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


class TestTestCharges:
    def test_they_grant_nothing_in_a_store_that_ought_to_pay(self, olivia):
        olivia.subscribe("starter", decision="")
        with olivia.devstore.changed_shop(olivia.handle) as shop:
            shop.charges[0].test = True
        olivia.decide(Subscription.objects.get(), "approve")

        olivia.nudge()

        assert olivia.ledger() == [TRIAL]
        assert BillingDifference.objects.get().kind == "test"

    def test_a_development_store_makes_and_may_use_them(self, store_access):
        with store_access.changed_shop("olivias-mugs") as shop:
            shop.partner_development = True
        olivia = Owner(store_access)

        row = olivia.subscribe("starter")
        olivia.nudge()

        assert row.test
        assert olivia.ledger()[-1] == ("plan_grant", 3000, 0)

    def test_a_store_that_is_no_longer_a_development_store_is_found_out(self, store_access):
        with store_access.changed_shop("olivias-mugs") as shop:
            shop.partner_development = True
        olivia = Owner(store_access)
        olivia.subscribe("starter")
        with store_access.changed_shop("olivias-mugs") as shop:
            shop.partner_development = False

        olivia.nudge()

        assert olivia.ledger() == [TRIAL]
        assert not Shop.objects.get().is_development_store

    def test_a_former_development_store_can_subscribe(self, store_access):
        with store_access.changed_shop("olivias-mugs") as shop:
            shop.partner_development = True
        olivia = Owner(store_access)
        olivia.subscribe("starter")
        olivia.nudge()
        with store_access.changed_shop("olivias-mugs") as shop:
            shop.partner_development = False
        olivia.nudge()

        row = olivia.subscribe("starter")
        assert not row.test
        store_access.move_clock(days=31)
        olivia.nudge()

        assert olivia.ledger()[-1] == ("plan_grant", 3000, 0)
        assert subscription_state.running_subscription(olivia.shop) == row

    def test_without_a_period_end_periods_are_windows_of_30_days(self, store_access):
        with store_access.changed_shop("olivias-mugs") as shop:
            shop.partner_development = True
        store_access.misbehave(handle="olivias-mugs", period_end_hidden=-1)
        olivia = Owner(store_access)

        row = olivia.subscribe("starter")
        olivia.nudge()
        store_access.move_clock(days=15)
        olivia.subscribe("growth")
        olivia.nudge()
        store_access.move_clock(days=16)
        olivia.nudge()
        olivia.nudge()

        assert olivia.ledger()[2:] == [
            ("plan_grant", 3000, 0), ("plan_grant", 5500, 0),
            ("expire", -8500, 0), ("plan_grant", 8500, 0),
        ]  # fmt: skip
        days = []
        for entry in LedgerEntry.objects.filter(kind="plan_grant").order_by("sequence"):
            assert entry.period_end is not None
            days.append(round((entry.period_end - row.created_at) / timedelta(days=1)))
        assert days == [30, 30, 60]
