"""What the schedule does about billing: ask again where something is awaited, compare every night."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import F, Q

from ecomvance_app import clock, jobs
from shopify_auth.admin_api.errors import ShopifyError
from shopify_auth.billing import reconcile, schedule
from shopify_auth.models import BillingCheck, Shop, WebhookDelivery

logger = logging.getLogger(__name__)

COMPARE = "shopify_auth.compare_store"
SWEPT_AT_ONCE = 500
# A message that is lost is sent again after this long.
SENT_AGAIN_AFTER = timedelta(minutes=5)

# So many places of the queue that asks Shopify may the night take; the others are for webhooks.
COMPARED_AT_ONCE = 4
COMPARED_WITHIN = timedelta(hours=20)
# Longer than a comparison with a store that is slow to answer: then its worker is thought dead.
PLACE = timedelta(minutes=10)
# While a webhook of the store is worked on, the store has its place there.
AFTER_WEBHOOKS = timedelta(minutes=1)


def send_due(now: datetime) -> int:
    """Have every store compared whose time has come: renewals, open approvals, failed readings."""
    unsent = Q(tried_at=None) | Q(tried_at__lte=F("due_at"))
    unsent |= Q(tried_at__lte=now - SENT_AGAIN_AFTER)
    due = BillingCheck.objects.filter(unsent, due_at__lte=now, shop__state=Shop.State.INSTALLED)
    shop_ids = list(due.order_by("due_at").values_list("shop_id", flat=True)[:SWEPT_AT_ONCE])
    BillingCheck.objects.filter(shop_id__in=shop_ids).update(tried_at=now)
    for shop_id in shop_ids:
        jobs.enqueue(schedule.RECONCILE, shop_id=shop_id)
    return len(shop_ids)


# --- Places --------------------------------------------------------------------------------------


def take_place(shop_id: int, now: datetime) -> bool:
    """Whether the store has a place now: one at a time, so that a slow one takes no others'."""
    BillingCheck.objects.get_or_create(shop_id=shop_id)
    free = Q(place_until=None) | Q(place_until__lte=now)
    mine = BillingCheck.objects.filter(free, shop_id=shop_id).update(place_until=now + PLACE)
    return bool(mine)


def leave_place(shop_id: int) -> None:
    """Whoever is next may ask the store."""
    BillingCheck.objects.filter(shop_id=shop_id).update(place_until=None)


def ask_later(shop_id: int, now: datetime) -> None:
    """The store is being asked already: the schedule asks again after that."""
    BillingCheck.objects.filter(shop_id=shop_id).update(due_at=now, tried_at=None)


# --- The night -----------------------------------------------------------------------------------


def send_comparisons(now: datetime) -> int:
    """Send stores that nobody tried to compare today, the longest untried first; how many.

    As many as there are places left. Called every few minutes of the night, and whenever a
    comparison has ended: no worker holds its place for longer than one store. A store that fails has
    been tried: it never takes another one's turn.
    """
    untried = Q(billing_check=None) | Q(billing_check__tried_at=None)
    untried |= Q(billing_check__tried_at__lt=now - COMPARED_WITHIN)
    placed = Q(billing_check__place_until__gt=now)
    shops = Shop.objects.filter(untried, ~placed, state=Shop.State.INSTALLED, account__isnull=False)
    longest_first = F("billing_check__tried_at").asc(nulls_first=True)
    left = COMPARED_AT_ONCE - BillingCheck.objects.filter(place_until__gt=now).count()
    sent = 0
    for shop_id in shops.order_by(longest_first, "pk").values_list("pk", flat=True)[: max(left, 0)]:
        if take_place(shop_id, now):
            jobs.enqueue(COMPARE, shop_id=shop_id)
            sent += 1
    return sent


def compare(shop_id: int, now: datetime) -> None:
    """Compare one store that was given its place; what has to be put right is reported to staff."""
    shop = Shop.objects.filter(pk=shop_id, state=Shop.State.INSTALLED).first()
    if shop is not None and _has_webhook_under_way(shop, now):
        until = now + AFTER_WEBHOOKS
        BillingCheck.objects.filter(shop_id=shop_id).update(place_until=until)
        return
    try:
        if shop is not None:
            reconcile.reconcile_charges(shop, now=now, nightly=True)
    except ShopifyError as error:
        logger.warning("%s is compared another night: %s", shop_id, error)
    except Exception:
        # Whatever is wrong with one store, the others have their night.
        logger.exception("Store %s could not be compared", shop_id)
        BillingCheck.objects.filter(shop_id=shop_id).update(tried_at=now)
    leave_place(shop_id)
    send_comparisons(clock.now())


def _has_webhook_under_way(shop: Shop, now: datetime) -> bool:
    return WebhookDelivery.objects.filter(
        subject__in=[name for name in (shop.domain, shop.shopify_id) if name],
        handled_at=None,
        claimed_until__gte=now,
    ).exists()
