"""The plans page, what is done on it, and the way back from Shopify's approval page.

A form names a plan or a package and nothing else; price and credits are the offer's. No request here
grants anything: all of them end in `reconcile.reconcile_charges`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from credits import ledger, queries
from credits.refusals import Refusal
from ecomvance_app import clock, jobs
from ecomvance_app.addresses import read_text
from ecomvance_app.http import MerchantRequest, answer_refusal, for_owners, public
from shopify_auth.admin_api.errors import ShopifyError
from shopify_auth.billing import (
    charges,
    receipts,
    reconcile,
    schedule,
    subscription_state,
    wordings,
)
from shopify_auth.billing.charges import Buyer, ChargeRefused
from shopify_auth.frame import addresses
from shopify_auth.models import Purchase, Shop, Subscription
from shopify_auth.models.charges import Charge

logger = logging.getLogger(__name__)

Status = Charge.Status

# Loads of the return address within so many seconds are one question to Shopify.
RETURNS_JOINED = 10
QUICK_POLLS = timedelta(minutes=1)
REASON_LENGTH = 500


@require_safe
def plans_page(request: MerchantRequest) -> HttpResponse:
    """The plan and credits held now, everything on sale, and what happens when.

    Shown from what is written down; the page then asks `plans_content` for Shopify's word.
    """
    now = clock.now()
    reference = request.GET.get("charge", "")
    charge = _find_charge(request, reference) if reference else None
    context = _content(request, now) | {"nav_active": "plans"}
    if charge is not None:
        context |= _confirmation(charge, now, is_first=charge.status not in Charge.FINAL)
    return render(request, "shopify_auth/plans.html", context)


@require_safe
@never_cache
def plans_content(request: MerchantRequest) -> HttpResponse:
    """The page's content after Shopify was asked; 204 when it is what the page shows already."""
    now = clock.now()
    _reconcile_charges(_shop(request), now)
    context = _content(request, now)
    if request.GET.get("seen") == context["fingerprint"]:
        return HttpResponse(status=204)
    return render(request, "shopify_auth/_plans.html", context)


@for_owners
@require_POST
def subscribe(request: MerchantRequest) -> HttpResponse:
    """Start a subscription to `plan` and send the merchant to Shopify's approval page."""
    return _start(request, charges.subscribe, read_text(request.POST, "plan"))


@for_owners
@require_POST
def keep_plan(request: MerchantRequest) -> HttpResponse:
    """Take a scheduled downgrade back: the plan named in the form goes on once that is approved."""
    return _start(request, charges.keep_plan, read_text(request.POST, "subscription"))


@for_owners
@require_POST
def buy_package(request: MerchantRequest) -> HttpResponse:
    """Start the purchase of `package` and send the merchant to Shopify's approval page."""
    return _start(request, charges.buy_package, read_text(request.POST, "package"))


@for_owners
@require_POST
def cancel_plan(request: MerchantRequest) -> HttpResponse:
    """End the subscription named in the form; granted credits stay to the end of their period.

    Only the one that runs: a page that was left open elsewhere may still offer another.
    """
    shop = _shop(request)
    running = subscription_state.running_subscription(shop) if shop else None
    if running is None or running.reference != read_text(request.POST, "subscription"):
        refusal = _("This plan has ended already, so nothing was cancelled.")
    else:
        refusal = _cancel(running, read_text(request.POST, "reason"), clock.now())
    if not request.htmx and not refusal:
        return HttpResponseRedirect(_plans_url(request.surface))
    template = "shopify_auth/_plans.html" if request.htmx else "shopify_auth/plans.html"
    context = _content(request, clock.now()) | {"nav_active": "plans"}
    if refusal:
        # What is shown is not what is written down alone, so the next question always brings news.
        context |= {"refusal": refusal, "asks_again": True, "fingerprint": ""}
    response = render(request, template, context, status=422 if refusal else 200)
    if not refusal:
        response["HX-Trigger"] = json.dumps({"toast": {"message": _("Plan cancelled")}})
    return response


@require_safe
@never_cache
def confirmation(request: MerchantRequest, reference: str) -> HttpResponse:
    """What has become of one charge of this account; asks Shopify while it is open."""
    charge = _find_charge(request, reference)
    now = clock.now()
    if charge.status not in Charge.FINAL:
        _reconcile_charges(charge.shop, now, since=charge.returned_at)
        charge.refresh_from_db()
    context = _confirmation(charge, now)
    response = render(request, "shopify_auth/_confirmation.html", context)
    if context["outcome"] != "confirming":
        response["HX-Trigger"] = "billing:changed"
    return response


@public
@require_safe
@never_cache
def billing_return(request: MerchantRequest, reference: str) -> HttpResponse:
    """Where Shopify sends the merchant after the approval page.

    Nobody is signed in here and nothing in the address is believed: it names a charge, which is
    looked up at Shopify, and leads into that store's own admin or the dashboard.
    """
    charge = _charge(reference)
    if charge is None or charge.shop.state == Shop.State.REDACTED:
        raise Http404
    type(charge).objects.filter(pk=charge.pk, returned_at=None).update(returned_at=clock.now())
    # The page that this leads to asks by itself, so anybody's further loads need not.
    if cache.add(f"billing-return:{charge.shop.pk}", 1, RETURNS_JOINED):
        jobs.enqueue(schedule.RECONCILE, shop_id=charge.shop.pk)
    query = f"?charge={charge.reference}"
    if charge.surface == "web":
        return HttpResponseRedirect(reverse("web:plans") + query)
    path = reverse("embedded:plans") + query
    return HttpResponseRedirect(addresses.app_url("", charge.shop.domain, path) or path)


# --- Parts ---------------------------------------------------------------------------------------


