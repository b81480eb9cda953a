"""Ask Shopify for a charge, or to end a subscription. What it costs comes from the offer alone.

The row is committed before Shopify is asked, with price and credits as offered, so an answer that
is lost loses nothing: `billing.bring_in_line` recognises the charge. Nothing here grants credits.

Source: Shopify's documentation, "appSubscriptionCreate", "appPurchaseOneTimeCreate",
"appSubscriptionCancel".
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from credits.models import Account, Package, Plan
from ecomvance_app.http import Surface
from shopify_auth import admin_api, billing
from shopify_auth.errors import AccessDenied, QueryFailed, ShopifyError, UserErrors
from shopify_auth.graphql import (
    PURCHASE_CREATE,
    SUBSCRIPTION_CANCEL,
    SUBSCRIPTION_CREATE,
    Document,
)
from shopify_auth.models import Person, Shop
from shopify_auth.models.charges import BillingCheck, Charge, Purchase, Subscription, new_receipt
from shopify_auth.offers import CURRENCY, Offer, charge_name, package_offer, plan_offer

logger = logging.getLogger(__name__)

Status = Charge.Status
Row = TypeVar("Row", Subscription, Purchase)

# An approval page that was just asked for is offered again instead of a second charge.
BEING_PREPARED = timedelta(seconds=30)
FIRST_QUESTION = timedelta(minutes=10)


class ChargeRefused(Exception):  # noqa: N818 - reads as what happened
    """The charge is not started; the text says why, to the merchant. Nothing was asked of Shopify."""


@dataclass(frozen=True)
class Buyer:
    """Who buys, for which store and account, on which surface, at which instant."""

    shop: Shop
    account: Account
    person: Person | None
    surface: Surface
    now: datetime


def subscribe(buyer: Buyer, handle: str) -> Subscription:
    """A subscription to a plan on sale, waiting at its `confirmation_url` for approval.

    An upgrade replaces the present plan at once, a downgrade when its period ends. Raises
    ChargeRefused, or the exceptions of `errors` when Shopify cannot be asked.
    """
    plan = Plan.objects.filter(handle=handle, on_sale=True).first()
    if plan is None:
        raise ChargeRefused(_("This plan is no longer on sale. Reload the page to see the plans."))
    offer = plan_offer(plan)
    present = billing.running_subscription(buyer.shop)
    _check_subscription(buyer, offer, present)
    later = present is not None and offer.price < present.price
    row = _reserve(Subscription, buyer, offer, replaces_later=later)
    if row.confirmation_url:
        return row
    behavior = "APPLY_ON_NEXT_BILLING_CYCLE" if later else "APPLY_IMMEDIATELY"
    return _create(row, SUBSCRIPTION_CREATE, "appSubscription", replacementBehavior=behavior)


def buy_package(buyer: Buyer, handle: str) -> Purchase:
    """A purchase of a package on sale, waiting at its `confirmation_url` for approval.

    Raises ChargeRefused, or the exceptions of `errors` when Shopify cannot be asked.
    """
    package = Package.objects.filter(handle=handle, on_sale=True).first()
    if package is None:
        raise ChargeRefused(
            _("This package is no longer on sale. Reload the page to see the packages.")
        )
    row = _reserve(Purchase, buyer, package_offer(package))
    if row.confirmation_url:
        return row
    return _create(row, PURCHASE_CREATE, "appPurchaseOneTime")


def cancel_subscription(shop: Shop, now: datetime) -> None:
    """End the running subscription: no further charge; what was granted stays to its period's end.

    A second call does nothing. Raises the exceptions of `errors` when Shopify cannot be asked.
    """
    present = billing.running_subscription(shop)
    if present is None:
        return
    try:
        admin_api.ask(shop, SUBSCRIPTION_CANCEL, id=present.gid)
    except UserErrors as error:
        # It has ended already, say in another tab: the comparison below finds out.
        logger.info("%s was not cancelled: %s", present, error)
    billing.bring_in_line(shop, now=now)


def _check_subscription(buyer: Buyer, offer: Offer, present: Subscription | None) -> None:
    if present is not None and present.status == Status.FROZEN:
        raise ChargeRefused(
            _("Shopify reports an unpaid bill. Pay it in Shopify, then change your plan.")
        )
    if present is not None and (present.handle, present.price) == (offer.handle, offer.price):
        raise ChargeRefused(_("This is your present plan already."))
    paying = Subscription.objects.filter(
        shop__account=buyer.account, status__in=Subscription.RUNNING
    ).exclude(shop=buyer.shop)
    if (other := paying.select_related("shop").first()) is not None:
        raise ChargeRefused(
            _("The plan of this account is paid through %(store)s. Change it there.")
            % {"store": other.shop.domain}
        )


# --- The row and the call ------------------------------------------------------------------------


def _reserve(model: type[Row], buyer: Buyer, offer: Offer, **fields: Any) -> Row:
    """A new row, or the one whose approval is open for the very same offer.

    The store's billing row is locked meanwhile, so of two clicks at once the second finds the
    first one's row. Raises ChargeRefused while that one is being prepared.
    """
    test = buyer.shop.is_development_store
    with transaction.atomic():
        BillingCheck.objects.get_or_create(shop=buyer.shop)
        check = BillingCheck.objects.select_for_update().get(shop=buyer.shop)
        same = model.objects.filter(
            shop=buyer.shop,
            handle=offer.handle,
            credits=offer.credits,
            price=offer.price,
            test=test,
            returned_at=None,
            created_at__gt=buyer.now - timedelta(days=1),
            **fields,
        )
        approvable = same.filter(status=Status.PENDING).exclude(confirmation_url="").first()
        if approvable is not None:
            model.objects.filter(pk=approvable.pk).update(surface=buyer.surface)
            approvable.surface = buyer.surface
            return approvable
        recent = buyer.now - BEING_PREPARED
        if same.filter(status=Status.REQUESTED, created_at__gt=recent).exists():
            raise ChargeRefused(
                _("This purchase is being prepared in another window. Try again in a moment.")
            )
        # Asked about whether or not anybody comes back, also when this process ends right here.
        check.due_at = min(check.due_at or buyer.now + FIRST_QUESTION, buyer.now + FIRST_QUESTION)
        check.save(update_fields=["due_at"])
        receipt = new_receipt()
        return model.objects.create(
            shop=buyer.shop,
            receipt=receipt,
            name=charge_name(offer, receipt),
            handle=offer.handle,
            credits=offer.credits,
            price=offer.price,
            currency=CURRENCY,
            test=test,
            surface=buyer.surface,
            asked_by=buyer.person,
            created_at=buyer.now,
            **fields,
        )


def _create(row: Row, document: Document, payload_field: str, **variables: Any) -> Row:
    """Ask Shopify for the charge and keep its answer. A refusal closes the row, a silence does not."""
    rows = type(row).objects.filter(pk=row.pk)
    try:
        payload = admin_api.ask(
            row.shop,
            document,
            name=row.name,
            returnUrl=settings.APP_URL + reverse("billing_return", args=[row.reference]),
            price={"amount": str(row.price), "currencyCode": row.currency},
            test=row.test,
            **variables,
        )
    except (UserErrors, AccessDenied, QueryFailed):
        logger.exception("Shopify refused the charge %s of %s", row.name, row.shop)
        rows.filter(gid=None).update(status=Status.REFUSED, ended_at=row.created_at)
        raise
    except ShopifyError:
        # Nobody knows whether the charge exists: the schedule looks for it.
        BillingCheck.objects.filter(shop=row.shop).update(due_at=row.created_at)
        raise
    node = payload[payload_field]
    row.gid, row.confirmation_url = node["id"], payload["confirmationUrl"]
    rows.update(gid=row.gid, confirmation_url=row.confirmation_url)
    rows.filter(status=Status.REQUESTED).update(status=Status.PENDING)
    row.refresh_from_db()
    return row
