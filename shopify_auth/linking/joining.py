"""Pages of somebody signed in on the web, whatever account they have: come to a store, accept an
invitation, switch accounts, leave one.
"""

from __future__ import annotations

import time
from typing import Any, cast

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.decorators import reauthentication_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from credits import queries
from credits.refusals import Refusal
from ecomvance_app.http import for_people
from shopify_auth.admin_api.client import install_url
from shopify_auth.frame.addresses import app_url
from shopify_auth.linking import people, requests
from shopify_auth.models import LinkRequest, Membership, Person, Shop
from shopify_auth.stores import web_sign_ups

RECENT_SECONDS = 15 * 60
_METHODS = ["GET", "HEAD", "POST"]


def _person(request: HttpRequest) -> Person:
    return cast("Person", request.user)


@for_people
@never_cache
@require_http_methods(_METHODS)
def connect(request: HttpRequest) -> HttpResponse:
    """Ask a store by its domain, show a code for its admin, or type the code that it shows."""
    person = _person(request)
    context: dict[str, Any] = {"requests": requests.requests_of(person)}
    if request.method != "POST":
        return render(request, "linking/connect.html", context)
    try:
        if request.POST.get("action") == "show_code":
            context |= {"code": requests.code_from_web(person)}
            return render(request, "linking/connect.html", context)
        if request.POST.get("action") == "take_code":
            address = request.META.get("REMOTE_ADDR", "")
            found = requests.take_code_on_web(request.POST.get("code", ""), person, address)
        else:
            found = requests.ask_from_web(person, request.POST.get("domain", ""))
    except Refusal as refusal:
        context |= {"refusal": str(refusal), "domain": request.POST.get("domain", "")}
        return render(request, "linking/connect.html", context, status=422)
    return HttpResponseRedirect(reverse("connect_request", args=[found.pk]))


@for_people
@never_cache
@require_http_methods(_METHODS)
def connect_link(request: HttpRequest, token: str) -> HttpResponse:
    """The link that the plugin has opened: who is signed in here asks that store to let them in."""
    found = requests.find_by_link(token)
    if request.method == "POST":
        try:
            found = requests.follow_link(token, _person(request))
        except Refusal as refusal:
            return render(request, "linking/dead_link.html", {"refusal": str(refusal)}, status=422)
        request.session.pop("joining", None)
        return HttpResponseRedirect(reverse("connect_request", args=[found.pk]))
    if found is None:
        text = _("This link was used or is too old. Open a new one from Shopify.")
        return render(request, "linking/dead_link.html", {"refusal": text}, status=410)
    return render(request, "linking/connect_link.html", {"domain": found.domain})


def _signed_in_long_ago(request: HttpRequest) -> bool:
    """Whether nobody has typed the password in this session for a while."""
    proofs = request.session.get(AUTHENTICATION_METHODS_SESSION_KEY, [])
    return time.time() - max((proof["at"] for proof in proofs), default=0) > RECENT_SECONDS


@for_people
@never_cache
@require_http_methods(_METHODS)
@reauthentication_required(allow_get=True, enabled=_signed_in_long_ago)  # type: ignore[untyped-decorator]
def connect_request(request: HttpRequest, request_id: str) -> HttpResponse:
    """Where a request stands; once the store has approved it, the person confirms here."""
    person = _person(request)
    found = LinkRequest.objects.filter(pk=request_id, person=person).first()
    if found is None:
        raise Http404
    if request.method == "POST":
        try:
            key = requests.confirm(found, person)
        except Refusal as refusal:
            context = _request_context(found, person) | {"refusal": str(refusal)}
            return render(request, "linking/connect_request.html", context, status=422)
        found.refresh_from_db()
        context = _request_context(found, person) | {"key": key}
        return render(request, "linking/connect_request.html", context)
    return render(request, "linking/connect_request.html", _request_context(found, person))


def _request_context(found: LinkRequest, person: Person) -> dict[str, Any]:
    """What the person sees of the store: its name, balance and role only once it has approved."""
    context: dict[str, Any] = {
        "asked": found,
        "admin_url": app_url("", found.domain, "/settings/connection"),
        "install_url": install_url(found.domain),
    }
    if found.state in (LinkRequest.State.APPROVED, LinkRequest.State.LINKED):
        shop = Shop.objects.filter(domain=found.domain).exclude(account=None).first()
        if shop is not None and shop.account_id is not None:
            context |= {"shop": shop, "balance": queries.get_balance(shop.account_id)}
            context |= {"role": Membership.Role(found.role).label}
            context |= {"workspaces": requests.workspaces_of(person)}
    return context


@for_people
@never_cache
@require_http_methods(_METHODS)
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """An invitation's page; joining needs a press of its button."""
    found = people.find_invitation(token)
    if request.method == "POST":
        try:
            people.accept(token, _person(request))
        except Refusal as refusal:
            return render(request, "linking/dead_link.html", {"refusal": str(refusal)}, status=422)
        request.session.pop("joining", None)
        return HttpResponseRedirect(reverse("web:home"))
    if found is None:
        text = _("This invitation was used or withdrawn, or is older than 7 days.")
        return render(request, "linking/dead_link.html", {"refusal": text}, status=410)
    return render(request, "linking/invitation.html", {"invitation": found})


@for_people
@never_cache
@require_http_methods(_METHODS)
def accounts(request: HttpRequest) -> HttpResponse:
    """The accounts of this person, each with its balance and zone: open one, or leave it."""
    person = _person(request)
    if request.method == "POST":
        try:
            return _change(request, person)
        except Refusal as refusal:
            context = _accounts_context(person) | {"refusal": str(refusal)}
            return render(request, "linking/accounts.html", context, status=422)
    return render(request, "linking/accounts.html", _accounts_context(person))


def _change(request: HttpRequest, person: Person) -> HttpResponse:
    action = request.POST.get("action")
    if action == "workspace":
        if web_sign_ups.open_account(person) is None:
            raise Refusal(_("This mailbox has had its workspace. Connect a store instead."))
        return HttpResponseRedirect(reverse("web:home"))
    wanted = request.POST.get("account", "")
    member = (
        Membership.objects.filter(person=person, account_id=wanted).first()
        if wanted.isdecimal() and len(wanted) < 19
        else None
    )
    if member is None:
        raise Http404
    if action == "leave":
        people.leave(member.account_id, person)
        return HttpResponseRedirect(reverse("accounts"))
    Person.objects.filter(pk=person.pk).update(last_account=member.account_id)
    return HttpResponseRedirect(reverse("web:home"))


def _accounts_context(person: Person) -> dict[str, Any]:
    found = Membership.objects.filter(person=person).select_related("account")
    return {
        "rows": [
            {"member": member, "balance": queries.get_balance(member.account_id)}
            for member in found.order_by("joined_at", "pk")
        ]
    }
