"""What the schedule does about billing: ask again where something is awaited, compare every night."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from django.db.models import F, Q

from ecomvance_app import clock, jobs
from shopify_auth.admin_api.errors import ShopifyError
from shopify_auth.billing import reconcile, schedule
from shopify_auth.models import BillingCheck, Shop

logger = logging.getLogger(__name__)

SWEPT_AT_ONCE = 500
# A message that is lost is sent again after this long.
SENT_AGAIN_AFTER = timedelta(minutes=5)

# One store costs Shopify one question; this is what our own workers and addresses can stand.
PAUSE_SECONDS = 0.5
NIGHTLY_BATCH = 300
NIGHTLY_SECONDS = 540
COMPARED_WITHIN = timedelta(hours=20)


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


def compare(pause_seconds: float = PAUSE_SECONDS) -> int:
    """Compare stores that nobody tried to compare today, the longest untried first; how many.

    Called every few minutes of the night, so a run that is cut short leaves the rest to the next. A
    store that fails has been tried: it never takes another one's turn. What has to be put right is
    reported to staff.
    """
    untried = Q(billing_check=None) | Q(billing_check__tried_at=None)
    untried |= Q(billing_check__tried_at__lt=clock.now() - COMPARED_WITHIN)
    shops = Shop.objects.filter(untried, state=Shop.State.INSTALLED, account__isnull=False)
    longest_first = F("billing_check__tried_at").asc(nulls_first=True)
    deadline = time.monotonic() + NIGHTLY_SECONDS
    compared = 0
    for shop in shops.order_by(longest_first, "pk")[:NIGHTLY_BATCH]:
        if time.monotonic() > deadline:
            break
        try:
            reconcile.reconcile_charges(shop, now=clock.now(), nightly=True)
        except ShopifyError as error:
            logger.warning("%s is compared another night: %s", shop.domain, error)
        except Exception:
            # Whatever is wrong with one store, the others have their night.
            logger.exception("%s could not be compared", shop.domain)
        compared += 1
        time.sleep(pause_seconds)
    return compared