def _shop(request: MerchantRequest) -> Shop | None:
    """The store that pays: in the admin the one that is open, on the web the account's."""
    return request.shop or subscription_state.paying_shop(request.account)


def _content(request: MerchantRequest, now: datetime) -> dict[str, Any]:
    account = ledger.read_settled(request.account, now)
    shop = _shop(request)
    balance = queries.read_balance(account, now)
    standing = subscription_state.standing(account, balance, now)
    advice = subscription_state.advice(account, standing, now)
    return {
        "shop": shop,
        "left": None if shop else subscription_state.left_shop(account),
        "standing": standing,
        "balance": balance,
        "cards": subscription_state.plan_cards(standing, advice),
        "packages": subscription_state.packages(),
        "advice": advice,
        "receipts": receipts.read_receipts(account),
        "failure": subscription_state.failure(shop),
        "bill_url": subscription_state.bill_url(standing),
        "fingerprint": subscription_state.fingerprint(standing, balance, shop),
    }


def _reconcile_charges(shop: Shop | None, now: datetime, since: datetime | None = None) -> None:
    """Ask Shopify if that is worth it now; what fails is asked again by the schedule."""
    if shop is None or not reconcile.is_worth_asking(shop, now, since):
        return
    try:
        reconcile.reconcile_charges(shop, now=now)
    except ShopifyError as error:
        logger.info("The plans page of %s shows what is written down: %s", shop.domain, error)


def _start(
    request: MerchantRequest, start: Callable[[Buyer, str], Charge], handle: str
) -> HttpResponse:
    shop = _shop(request)
    if shop is None:
        message = _("Connect a Shopify store first: purchases go through Shopify.")
        return _refuse(request, ChargeRefused(message))
    now = clock.now()
    buyer = Buyer(shop, request.account, request.person, request.surface, now)
    try:
        # What was approved or ended elsewhere is known before anything more is sold.
        reconcile.reconcile_charges(shop, now=now)
        _check_unpaid_bill(shop)
        charge = start(buyer, handle)
    except ChargeRefused as refusal:
        return _refuse(request, refusal)
    except ShopifyError as error:
        logger.warning("No charge was started for %s: %s", shop.domain, error)
        return _refuse(request, ChargeRefused(wordings.not_started(error)))
    return _to_approval(request, charge.confirmation_url)


def _check_unpaid_bill(shop: Shop) -> None:
    running = subscription_state.running_subscription(shop)
    if running is not None and running.status == Status.FROZEN:
        raise ChargeRefused(_("Shopify reports an unpaid bill. Pay it in Shopify first."))


def _cancel(running: Subscription, reason: str, now: datetime) -> str:
    """End it; why that is not known to be done, empty when it is."""
    try:
        charges.cancel_subscription(running.shop, now)
    except ShopifyError as error:
        logger.warning("%s may not be cancelled: %s", running, error)
        return wordings.not_known_to_be_cancelled(error)
    running.refresh_from_db()
    if running.status in Subscription.RUNNING:
        return _("Shopify has not ended your plan. Try again in a moment.")
    running.cancel_reason = reason.replace("\0", "").strip()[:REASON_LENGTH]
    running.save(update_fields=["cancel_reason"])
    return ""


def _to_approval(request: MerchantRequest, url: str) -> HttpResponse:
    """The whole window goes to Shopify: by App Bridge from the frame, by htmx on the dashboard."""
    response = addresses.leave_frame(request, url)
    if request.htmx and isinstance(response, HttpResponseRedirect):
        response = HttpResponse()
        response["HX-Redirect"] = url
    return response


def _refuse(request: MerchantRequest, refusal: Refusal) -> HttpResponse:
    return answer_refusal(
        request, refusal, "shopify_auth/plans.html",
        lambda: _content(request, clock.now()) | {"nav_active": "plans"},
    )  # fmt: skip


def _charge(reference: str) -> Subscription | Purchase | None:
    for model in (Subscription, Purchase):
        charge = model.objects.select_related("shop").filter(reference=reference).first()
        if charge is not None:
            return charge
    return None


def _find_charge(request: MerchantRequest, reference: str) -> Subscription | Purchase:
    """A charge of this account's own stores; 404 for everybody else's."""
    charge = _charge(reference)
    if charge is None or charge.shop.account_id != request.account.pk:
        raise Http404
    return charge


def _confirmation(
    charge: Subscription | Purchase, now: datetime, *, is_first: bool = False
) -> dict[str, Any]:
    """What the merchant who comes back is told; `is_first` asks Shopify at once, not after a while."""
    waited = now - (charge.returned_at or now)
    return {
        "charge": charge,
        "outcome": _outcome(charge),
        "is_plan": isinstance(charge, Subscription),
        "is_first": is_first,
        "is_slow": waited > QUICK_POLLS,
        "present": subscription_state.running_subscription(charge.shop),
    }


def _outcome(charge: Subscription | Purchase) -> str:
    """What became of it, as `_confirmation.html` has words for."""
    present = subscription_state.running_subscription(charge.shop)
    has_newer = present is not None and present.created_at > charge.created_at
    if charge.status == Status.ACTIVE:
        granted = charge.granted_until if isinstance(charge, Subscription) else charge.granted_at
        return "granted" if granted else "not_granted"
    if charge.status == Status.CANCELLED:
        return "replaced" if has_newer else "ended"
    if not charge.is_open:
        return charge.status.lower()
    if isinstance(charge, Subscription) and charge.replaces_later:
        if subscription_state.is_scheduled(charge, present):
            return "scheduled"
        return "replaced" if has_newer else "confirming"
    return "confirming"


def _plans_url(surface: str) -> str:
    return reverse("pages:plans", current_app=surface)
