"""The merchant's settings about credits: notifications, spending limit, time zone."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from credits import ledger
from credits.accounts import limits, recipients, zones
from credits.models import AlertRecipient
from credits.pages.forms import LimitForm, NotificationForm, ZoneForm
from credits.refusals import Refusal
from ecomvance_app import clock
from ecomvance_app.http import MerchantRequest, for_owners, public

_METHODS = ["GET", "HEAD", "POST"]


@for_owners
@require_http_methods(_METHODS)
def settings_page(request: MerchantRequest) -> HttpResponse:
    """When the low-credit warning comes, which mails are sent, and to whom."""
    account = ledger.read_settled(request.account, clock.now(), is_fresh=True)
    own = (request.person.email if request.person else "") or ""
    if request.method != "POST":
        return _settings_form(request, NotificationForm(account, own=own))
    form = NotificationForm(account, request.POST, own=own)
    if not form.is_valid():
        return _settings_form(request, form)
    problem = _ask(form.save())
    if not request.htmx and not problem:
        return HttpResponseRedirect(_url(request, "settings"))
    account.refresh_from_db()
    return _settings_form(request, NotificationForm(account, own=own), problem)


def _ask(new: list[AlertRecipient]) -> str:
    """Ask new addresses whether they agree; what went wrong with the last of those that were not."""
    problem = ""
    for recipient in new:
        try:
            recipients.ask(recipient)
        except Refusal as refusal:
            problem = str(refusal)
    return problem


def _settings_form(
    request: MerchantRequest, form: NotificationForm, problem: str = ""
) -> HttpResponse:
    status = 422 if form.is_bound else 200
    template = "credits/_settings_form.html" if request.htmx else "credits/settings.html"
    context = {
        "nav_active": "settings",
        "form": form,
        "problem": problem,
        "unconfirmed": recipients.waiting(request.account.pk),
    }
    response = render(request, template, context, status=status)
    if request.method == "POST" and not form.is_bound:
        # The threshold decides which warning the page shows.
        events = {"toast": {"message": _("Settings saved")}, "balance:stale": {}}
        response["HX-Trigger"] = json.dumps(events)
    return response


@for_owners
@require_POST
def ask_again(request: MerchantRequest, recipient_id: int) -> HttpResponse:
    """Mail the link once more to an address that has not answered."""
    asked = get_object_or_404(recipients.waiting(request.account.pk), pk=recipient_id)
    try:
        recipients.ask(asked)
        told = {"tone": "success", "text": _("An email is on its way to %s.") % asked.email}
    except Refusal as refusal:
        told = {"tone": "critical", "text": str(refusal)}
    if request.htmx:
        return render(request, "components/note.html", told)
    return HttpResponseRedirect(_url(request, "settings"))


@public
@never_cache
@require_http_methods(_METHODS)
def recipient_page(request: HttpRequest, token: str) -> HttpResponse:
    """The page of the link in the first mail. A press agrees: programs open links in mails too."""
    found = recipients.confirm(token) if request.method == "POST" else recipients.find(token)
    status = 200 if found else 410
    return render(request, "credits/recipient.html", {"recipient": found}, status=status)


@for_owners
@require_http_methods(_METHODS)
def spending_page(request: MerchantRequest) -> HttpResponse:
    """Above which price an owner has to start a run or a batch."""
    form = LimitForm(request.POST or None, initial={"ask_above": request.account.ask_above})
    context: dict[str, Any] = {"nav_active": "settings", "form": form}
    status = 200
    if request.method == "POST":
        status = 200 if form.is_valid() else 422
        if form.is_valid():
            limits.set_limit(request.account.pk, form.cleaned_data["ask_above"])
            context["saved"] = True
    template = "credits/_spending_form.html" if request.htmx else "credits/spending.html"
    return render(request, template, context, status=status)


@for_owners
@require_http_methods(_METHODS)
def zone_page(request: MerchantRequest, has_store: zones.HasStore) -> HttpResponse:
    """The language, and the zone in which days begin and times are told."""
    account = request.account
    linked = has_store(account)
    form = ZoneForm(account, request.POST or None, has_store=linked)
    context: dict[str, Any] = {"nav_active": "settings", "form": form, "has_store": linked}
    status = 200
    if request.method == "POST":
        status = 200 if form.is_valid() else 422
        if form.is_valid():
            _set_zone(account.pk, form.cleaned_data["time_zone"])
            if not request.htmx:
                return HttpResponseRedirect(_url(request, "zone"))
            account.refresh_from_db()
            context |= {"saved": True, "form": ZoneForm(account, has_store=linked)}
    context["account"] = account
    template = "credits/_zone_form.html" if request.htmx else "credits/zone.html"
    return render(request, template, context, status=status)


def _set_zone(account_id: int, zone: str) -> None:
    if zone:
        zones.choose(account_id, zone)
    else:
        zones.stop_choosing(account_id)


def _url(request: MerchantRequest, name: str) -> str:
    return reverse(f"pages:{name}", current_app=request.surface)
