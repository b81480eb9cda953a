"""Make what a store holds here agree with what Shopify says it pays for.

`reconcile_charges` is the only way in: the return from the approval page, a webhook, the plans page,
the schedule and staff all call it and tell it nothing but the store. It asks Shopify, then writes
statuses and grants in one transaction under the store's billing row. Nothing is locked while
Shopify answers, and a reading that a later one has overtaken is dropped.

Periods are granted once per (subscription, period end), packages once per purchase: the charge's
row remembers it, and the ledger's idempotency keys hold it a second time.

Source: product document, "Plan Credits" and "Package Credits"; Shopify's documentation on billing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from ecomvance_app import clock, live
from shopify_auth.admin_api.errors import ShopifyError
from shopify_auth.billing import schedule
from shopify_auth.billing.alignment import Alignment, Changes, report
from shopify_auth.billing.readings import read_charges
from shopify_auth.models import Shop
from shopify_auth.models.charges import (
    BillingCheck,
    BillingDifference,
    Charge,
    Purchase,
    Subscription,
)

__all__ = [
    "Changes",
    "end_charges",
    "is_worth_asking",
    "reconcile_charges",
]  # fmt: skip

logger = logging.getLogger(__name__)

Status = Charge.Status
RUNNING = Subscription.RUNNING

# Open pages ask again and again; Shopify is asked at most this often for one store.
FRESH = timedelta(seconds=2)
# From a question that failed they leave Shopify alone for this long; silence alone takes a minute.
RESTS_AFTER_FAILURE = timedelta(minutes=2)


def reconcile_charges(shop: Shop, *, now: datetime | None = None, nightly: bool = False) -> Changes:
    """Read the store's charges from Shopify and make ours agree; as often as anybody likes.

    With `nightly` a change is a difference that no nudge has brought, and is reported to staff.
    Raises the exceptions of `errors` when Shopify cannot be asked: nothing is changed, and the
    schedule asks again.
    """
    now = now or clock.now()
    shop = Shop.objects.get(pk=shop.pk)
    if shop.state != Shop.State.INSTALLED or shop.account_id is None:
        return Changes()
    number = _begin(shop, now)
    try:
        reading = read_charges(shop, _expected(shop))
    except ShopifyError as error:
        _note_failure(shop, number, error, now)
        raise
    with transaction.atomic():
        # The store first, as when it leaves: it may have moved to another account meanwhile. Its key
        # stays free, for whoever writes a charge of this store holds the billing row already.
        shop = Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        check = BillingCheck.objects.select_for_update().get(shop=shop)
        if number <= check.applied or shop.state != Shop.State.INSTALLED:
            return Changes()
        changes = Alignment(shop, reading, now).write()
        check.applied, check.checked_at = number, now
        check.failures, check.error = 0, ""
        check.due_at = schedule.next_check(_charges(shop), now)
        check.save()
        if nightly:
            _report_late(shop, changes, now)
        if changes.corrected or changes.granted:
            _tell_pages(shop)
    return changes


def end_charges(shop: Shop, now: datetime) -> None:
    """Take the store's subscriptions as cancelled: the app was uninstalled, which ends them.

    Shopify sends no word of it. Credits already granted stay usable to their period's end. A
    reading that is under way is dropped, and nothing here names the store any more.
    """
    with transaction.atomic():
        BillingCheck.objects.get_or_create(shop=shop)
        check = BillingCheck.objects.select_for_update().get(shop=shop)
        Subscription.objects.filter(shop=shop, status__in=[*RUNNING, *Charge.OPEN]).update(
            status=Status.CANCELLED, ended_at=now
        )
        for model in (Subscription, Purchase):
            model.objects.filter(shop=shop).update(confirmation_url="")
        check.begun += 1
        check.applied = check.begun
        check.due_at, check.failures, check.error = None, 0, ""
        check.save()
        _tell_pages(shop)


def is_worth_asking(shop: Shop, now: datetime, since: datetime | None = None) -> bool:
    """Whether an open page should have Shopify asked.

    Not when that was done a moment ago (and after `since`), nor soon after Shopify has failed.
    """
    fresh_from = max(now - FRESH, since or now - FRESH)
    checks = BillingCheck.objects.filter(shop=shop)
    if checks.filter(checked_at__range=(fresh_from, now)).exists():
        return False
    failed = checks.exclude(error="").filter(tried_at__range=(now - RESTS_AFTER_FAILURE, now))
    return not failed.exists()


def _tell_pages(shop: Shop) -> None:
    if shop.account_id is not None:
        live.publish(shop.account_id, "plan")


# --- Reading -------------------------------------------------------------------------------------


def _begin(shop: Shop, now: datetime) -> int:
    """The number of this reading, in the order in which readings begin."""
    with transaction.atomic():
        BillingCheck.objects.get_or_create(shop=shop)
        check = BillingCheck.objects.select_for_update().get(shop=shop)
        check.begun += 1
        check.tried_at = now
        check.save(update_fields=["begun", "tried_at"])
    return check.begun


def _charges(shop: Shop) -> list[Charge]:
    return [*Subscription.objects.filter(shop=shop), *Purchase.objects.filter(shop=shop)]


def _expected(shop: Shop) -> list[str]:
    """Global ids of charges that are not over: Shopify must say how they stand."""
    return [charge.gid for charge in _charges(shop) if charge.gid and not _is_over(charge)]


def _is_over(charge: Charge) -> bool:
    if isinstance(charge, Purchase) and charge.status == Status.ACTIVE:
        return charge.granted_at is not None
    return charge.status in Charge.FINAL


def _note_failure(shop: Shop, number: int, error: ShopifyError, now: datetime) -> None:
    """Remember why, and when to ask again; a failure that a later answer has overtaken is nothing.

    Only a question that was due counts as a failure: open pages that ask meanwhile neither lengthen
    the waits nor put off what is due earlier.
    """
    logger.warning("Charges of %s could not be read: %s", shop.domain, error)
    with transaction.atomic():
        check = BillingCheck.objects.select_for_update().get(shop=shop)
        if number <= check.applied:
            return
        check.error = str(error)[:300]
        again_at = schedule.after_failure(check.failures + 1, now)
        if check.due_at is None or check.due_at <= now:
            check.failures += 1
            check.due_at = again_at
        else:
            check.due_at = min(check.due_at, again_at)
        check.save(update_fields=["failures", "error", "due_at"])


def _report_late(shop: Shop, changes: Changes, now: datetime) -> None:
    """Tell staff what the nightly comparison had to put right: a nudge and its schedule failed."""
    for gid, was in changes.corrected.items():
        logger.error("Only the nightly comparison found %s of %s (%s)", gid, shop.domain, was)
        report(shop, BillingDifference.Kind.LATE, gid, f"{was}, {now:%Y-%m-%d}", now)
