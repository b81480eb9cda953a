"""Settings about an account's people and connections, the same on the web and in Shopify's admin.

Everybody looks, owners change. A page sends one form with an `action`, and gets its part back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from credits.refusals import Refusal
from ecomvance_app.http import MerchantRequest, for_owners
from shopify_auth.admin_api.client import install_url
from shopify_auth.billing.subscription_state import left_shop
from shopify_auth.linking import people as members
from shopify_auth.linking import requests
from shopify_auth.models import Connection, Invitation, Membership, Shop
from shopify_auth.stores import connections

Act = Callable[[MerchantRequest], dict[str, Any]]


@for_owners
@require_http_methods(["GET", "HEAD", "POST"])
def connection(request: MerchantRequest) -> HttpResponse:
    """The store and the people of the web who are connected with it; who asks to come."""
    return _page(request, "connection", _CONNECTION_ACTS, _connection_context)


@for_owners
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: MerchantRequest) -> HttpResponse:
    """Members with their roles, and invitations that wait."""
    return _page(request, "people", _PEOPLE_ACTS, _people_context)


def _page(
    request: MerchantRequest,
    name: str,
    acts: dict[str, Act],
    context_of: Callable[[MerchantRequest], dict[str, Any]],
) -> HttpResponse:
    told: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        act = acts.get(request.POST.get("action", ""), _unknown)
        try:
            told = act(request)
        except Refusal as refusal:
            status, told = 422, {"refusal": str(refusal)}
    context = context_of(request) | told
    context |= {"nav_active": "settings", "is_owner": request.role == "owner"}
    context |= {"roles": Membership.Role.choices, "part": f"linking/_{name}.html"}
    if request.htmx:
        return render(request, f"linking/_{name}.html", context, status=status)
    return render(request, f"linking/{name}.html", context, status=status)


def _unknown(_request: MerchantRequest) -> dict[str, Any]:
    raise Refusal(_("This page is too old. Reload it and try again."))


# --- Connection ----------------------------------------------------------------------------------


def _connection_context(request: MerchantRequest) -> dict[str, Any]:
    shop = _shop(request)
    left = None if shop else left_shop(request.account)
    return {
        "shop": shop,
        "left": left,
        "install_url": install_url(left.domain) if left else "",
        "asking": requests.waiting_at(request.shop) if request.shop else [],
        "connections": _connections(request).order_by("made_at"),
    }


def _shop(request: MerchantRequest) -> Shop | None:
    if request.shop is not None:
        return request.shop
    installed = Shop.objects.filter(account=request.account, state=Shop.State.INSTALLED)
    return installed.order_by("pk").first()


def _connections(request: MerchantRequest) -> QuerySet[Connection]:
    found = Connection.objects.filter(shop__account=request.account)
    return found.select_related("person", "shop")


def _connection(request: MerchantRequest) -> Connection:
    wanted = request.POST.get("connection", "")
    found = _connections(request).filter(pk=wanted).first() if wanted.isdecimal() else None
    if found is None:
        raise Refusal(_("There is no such connection."), "unknown", status=404)
    return found


def _in_admin(request: MerchantRequest) -> Shop:
    if request.shop is None:
        raise Refusal(_("Do this in the store's Shopify admin."), "not_in_admin", status=403)
    return request.shop


def _open_on_web(request: MerchantRequest) -> dict[str, Any]:
    token = requests.link_from_store(_in_admin(request))
    return {"link": f"{settings.APP_URL}{reverse('connect_link', args=[token])}"}


def _show_code(request: MerchantRequest) -> dict[str, Any]:
    return {"code": requests.code_from_store(_in_admin(request))}


def _take_code(request: MerchantRequest) -> dict[str, Any]:
    shop, staff = _in_admin(request), request.person
    if staff is None:
        raise Refusal(_("Do this in the store's Shopify admin."))
    address = request.META.get("REMOTE_ADDR", "")
    found = requests.take_code_in_store(request.POST.get("code", ""), shop, staff, address)
    return {"notice": _("%(person)s wants to join. Decide below.") % {"person": found.person}}


def _approve(request: MerchantRequest) -> dict[str, Any]:
    shop = _in_admin(request)
    wanted, role = request.POST.get("request", ""), request.POST.get("role", "")
    found = requests.approve(wanted, shop, request.person, role)
    text = _("%(person)s joins once they confirm on the web.")
    return {"notice": text % {"person": found.person and found.person.email}}


def _decline(request: MerchantRequest) -> dict[str, Any]:
    requests.decline(request.POST.get("request", ""), _in_admin(request))
    return {"notice": _("Declined. Nobody joined.")}


def _rotate(request: MerchantRequest) -> dict[str, Any]:
    return {"key": connections.issue_key(_connection(request))}


def _revoke(request: MerchantRequest) -> dict[str, Any]:
    connections.revoke_key(_connection(request))
    return {"notice": _("The key is revoked. Programs that use it are refused from now on.")}


def _test(request: MerchantRequest) -> dict[str, Any]:
    found = _connection(request)
    if found.key_id is None:
        return {"notice": _("There is no key. Make one to let programs in.")}
    if found.shop.state != Shop.State.INSTALLED:
        return {"notice": _("The store does not have the app, so the key is refused.")}
    recently = timezone.now() - timedelta(minutes=5)
    if found.last_used_at is not None and found.last_used_at > recently:
        return {"notice": _("Working: a program has just called with this key.")}
    return {"notice": _("The key is accepted. No program has called in the last 5 minutes.")}


_CONNECTION_ACTS: dict[str, Act] = {
    "open": _open_on_web,
    "show_code": _show_code,
    "take_code": _take_code,
    "approve": _approve,
    "decline": _decline,
    "rotate": _rotate,
    "revoke": _revoke,
    "test": _test,
}


# --- People --------------------------------------------------------------------------------------


def _people_context(request: MerchantRequest) -> dict[str, Any]:
    found = Membership.objects.filter(account=request.account).select_related("person")
    waiting = Invitation.objects.filter(
        account=request.account, accepted_at=None, expires_at__gt=timezone.now()
    )
    return {
        "members": found.order_by("joined_at", "pk"),
        "invitations": waiting.order_by("created_at"),
        "default_role": Membership.Role.MAKER,
    }


def _number(request: MerchantRequest, name: str) -> int:
    value = request.POST.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 19 else 0


def _invite(request: MerchantRequest) -> dict[str, Any]:
    email = request.POST.get("email", "")
    members.invite(request.account, email, request.POST.get("role", ""), request.person)
    return {"notice": _("An invitation is on its way to %(email)s.") % {"email": email}}


def _withdraw(request: MerchantRequest) -> dict[str, Any]:
    members.withdraw(request.account, _number(request, "invitation"))
    return {"notice": _("The invitation is withdrawn.")}


def _change_role(request: MerchantRequest) -> dict[str, Any]:
    role = request.POST.get("role", "")
    members.change_role(request.account, _number(request, "member"), role)
    return {"notice": _("The role is changed.")}


def _remove(request: MerchantRequest) -> dict[str, Any]:
    members.remove(request.account, _number(request, "member"))
    return {"notice": _("Removed. Their pages and keys are closed.")}


_PEOPLE_ACTS: dict[str, Act] = {
    "invite": _invite,
    "withdraw": _withdraw,
    "change_role": _change_role,
    "remove": _remove,
}
