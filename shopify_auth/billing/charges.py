"""Ask Shopify for a charge, or to end a subscription. What it costs comes from the offer alone.

The row is committed before Shopify is asked, with price and credits as offered, so an answer that
is lost loses nothing: `reconcile.reconcile_charges` recognises the charge. Nothing here grants credits.

Source: Shopify's documentation, "appSubscriptionCreate", "appPurchaseOneTimeCreate",
"appSubscriptionCancel".
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from credits.models import Account, Package, Plan
from credits.refusals import Refusal
from ecomvance_app import live
from ecomvance_app.http import Surface
from shopify_auth.admin_api import queries
from shopify_auth.admin_api.documents import (
    PURCHASE_CREATE,
    SUBSCRIPTION_CANCEL,
    SUBSCRIPTION_CREATE,
    Document,
)
from shopify_auth.admin_api.errors import ShopifyError, ShopifyUnavailable, UserErrors
from shopify_auth.billing import reconcile, subscription_state
from shopify_auth.billing.offers import (
    CURRENCY,
    Offer,
    charge_name,
    package_offer,
    plan_offer,
    title_of,
)
from shopify_auth.billing.schedule import APPROVAL_WINDOW
from shopify_auth.models import Person, Shop
from shopify_auth.models.charges import BillingCheck, Charge, Purchase, Subscription, new_receipt

logger = logging.getLogger(__name__)

Status = Charge.Status
Row = TypeVar("Row", Subscription, Purchase)

# An approval page that was just asked for is offered again instead of a second charge.
BEING_PREPARED = timedelta(seconds=30)
FIRST_QUESTION = timedelta(minutes=10)


class ChargeRefused(Refusal):
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

    An upgrade replaces the present plan at once, a downgrade when its period ends. Shopify has been
    asked just before (`reconcile.reconcile_charges`) which one that is. Raises ChargeRefused, or the
    exceptions of `errors` when Shopify cannot be asked.
    """
    plan = Plan.objects.filter(handle=handle, on_sale=True).first()
    if plan is None:
        raise ChargeRefused(_("This plan is no longer on sale. Reload the page to see the plans."))
    offer = plan_offer(plan)
    present = subscription_state.running_subscription(buyer.shop)
    _check_subscription(buyer, offer, present)
    later = present is not None and _size(offer) < _size(present)
    with _counter(buyer):
        row = _approvable(Subscription, buyer, offer, replaces_later=later)
        if row is not None:
            return row
        if not later:
            _check_nothing_waits(buyer, offer)
        row = _write(Subscription, buyer, offer, replaces_later=later)
    behavior = "APPLY_ON_NEXT_BILLING_CYCLE" if later else "APPLY_IMMEDIATELY"
    return _create(row, SUBSCRIPTION_CREATE, "appSubscription", replacementBehavior=behavior)


def keep_plan(buyer: Buyer, reference: str) -> Subscription:
    """The running subscription of this `reference` once more, in place of the downgrade that waits.

    On the terms it was sold at, whatever is on sale today. Approving it costs nothing and grants
    nothing: the period is paid and its credits are granted. Raises ChargeRefused, or the exceptions
    of `errors` when Shopify cannot be asked.
    """
    present = subscription_state.running_subscription(buyer.shop)
    if present is None or present.reference != reference or not _has_scheduled(present):
        raise ChargeRefused(
            _("No change of plan is scheduled any more. You keep the plan you have.")
        )
    title = title_of(present.name) or present.name
    offer = Offer(present.handle, title, present.price, present.credits)
    with _counter(buyer):
        row = _approvable(Subscription, buyer, offer, replaces_later=False)
        if row is not None:
            return row
        _check_nothing_waits(buyer, offer)
        row = _write(Subscription, buyer, offer, replaces_later=False)
    return _create(
        row, SUBSCRIPTION_CREATE, "appSubscription", replacementBehavior="APPLY_IMMEDIATELY"
    )


