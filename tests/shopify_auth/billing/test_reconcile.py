"""What Shopify says is paid becomes credits, once, in whatever order its nudges come."""

from __future__ import annotations

from datetime import timedelta

import pytest

from credits.models import LedgerEntry, Package, Plan
from ecomvance_app import clock
from shopify_auth.billing import subscription_state
from shopify_auth.models import Subscription
from tests.devstore_fixture import DevStore
from tests.merchants import Owner

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    return Owner(store_access)


TRIAL = ("trial_grant", 100, 0)
TRIAL_ENDS = ("expire", -100, 0)


class TestPackages:
    def test_an_approved_package_is_added_once(self, olivia):
        row = olivia.buy("small")

        olivia.nudge()
        olivia.nudge()

        assert olivia.ledger() == [TRIAL, ("package", 0, 500)]
        entry = LedgerEntry.objects.get(kind="package")
        assert entry.key == f"purchase:{row.gid}"
        row.refresh_from_db()
        assert (row.status, row.credits) == ("ACTIVE", 500)

    def test_nothing_is_added_before_it_is_paid(self, olivia):
        row = olivia.buy("small", "approve_pending")
        olivia.nudge()
        assert olivia.ledger() == [TRIAL]

        number = row.gid.rpartition("/")[2]
        olivia.devstore.press("charge", olivia.handle, number=number, verb="pay")
        olivia.nudge()

        assert olivia.ledger() == [TRIAL, ("package", 0, 500)]

    def test_it_has_the_credits_it_was_sold_with(self, olivia):
        olivia.buy("small")
        Package.objects.filter(handle="small").update(credits=1, on_sale=False)

        olivia.nudge()

        assert olivia.ledger()[-1] == ("package", 0, 500)


class TestPlans:
    def test_a_plan_ends_the_trial(self, olivia):
        row = olivia.subscribe("starter")

        olivia.nudge()
        olivia.nudge()

        assert olivia.ledger() == [TRIAL, TRIAL_ENDS, ("plan_grant", 3000, 0)]
        row.refresh_from_db()
        account = olivia.account
        assert account.period_end == row.current_period_end == row.granted_until
        assert timedelta(days=29) < row.granted_until - clock.now() <= timedelta(days=30)

    def test_an_upgrade_adds_the_difference(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        olivia.devstore.move_clock(days=10)

        olivia.subscribe("growth")
        olivia.nudge()

        assert olivia.ledger()[-1] == ("plan_grant", 5500, 0)
        assert subscription_state.running_subscription(olivia.shop).handle == "growth"
        assert Subscription.objects.get(handle="starter").status == "CANCELLED"

    @pytest.mark.parametrize("off", [timedelta(seconds=-3), timedelta(seconds=3)])
    def test_an_upgrade_whose_billing_date_is_told_less_exactly_adds_the_difference(
        self, olivia, off
    ):
        olivia.subscribe("starter")
        olivia.nudge()
        period_end = olivia.account.period_end
        olivia.subscribe("growth")
        with olivia.devstore.changed_shop(olivia.handle) as shop:
            upgrade = shop.charges[-1]
            assert upgrade.period_end
            upgrade.period_end += off

        olivia.nudge()
        olivia.nudge()

        assert olivia.ledger()[-2:] == [("plan_grant", 3000, 0), ("plan_grant", 5500, 0)]
        assert olivia.account.period_end == period_end

    def test_a_downgrade_waits_for_the_period(self, olivia):
        olivia.subscribe("growth")
        olivia.nudge()
        olivia.subscribe("starter")
        olivia.nudge()
        assert subscription_state.running_subscription(olivia.shop).handle == "growth"
        olivia.devstore.move_clock(days=30)

        olivia.nudge()

        assert olivia.ledger()[2:] == [
            ("plan_grant", 8500, 0), ("expire", -8500, 0), ("plan_grant", 3000, 0),
        ]  # fmt: skip
        assert subscription_state.running_subscription(olivia.shop).handle == "starter"

    def test_the_price_list_may_change_meanwhile(self, olivia):
        olivia.subscribe("starter")
        Plan.objects.filter(handle="starter").update(credits=10, on_sale=False)

        olivia.nudge()

        assert olivia.ledger()[-1] == ("plan_grant", 3000, 0)
