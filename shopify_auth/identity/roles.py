"""What a person may do in an account, held on every route by the identity middleware.

An owner does everything, a maker runs tools and sees usage, a viewer sees. In a store's admin
everybody is a maker by the session token, and the store's account owner is an owner; Shopify is asked
for that when somebody first opens the app, and again where it matters and a day has passed.

Source: decisions on accounts, shops and people.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from ecomvance_app.http import Role
from shopify_auth.admin_api import online_tokens
from shopify_auth.admin_api.errors import ShopifyError
from shopify_auth.frame.session_tokens import SessionToken
from shopify_auth.models import ShopStaff

logger = logging.getLogger(__name__)

ASK_AGAIN_AFTER = timedelta(days=1)
PAUSE_SECONDS = 30
# A question that is asked by POST, because it carries pictures.
_QUOTES = "/api/v1/quotes"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_RANK: dict[str, int] = {"viewer": 0, "maker": 1, "owner": 2}


def refusal(request: HttpRequest, view: Callable[..., Any]) -> HttpResponse | None:
    """403 when the role of `request` is not enough for this view and method; None when it is."""
    is_for_owners = getattr(view, "is_for_owners", False)
    if is_for_owners:
        _ask_shopify(request)
    held: Role = request.role  # type: ignore[attr-defined]
    if _RANK[held] >= _RANK[_needed(request, is_for_owners=is_for_owners)]:
        return None
    return _forbidden(request, is_for_owners=is_for_owners)


def lower(first: str, second: str) -> Role:
    """The role that allows less."""
    return cast("Role", min(first, second, key=_RANK.__getitem__))


def staff_role(staff: ShopStaff) -> Role:
    """The role of somebody in the store's admin, by what Shopify said last."""
    return "owner" if staff.is_account_owner else "maker"


def meet(staff: ShopStaff, token: SessionToken) -> None:
    """Ask for name and role of somebody who is not known yet; while Shopify is silent, not at every load."""
    if staff.asked_at is not None:
        return
    # While the cache is away they are asked for at every load.
    if cache.add(f"meeting:{staff.pk}", 1, PAUSE_SECONDS):
        _ask(staff, token)


def _needed(request: HttpRequest, *, is_for_owners: bool) -> Role:
    if request.method in _SAFE or request.path == _QUOTES:
        return "viewer"
    return "owner" if is_for_owners else "maker"


def _ask_shopify(request: HttpRequest) -> None:
    """Make sure of the role in the admin; while Shopify does not say, what it said last holds."""
    token = getattr(request, "session_token", None)
    if token is None:
        return
    staff = ShopStaff.objects.get(person=request.person)  # type: ignore[attr-defined]
    if staff.asked_at is None or timezone.now() - staff.asked_at >= ASK_AGAIN_AFTER:
        _ask(staff, token)
    request.role = staff_role(staff)  # type: ignore[attr-defined]


def _ask(staff: ShopStaff, token: SessionToken) -> None:
    try:
        told = online_tokens.who_asks(token.shop, token.text)
    except ShopifyError as error:
        logger.info("Who owns %s is not known yet: %s", token.shop, error)
        return
    staff.is_account_owner, staff.asked_at = told.is_account_owner, timezone.now()
    staff.save(update_fields=["is_account_owner", "asked_at"])
    if told.name and staff.person.name != told.name:
        staff.person.name = told.name
        staff.person.save(update_fields=["name"])


def _forbidden(request: HttpRequest, *, is_for_owners: bool) -> HttpResponse:
    if is_for_owners:
        message = _("Only an owner of this account can do this. Ask one of them.")
    else:
        message = _("You can look at this account, not change it. Ask an owner for more.")
    if request.path.startswith("/api/"):
        return JsonResponse({"error": "forbidden", "message": message}, status=403)
    if "HX-Request" in request.headers:
        return HttpResponse(message, status=403, content_type="text/plain")
    return render(request, "shopify_auth/refused.html", {"message": message}, status=403)