def _has_scheduled(present: Subscription) -> bool:
    """Whether an approved downgrade waits for the end of this subscription's period."""
    waiting = Subscription.objects.filter(shop=present.shop, status=Status.PENDING)
    return any(subscription_state.is_scheduled(row, present) for row in waiting)


def buy_package(buyer: Buyer, handle: str) -> Purchase:
    """A purchase of a package on sale, waiting at its `confirmation_url` for approval.

    Raises ChargeRefused, or the exceptions of `errors` when Shopify cannot be asked.
    """
    package = Package.objects.filter(handle=handle, on_sale=True).first()
    if package is None:
        raise ChargeRefused(
            _("This package is no longer on sale. Reload the page to see the packages.")
        )
    offer = package_offer(package)
    with _counter(buyer):
        row = _approvable(Purchase, buyer, offer)
        if row is not None:
            return row
        row = _write(Purchase, buyer, offer)
    return _create(row, PURCHASE_CREATE, "appPurchaseOneTime")


def cancel_subscription(shop: Shop, now: datetime) -> None:
    """End the running subscription: no further charge; what was granted stays to its period's end.

    A second call does nothing. Raises the exceptions of `errors` when Shopify cannot be asked.
    """
    present = subscription_state.running_subscription(shop)
    if present is None:
        return
    try:
        queries.ask(shop, SUBSCRIPTION_CANCEL, id=present.gid)
    except UserErrors as error:
        # It has ended already, say in another tab: the comparison below finds out.
        logger.info("%s was not cancelled: %s", present, error)
    except ShopifyError:
        # Nobody knows whether it has ended: the schedule asks.
        BillingCheck.objects.filter(shop=shop).update(due_at=now)
        raise
    reconcile.reconcile_charges(shop, now=now)


def _check_subscription(buyer: Buyer, offer: Offer, present: Subscription | None) -> None:
    if present is not None and present.status == Status.FROZEN:
        raise ChargeRefused(
            _("Shopify reports an unpaid bill. Pay it in Shopify, then change your plan.")
        )
    if present is not None and (present.handle, *_size(present)) == (offer.handle, *_size(offer)):
        raise ChargeRefused(_("This is your plan already."))
    paying = subscription_state.running_subscriptions().filter(shop__account=buyer.account)
    paying = paying.exclude(shop=buyer.shop)
    if (other := paying.select_related("shop").first()) is not None:
        raise ChargeRefused(
            _("The plan of this account is paid through %(store)s. Change it there.")
            % {"store": other.shop.domain}
        )


def _size(terms: Offer | Subscription) -> tuple[Decimal, int]:
    """By what a plan is larger or smaller than another one."""
    return terms.price, terms.credits


# --- The row and the call ------------------------------------------------------------------------


@contextmanager
def _counter(buyer: Buyer) -> Iterator[None]:
    """One buyer of a store at a time: of two clicks at once the second finds the first one's row.

    Shopify is asked about the charge whether or not anybody comes back, also when this process ends
    right here.
    """
    with transaction.atomic():
        BillingCheck.objects.get_or_create(shop=buyer.shop)
        check = BillingCheck.objects.select_for_update().get(shop=buyer.shop)
        yield
        first_at = buyer.now + FIRST_QUESTION
        check.due_at = min(check.due_at or first_at, first_at)
        check.save(update_fields=["due_at"])


def _approvable(model: type[Row], buyer: Buyer, offer: Offer, **fields: Any) -> Row | None:
    """The row whose approval is open for the very same offer.

    Raises ChargeRefused while that one is being prepared.
    """
    same = _waiting(model, buyer).filter(
        handle=offer.handle,
        credits=offer.credits,
        price=offer.price,
        test=_bills_nothing(buyer.shop),
        returned_at=None,
        **fields,
    )
    row = same.first()
    if row is None:
        return None
    if not row.confirmation_url:
        raise ChargeRefused(
            _("This purchase is being prepared in another window. Try again in a moment.")
        )
    row.surface = buyer.surface
    row.save(update_fields=["surface"])
    return row


