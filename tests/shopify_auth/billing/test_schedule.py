"""When Shopify is asked again, and what the schedule and the night bring."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from ecomvance_app import clock
from shopify_auth import tasks
from shopify_auth.admin_api.errors import ShopifyError
from shopify_auth.billing import reconcile, sweeps
from shopify_auth.billing.schedule import after_failure, next_check
from shopify_auth.models import (
    BillingCheck,
    BillingDifference,
    Purchase,
    Subscription,
    WebhookDelivery,
)
from shopify_auth.stores import uninstalls
from tests.devstore_fixture import DevStore
from tests.embedded import SECOND_SHOP
from tests.merchants import Owner
from tests.shopify_auth.answers import answer_with

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TRIAL = ("trial_grant", 100, 0)


@pytest.fixture
def olivia(store_access: DevStore) -> Owner:
    return Owner(store_access)


@pytest.fixture
def sam(store_access: DevStore) -> Owner:
    return Owner(store_access, SECOND_SHOP)


def placed() -> list[int]:
    """The stores that have a place now, by their ids."""
    held = BillingCheck.objects.filter(place_until__gt=clock.now()).order_by("shop_id")
    return list(held.values_list("shop_id", flat=True))


def night() -> list[int]:
    """What the schedule sends in a night, worked off; the stores in their order."""
    compared = []
    sweeps.send_comparisons(clock.now())
    while held := placed():
        tasks.compare_store(shop_id=held[0])
        compared.append(held[0])
    return compared


def subscription(**fields) -> Subscription:
    return Subscription(price=Decimal(19), created_at=NOON, **fields)


def waits(charge, first: datetime, count: int) -> list[float]:
    """Minutes between the questions that are asked while nothing changes."""
    instants = [first]
    while len(instants) <= count:
        due = next_check([charge], instants[-1])
        assert due is not None
        instants.append(due)
    return [(b - a) / MINUTE for a, b in pairwise(instants)]


class TestNextCheck:
    def test_nothing_is_asked_before_the_period_ends(self):
        running = subscription(status="ACTIVE", granted_until=NOON + timedelta(days=30))

        assert next_check([running], NOON) == running.granted_until

    def test_a_renewal_is_asked_for_ever_more_rarely(self):
        lapsed = subscription(status="ACTIVE", granted_until=NOON)

        assert waits(lapsed, NOON, 10) == [5, 5, 10, 20, 40, 80, 160, 320, 640, 720]

    def test_one_that_never_brought_a_period_is_asked_for_ever_more_rarely(self):
        unpaid = subscription(status="ACTIVE", test=True)

        assert waits(unpaid, NOON, 10) == [5, 5, 10, 20, 40, 80, 160, 320, 640, 720]

    def test_an_open_approval_is_asked_for_until_it_lapses(self):
        waiting = subscription(status="PENDING")

        asked = waits(waiting, NOON, 9)

        assert asked[:4] == [10, 10, 20, 40]
        assert sum(asked[:9]) <= 2 * 24 * 60

    def test_after_two_days_it_is_still_asked_for(self):
        waiting = subscription(status="PENDING")

        assert next_check([waiting], NOON + timedelta(days=2)) == NOON + timedelta(days=2.5)

    def test_a_payment_is_asked_for_soon_after_the_return(self):
        paying = subscription(status="PENDING", returned_at=NOON)

        assert waits(paying, NOON, 4) == [1, 1, 2, 4]

    def test_the_earliest_of_all_counts(self):
        running = subscription(status="ACTIVE", granted_until=NOON + timedelta(days=30))
        frozen = subscription(status="FROZEN")

        assert next_check([running, frozen], NOON) == NOON + timedelta(hours=12)

    @pytest.mark.parametrize("status", ["DECLINED", "EXPIRED", "CANCELLED", "REFUSED"])
    def test_what_is_over_is_never_asked_for(self, status):
        assert next_check([subscription(status=status)], NOON) is None

    def test_failures_double_the_wait_up_to_six_hours(self):
        asked = [(after_failure(failures, NOON) - NOON) / MINUTE for failures in (1, 2, 3, 99)]

        assert asked == [2, 4, 8, 360]


@pytest.mark.django_db
class TestSchedule:
    def test_a_renewal_nobody_told_of_is_found_days_late_and_granted_once(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        olivia.devstore.move_clock(days=33)

        assert sweeps.send_due(clock.now()) == 1
        tasks.reconcile_charges(shop_id=olivia.shop.pk)
        tasks.reconcile_charges(shop_id=olivia.shop.pk)

        assert olivia.ledger()[2:] == [
            ("plan_grant", 3000, 0), ("expire", -3000, 0), ("plan_grant", 3000, 0),
        ]  # fmt: skip
        assert sweeps.send_due(clock.now()) == 0

    def test_a_message_that_is_lost_is_sent_again(self, olivia):
        olivia.buy("small")
        olivia.devstore.move_clock(minutes=11)
        assert sweeps.send_due(clock.now()) == 1
        assert sweeps.send_due(clock.now()) == 0
        olivia.devstore.move_clock(minutes=6)

        assert sweeps.send_due(clock.now()) == 1

    def test_an_approval_that_lapsed_is_closed_after_two_days(self, olivia):
        olivia.buy("small", decision="")
        olivia.nudge()
        olivia.devstore.move_clock(days=2)

        assert sweeps.send_due(clock.now()) == 1
        tasks.reconcile_charges(shop_id=olivia.shop.pk)

        assert Purchase.objects.get().status == "EXPIRED"
        assert BillingCheck.objects.get().due_at is None

    def test_shopify_being_down_is_no_failure_of_the_task(self, olivia):
        olivia.buy("small")
        olivia.devstore.move_clock(minutes=10)
        olivia.devstore.misbehave(handle=olivia.handle, locked_store=1)

        tasks.reconcile_charges(shop_id=olivia.shop.pk)
        tasks.reconcile_charges(shop_id=0)

        assert BillingCheck.objects.get().failures == 1

    def test_the_night_finds_what_no_nudge_brought_and_says_so(self, olivia):
        row = olivia.buy("small")

        assert night() == [olivia.shop.pk]
        assert night() == []

        assert olivia.ledger() == [TRIAL, ("package", 0, 500)]
        assert BillingDifference.objects.get(kind="late").gid == row.gid

    def test_a_night_without_differences_is_silent(self, olivia):
        olivia.buy("small")
        olivia.nudge()
        olivia.devstore.move_clock(days=1)

        assert night() == [olivia.shop.pk]
        assert not BillingDifference.objects.exists()

    def test_what_the_night_finds_in_two_periods_is_said_twice(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        for _period in range(2):
            olivia.devstore.move_clock(days=30)
            night()

        assert BillingDifference.objects.filter(kind="late").count() == 2

    def test_a_store_that_fails_takes_no_other_stores_turn(self, olivia, sam, monkeypatch):
        monkeypatch.setattr(sweeps, "COMPARED_AT_ONCE", 1)
        olivia.devstore.misbehave(handle=olivia.handle, locked_store=-1)
        sam.buy("small")

        assert night() == [olivia.shop.pk, sam.shop.pk]

        assert BillingCheck.objects.get(shop=olivia.shop).error
        assert sam.ledger() == [TRIAL, ("package", 0, 500)]
        assert night() == []

    def test_the_longest_untried_store_comes_first(self, olivia, sam, monkeypatch):
        """Nights are cut short, and nobody else asks about a store that nobody opens."""
        monkeypatch.setattr(sweeps, "COMPARED_AT_ONCE", 1)
        for owner, days in ((olivia, 2), (sam, 3)):
            owner.nudge()
            tried_at = clock.now() - timedelta(days=days)
            BillingCheck.objects.filter(shop=owner.shop).update(tried_at=tried_at)
            owner.buy("small")

        assert sweeps.send_comparisons(clock.now()) == 1
        tasks.compare_store(shop_id=placed()[0])

        assert (olivia.account.package_balance, sam.account.package_balance) == (0, 500)

    def test_the_night_goes_on_after_an_answer_that_nobody_expected(self, olivia, sam, monkeypatch):
        sam.buy("small")
        answer_with(monkeypatch, "AppInstallation", 200, '{"data": {}}', domain=olivia.domain)

        assert sorted(night()) == sorted([olivia.shop.pk, sam.shop.pk])

        assert sam.ledger() == [TRIAL, ("package", 0, 500)]

    def test_the_night_takes_a_few_places_and_each_for_one_store(self, olivia, sam, monkeypatch):
        monkeypatch.setattr(sweeps, "COMPARED_AT_ONCE", 1)

        assert sweeps.send_comparisons(clock.now()) == 1
        assert sweeps.send_comparisons(clock.now()) == 0
        [first] = placed()
        tasks.compare_store(shop_id=first)

        # Whoever is done has sent the next.
        assert placed() == [({olivia.shop.pk, sam.shop.pk} - {first}).pop()]

    def test_a_store_is_asked_by_one_worker_at_a_time(self, olivia, monkeypatch):
        asked = []
        monkeypatch.setattr(reconcile, "reconcile_charges", lambda *_a, **_k: asked.append(1))
        assert sweeps.take_place(olivia.shop.pk, clock.now())

        tasks.reconcile_charges(shop_id=olivia.shop.pk)

        assert not asked
        assert sweeps.send_due(clock.now()) == 1
        sweeps.leave_place(olivia.shop.pk)
        tasks.reconcile_charges(shop_id=olivia.shop.pk)
        assert len(asked) == 1
        assert placed() == []

    def test_a_store_whose_webhook_is_worked_on_waits_for_its_comparison(self, olivia):
        WebhookDelivery.objects.create(
            webhook_id="w", topic="shop/redact", subject=olivia.domain, received_at=clock.now(),
            due_at=clock.now(), claimed_until=clock.now() + MINUTE,
        )  # fmt: skip
        sweeps.send_comparisons(clock.now())

        tasks.compare_store(shop_id=olivia.shop.pk)

        assert BillingCheck.objects.get().checked_at is None
        assert sweeps.send_comparisons(clock.now()) == 0
        WebhookDelivery.objects.all().delete()
        olivia.devstore.move_clock(minutes=2)
        assert night() == [olivia.shop.pk]
        assert BillingCheck.objects.get().checked_at is not None

    def test_a_comparison_whose_message_was_lost_is_sent_again(self, olivia):
        assert sweeps.send_comparisons(clock.now()) == 1
        olivia.devstore.move_clock(minutes=11)

        assert night() == [olivia.shop.pk]


@pytest.mark.django_db
class TestLeaving:
    def test_uninstalling_ends_the_plan_at_once_and_keeps_its_credits(self, olivia):
        olivia.subscribe("starter")
        olivia.buy("small")
        olivia.nudge()
        olivia.devstore.press("uninstall", olivia.handle)

        assert uninstalls.uninstall(olivia.shop, uninstalls.last_refresh(olivia.shop), clock.now())

        assert Subscription.objects.get().status == "CANCELLED"
        assert BillingCheck.objects.get().due_at is None
        assert olivia.nudge().granted == []
        assert (olivia.account.plan_balance, olivia.account.package_balance) == (3000, 500)

    def test_an_erased_store_is_named_in_no_charge(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        olivia.buy("small", decision="")
        olivia.devstore.misbehave(handle=olivia.handle, locked_store=1)
        with pytest.raises(ShopifyError):
            olivia.nudge()
        uninstalls.uninstall(olivia.shop, uninstalls.last_refresh(olivia.shop), clock.now())
        uninstalls.redact(olivia.shop, clock.now() + timedelta(hours=48))

        models = (Subscription, Purchase, BillingCheck, BillingDifference)
        kept = [str(list(model.objects.values())) for model in models]
        assert olivia.handle not in "".join(kept)
        assert Subscription.objects.get().asked_by is None

    def test_back_within_the_paid_period_nothing_is_granted_twice(self, olivia):
        olivia.subscribe("starter")
        olivia.nudge()
        olivia.devstore.press("uninstall", olivia.handle)
        uninstalls.uninstall(olivia.shop, uninstalls.last_refresh(olivia.shop), clock.now())
        olivia.devstore.move_clock(days=10)
        olivia.devstore.press("install", olivia.handle)
        olivia.open("/")

        olivia.subscribe("starter")
        olivia.nudge()
        assert [line for line in olivia.ledger() if line[0] == "plan_grant"] == [
            ("plan_grant", 3000, 0)
        ]
        olivia.devstore.move_clock(days=21)
        olivia.nudge()

        assert olivia.ledger()[-2:] == [("expire", -3000, 0), ("plan_grant", 3000, 0)]
