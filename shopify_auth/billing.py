"""Make what a store holds here agree with what Shopify says it pays for.

`bring_in_line` is the only way in: the return from the approval page, a webhook, the plans page,
the schedule and staff all call it and tell it nothing but the store. It asks Shopify, then writes
statuses and grants in one transaction under the store's billing row. Nothing is locked while
Shopify answers, and a reading that a later one has overtaken is dropped.

Periods are granted once per (subscription, period end), packages once per purchase: the charge's
row remembers it, and the ledger's idempotency keys hold it a second time.

Source: product document, "Plan Credits" and "Package Credits"; Shopify's documentation on billing.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from credits.models import Account
from credits.period_ends import Renewal
from ecomvance_app import clock
from shopify_auth import billing_schedule
from shopify_auth.alignment import Alignment, Changes, report
from shopify_auth.billing_readings import read_charges
from shopify_auth.errors import ShopifyError
from shopify_auth.models import Shop
from shopify_auth.models.charges import (
    BillingCheck,
    BillingDifference,
    Charge,
    Purchase,
    Subscription,
)

__all__ = [
    "Changes", "bring_in_line", "end_charges", "paying_shop", "renewal", "running_subscription",
]  # fmt: skip

logger = logging.getLogger(__name__)

Status = Charge.Status
RUNNING = Subscription.RUNNING


def bring_in_line(shop: Shop, *, now: datetime | None = None, nightly: bool = False) -> Changes:
    """Read the store's charges from Shopify and make ours agree; as often as anybody likes.

    With `nightly` a change is a difference that no nudge has brought, and is reported to staff.
    Raises the exceptions of `errors` when Shopify cannot be asked: nothing is changed, and the
    schedule asks again.
    """
    now = now or clock.now()
    shop = Shop.objects.get(pk=shop.pk)
    if shop.state != Shop.State.INSTALLED or shop.account_id is None:
        return Changes()
    number = _begin(shop)
    try:
        reading = read_charges(shop, _expected(shop))
    except ShopifyError as error:
        _note_failure(shop, error, now)
        raise
    with transaction.atomic():
        # The store first, as when it leaves: it may have moved to another account meanwhile.
        shop = Shop.objects.select_for_update().get(pk=shop.pk)
        check = BillingCheck.objects.select_for_update().get(shop=shop)
        if number <= check.applied or shop.state != Shop.State.INSTALLED:
            return Changes()
        changes = Alignment(shop, reading, now).write()
        check.applied, check.checked_at = number, now
        check.failures, check.error = 0, ""
        check.due_at = billing_schedule.next_check(_charges(shop), now)
        check.save()
        if nightly:
            _report_late(shop, changes, now)
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


def running_subscription(shop: Shop) -> Subscription | None:
    """The store's subscription that is active or frozen."""
    return (
        Subscription.objects.filter(shop=shop, status__in=RUNNING).order_by("-created_at").first()
    )


def renewal(account: Account) -> Renewal:
    """Whether Shopify will bill another period for the account: the setting RENEWAL_SOURCE.

    Periods that no subscription of ours stands behind were granted by staff, who are expected to
    go on.
    """
    subscriptions = Subscription.objects.filter(shop__account=account)
    statuses = set(subscriptions.values_list("status", flat=True).distinct())
    if not statuses or Status.ACTIVE in statuses:
        return "expected"
    return "unpaid" if Status.FROZEN in statuses else "ended"


def paying_shop(account: Account) -> Shop | None:
    """The installed store through which the account pays: the one with a plan, else the first."""
    shops = list(
        Shop.objects.filter(account=account, state=Shop.State.INSTALLED).order_by("installed_at")
    )
    paying = [shop for shop in shops if running_subscription(shop)]
    return next(iter([*paying, *shops]), None)


# --- Reading -------------------------------------------------------------------------------------


def _begin(shop: Shop) -> int:
    """The number of this reading, in the order in which readings begin."""
    with transaction.atomic():
        BillingCheck.objects.get_or_create(shop=shop)
        check = BillingCheck.objects.select_for_update().get(shop=shop)
        check.begun += 1
        check.save(update_fields=["begun"])
    return check.begun


def _charges(shop: Shop) -> list[Charge]:
    return [*Subscription.objects.filter(shop=shop), *Purchase.objects.filter(shop=shop)]


def _expected(shop: Shop) -> list[str]:
    """Global ids of charges that are not over: Shopify must say how they stand."""
    return [charge.gid for charge in _charges(shop) if charge.gid and not _is_settled(charge)]


def _is_settled(charge: Charge) -> bool:
    if isinstance(charge, Purchase) and charge.status == Status.ACTIVE:
        return charge.granted_at is not None
    return charge.status in Charge.FINAL


def _note_failure(shop: Shop, error: ShopifyError, now: datetime) -> None:
    logger.warning("Charges of %s could not be read: %s", shop.domain, error)
    with transaction.atomic():
        check = BillingCheck.objects.select_for_update().get(shop=shop)
        check.failures += 1
        check.error = str(error)[:300]
        check.due_at = billing_schedule.after_failure(check.failures, now)
        check.save(update_fields=["failures", "error", "due_at"])


def _report_late(shop: Shop, changes: Changes, now: datetime) -> None:
    """Tell staff what the nightly comparison had to put right: a nudge and its schedule failed."""
    for gid, was in changes.corrected.items():
        logger.error("Only the nightly comparison found %s of %s (%s)", gid, shop.domain, was)
        report(shop, BillingDifference.Kind.LATE, gid, was, now)