def _waiting(model: type[Row], buyer: Buyer) -> QuerySet[Row]:
    """Charges that the merchant can still approve or has approved, and those being prepared."""
    open_at_shopify = Q(status=Status.PENDING) & ~Q(confirmation_url="")
    prepared = Q(status=Status.REQUESTED, created_at__gt=buyer.now - BEING_PREPARED)
    return model.objects.filter(open_at_shopify | prepared, shop=buyer.shop)


def _check_nothing_waits(buyer: Buyer, offer: Offer) -> None:
    """Raise ChargeRefused while another plan that would begin at once can be approved.

    Shopify would let the merchant approve the larger one first and the smaller one after it, and
    the larger one's credits would cost the smaller one's price. The same credits at yesterday's
    price are no danger: whichever is approved last, they are granted once, at a price they had.
    """
    at_another_price = Q(handle=offer.handle, credits=offer.credits, returned_at=None)
    waiting = _waiting(Subscription, buyer).filter(replaces_later=False)
    row = waiting.exclude(at_another_price & ~Q(price=offer.price)).first()
    if row is None:
        return
    plan = title_of(row.name)
    if row.returned_at is not None:
        raise ChargeRefused(
            _("Shopify is still confirming “%(plan)s”. Choose another plan after that.")
            % {"plan": plan}
        )
    lapses_at = (row.created_at + APPROVAL_WINDOW).astimezone(ZoneInfo(buyer.account.time_zone))
    raise ChargeRefused(
        _(
            "“%(plan)s” is waiting for your approval. To choose another plan, open it and decline"
            " it, or wait until %(when)s."
        )
        % {"plan": plan, "when": date_format(lapses_at, "DATETIME_FORMAT")}
    )


def _write(model: type[Row], buyer: Buyer, offer: Offer, **fields: Any) -> Row:
    """A new row on the offer's terms."""
    receipt = new_receipt()
    return model.objects.create(
        shop=buyer.shop,
        receipt=receipt,
        name=charge_name(offer, receipt),
        handle=offer.handle,
        credits=offer.credits,
        price=offer.price,
        currency=CURRENCY,
        test=_bills_nothing(buyer.shop),
        surface=buyer.surface,
        asked_by=buyer.person,
        created_at=buyer.now,
        **fields,
    )


def _bills_nothing(shop: Shop) -> bool:
    """Whether it is a development store, as it was last found out; `shop` may be older than that."""
    return Shop.objects.filter(pk=shop.pk, is_development_store=True).exists()


def _create(row: Row, document: Document, payload_field: str, **variables: Any) -> Row:
    """Ask Shopify for the charge and keep its answer. A refusal closes the row, silence does not."""
    rows = type(row).objects.filter(pk=row.pk)
    try:
        payload = queries.ask(
            row.shop,
            document,
            name=row.name,
            returnUrl=settings.APP_URL + reverse("billing_return", args=[row.reference]),
            price={"amount": str(row.price), "currencyCode": row.currency},
            test=row.test,
            **variables,
        )
    except ShopifyUnavailable:
        # Nobody knows whether the charge exists: the schedule looks for it.
        BillingCheck.objects.filter(shop=row.shop).update(due_at=row.created_at)
        raise
    except ShopifyError:
        logger.exception("Shopify refused the charge %s of %s", row.name, row.shop)
        rows.filter(gid=None).update(status=Status.REFUSED, ended_at=row.created_at)
        raise
    node = payload[payload_field]
    row.gid, row.confirmation_url = node["id"], payload["confirmationUrl"]
    rows.update(gid=row.gid, confirmation_url=row.confirmation_url)
    rows.filter(status=Status.REQUESTED).update(status=Status.PENDING)
    row.refresh_from_db()
    if row.shop.account_id is not None:
        live.publish(row.shop.account_id, "plan")
    return row
