"""Pages of requests for an owner's word: what is asked for, by whom, at what price.

A mail's link opens the page and does nothing. Owners press on it; whoever asked may take it back.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from credits import queries as credit_queries
from credits.refusals import Refusal
from ecomvance_app import clock
from ecomvance_app.http import MerchantRequest, for_owners
from generations.media import links
from generations.models import Approval
from generations.runs import approval_words, approvals

SHOWN = 50


@require_safe
def approvals_page(request: MerchantRequest) -> HttpResponse:
    """The newest requests, those that wait first."""
    found = Approval.objects.filter(account=request.account).select_related("requested_by")
    newest = sorted(found.order_by("-created_at", "-pk")[:SHOWN], key=lambda one: not _waits(one))
    context = {
        "nav_active": "gallery",
        "approvals": [{"approval": one, "title": approval_words.title(one)} for one in newest],
        "limit": request.account.ask_above,
    }
    return render(request, "generations/approvals.html", context)


@for_owners
@require_http_methods(["GET", "HEAD", "POST"])
def approval_page(request: MerchantRequest, approval_id: uuid.UUID) -> HttpResponse:
    """One request. A press of an owner starts the run or declines it."""
    approval = _get(request, approval_id)
    if request.method != "POST":
        return _show(request, approval)
    try:
        _decide(request, approval)
    except Refusal as refusal:
        approval.refresh_from_db()
        return _show(request, approval, refusal)
    return _done(request, approval.pk)


def _decide(request: MerchantRequest, approval: Approval) -> None:
    """Do what the owner has pressed; the price that the page showed is the most that is charged."""
    owner_id = request.person.pk if request.person else None
    action, price = request.POST.get("action"), request.POST.get("price", "")
    if action == "decline":
        approvals.decline(request.account.pk, approval.pk, owner_id)
    elif action == "approve" and price.isdecimal() and len(price) < 10:
        approvals.approve(request.account.pk, approval.pk, owner_id, int(price))
    else:
        raise Refusal(_("This page is too old. Reload it and try again."))


@require_POST
def withdraw(request: MerchantRequest, approval_id: uuid.UUID) -> HttpResponse:
    """Whoever asked takes the request back; others' requests are not found here."""
    person_id = request.person.pk if request.person else None
    try:
        approvals.withdraw(request.account.pk, approval_id, person_id)
    except Approval.DoesNotExist:
        raise Http404 from None
    except Refusal as refusal:
        return _show(request, _get(request, approval_id), refusal)
    return _done(request, approval_id)


def _done(request: MerchantRequest, approval_id: uuid.UUID) -> HttpResponse:
    if request.htmx:
        return _show(request, _get(request, approval_id))
    address = reverse("pages:approval", args=[approval_id], current_app=request.surface)
    return HttpResponseRedirect(address)


def _show(
    request: MerchantRequest, approval: Approval, refusal: Refusal | None = None
) -> HttpResponse:
    balance = credit_queries.get_balance(request.account.pk)
    price = approval_words.price_now(approval) if _waits(approval) else approval.price
    pictures = approval.pictures.order_by("item", "role", "position")
    context: dict[str, Any] = {
        "nav_active": "gallery",
        "approval": approval,
        "said": next(iter(approval.orders), {}),
        "title": approval_words.title(approval),
        "waits": _waits(approval),
        "has_lapsed": _has_lapsed(approval),
        "is_own": request.person is not None and approval.requested_by_id == request.person.pk,
        "price": price,
        "after": max(0, balance.total - (price or 0)),
        "short_by": max(0, (price or 0) - balance.total),
        "available": balance.total,
        "pictures": [links.link_asked(one) for one in pictures if one.preview],
        "refusal": str(refusal) if refusal else "",
    }
    status = 200 if refusal is None else refusal.status if refusal.status in (402, 409) else 422
    template = "generations/_approval.html" if request.htmx else "generations/approval.html"
    return render(request, template, context, status=status)


def _waits(approval: Approval) -> bool:
    return approval.state == Approval.State.WAITING and clock.now() < approval.lapses_at


def _has_lapsed(approval: Approval) -> bool:
    is_over = approval.state == Approval.State.WAITING and not _waits(approval)
    return is_over or approval.state == Approval.State.LAPSED


def _get(request: MerchantRequest, approval_id: uuid.UUID) -> Approval:
    found = Approval.objects.select_related("requested_by", "decided_by", "run", "batch")
    try:
        return found.get(pk=approval_id, account=request.account)
    except Approval.DoesNotExist:
        raise Http404 from None
