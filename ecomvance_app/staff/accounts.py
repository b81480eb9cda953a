"""An account as a story: what it is, what happened, and what staff may do about it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from credits import queries, staff_acts
from credits.admin.recorded import staff_id
from credits.ledger import checks
from credits.models import Account
from credits.reports import for_staff
from ecomvance_app import clock
from ecomvance_app.staff import timeline
from ecomvance_app.staff.rooms import render_page, staff_page
from shopify_auth.models import Membership, Purchase, Shop, Subscription, WebhookDelivery

_WEBHOOKS = 10
_CHARGES = 20
NOTE = "note written"


class NoteForm(forms.Form):
    """What a colleague should know of this account."""

    text = forms.CharField(
        label=gettext_lazy("Note for colleagues"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Merchants do not see it. It is erased with the account."),
    )


@require_safe
@staff_page("credits.view_account", "credits.view_ledgerentry")
def page(request: HttpRequest, account_id: int) -> HttpResponse:
    """The story; nothing is booked by looking at it."""
    account = get_object_or_404(Account.objects.select_related("plan"), pk=account_id)
    before = request.GET.get("before", "")
    told = timeline.read(
        account.pk, int(before) if before.isdecimal() and len(before) < 19 else None
    )
    context = {
        "account": account,
        "balance": queries.read_balance(account, clock.now()),
        "timeline": told,
        "note_form": NoteForm(),
        "acts": for_staff.acts_on(account.pk),
        "mails": for_staff.mails_sent(account.pk),
        "is_first_page": not before,
    }
    return render_page(request, "staff/account.html", str(account), context | _identity(account))


def _identity(account: Account) -> dict[str, Any]:
    """Stores, people, charges and webhooks of the account."""
    shops = list(Shop.objects.filter(account=account).order_by("pk"))
    people = Membership.objects.filter(account=account).select_related("person")
    charges: list[Subscription | Purchase] = []
    for model in (Subscription, Purchase):
        rows = model.objects.filter(shop__in=shops).select_related("shop")
        charges += rows.order_by("-created_at")[:_CHARGES]
    webhooks = WebhookDelivery.objects.filter(shop__in=shops).order_by("-received_at")
    return {
        "shops": shops,
        "people": people.order_by("joined_at")[:50],
        "charges": sorted(charges, key=lambda row: row.created_at, reverse=True)[:_CHARGES],
        "webhooks": webhooks[:_WEBHOOKS],
    }


@require_POST
@staff_page("credits.view_account", "credits.add_staffact")
def add_note(request: HttpRequest, account_id: int) -> HttpResponse:
    """Write a note beside the account; it stands in the record, its words can be erased."""
    account = get_object_or_404(Account, pk=account_id)
    form = NoteForm(request.POST)
    if form.is_valid():
        words = form.cleaned_data["text"]
        staff_acts.record(staff_id(request), NOTE, account, account_id=account.pk, words=words)
        messages.success(request, _("The note is kept."))
    else:
        messages.error(request, _("Write something first."))
    return _back(account_id)


@require_POST
@staff_page("credits.view_account", "credits.view_ledgerentry")
def check(request: HttpRequest, account_id: int) -> HttpResponse:
    """Recompute this account from its entries and say what does not hold."""
    account = get_object_or_404(Account, pk=account_id)
    with transaction.atomic():
        staff_acts.record(staff_id(request), "ledger checked", account, account_id=account.pk)
        problems = checks.problems_between(account_id - 1, account_id)
    for problem in problems:
        messages.error(request, problem)
    if not problems:
        words = _("In step: %(entries)s entries add up to plan %(plan)s and package %(package)s.")
        figures = {
            "entries": account.version,
            "plan": account.plan_balance,
            "package": account.package_balance,
        }
        messages.success(request, words % figures)
    return _back(account_id)


def _back(account_id: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:staff_account", args=[account_id]))
