"""The page on which a merchant approves or declines a charge."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.http import Http404, HttpResponse, HttpResponseRedirect

from ecomvance_app import clock
from shopify_auth.devstore import billing
from shopify_auth.devstore.admin.html import page, refuse_foreign_post
from shopify_auth.devstore.fake import FakeRequest, shop_by_handle
from shopify_auth.devstore.state import Charge, ChargeStatus, Shop

if TYPE_CHECKING:
    from shopify_auth.devstore.state import State


def confirmation(request: FakeRequest, handle: str, number: int, kind: str) -> HttpResponse:
    """What is bought, what is due today, and Approve or Decline."""
    now = clock.now()
    with request.fake.store.change() as state:
        billing.let_time_pass(state, now)
        shop = shop_by_handle(state, handle).model_copy(deep=True)
    charge = _signed_charge(shop, number, request.GET.get("signature", ""))
    present = billing.running_subscription(shop)
    context = {
        "charge": charge,
        "kind": kind,
        "is_open": charge.status is ChargeStatus.PENDING and not charge.approved,
        "is_subscription": charge.kind == "AppSubscription",
        "is_deferred": billing.is_deferred(shop, charge),
        "due_today": billing.due_today(shop, charge, now),
        "present": present,
        "expires_at": charge.created_at + billing.APPROVAL_WINDOW,
    }
    return page(request, shop, "charge.html", context)


def decide(request: FakeRequest, handle: str, number: int) -> HttpResponse:
    """Approve or decline, then go where Shopify would send the merchant."""
    refuse_foreign_post(request)
    now = clock.now()
    with request.fake.store.change() as state:
        billing.let_time_pass(state, now)
        shop = shop_by_handle(state, handle)
        charge = _signed_charge(shop, number, request.POST.get("signature", ""))
        returns = _decide(state, shop, charge, request.POST.get("decision", ""))
        target = _return_url(charge) if returns else request.fake.app_url(shop)
    request.fake.courier.wake()
    return HttpResponseRedirect(target)


def _decide(state: State, shop: Shop, charge: Charge, decision: str) -> bool:
    """Carry out the decision; whether the merchant goes to the charge's return address."""
    now = clock.now()
    if decision == "approve_pending":
        shop.misbehaviour.payment_stays_pending = shop.misbehaviour.payment_stays_pending or 1
        billing.approve(state, shop, charge, now)
        return True
    if decision == "approve":
        billing.approve(state, shop, charge, now)
        return True
    if decision == "decline":
        billing.decline(state, shop, charge, now)
        return shop.takes("decline_returns_to_app")
    return False


def _signed_charge(shop: Shop, number: int, signature: str) -> Charge:
    charge = billing.find(shop, number)
    if charge is None or not secrets.compare_digest(charge.signature.encode(), signature.encode()):
        raise Http404
    return charge


def _return_url(charge: Charge) -> str:
    parts = urlsplit(charge.return_url)
    query = "&".join(filter(None, [parts.query, urlencode({"charge_id": charge.number})]))
    return urlunsplit(parts._replace(query=query))
