"""The set-up guide on Home: what a new account has still to do, derived from what is there.

It goes by itself. Nothing of it is stored: a step is done when what it asks for exists.
"""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from credits.accounts import recipients
from credits.models import Account
from credits.pages.forms import MOST_RECIPIENTS
from credits.refusals import Refusal
from ecomvance_app.http import MerchantRequest, for_owners
from generations.runs import queries
from shopify_auth.models import Person
from shopify_auth.stores.details import own_address

TEMPLATE = "shell/_set_up_guide.html"


@dataclass(frozen=True, slots=True)
class Guide:
    """Which steps are done. `waiting` is an address that was asked, `proposed` one to ask."""

    has_run: bool
    has_mails: bool
    waiting: str
    proposed: str

    @property
    def done(self) -> int:
        """How many of the two steps."""
        return self.has_run + self.has_mails


def read_guide(account: Account, person: Person | None) -> Guide | None:
    """The guide as it stands; None when nothing is left to do."""
    has_run = queries.has_any(account.pk)
    asked = list(recipients.enabled(account.pk))
    has_mails = any(address.confirmed_at for address in asked)
    if has_run and has_mails:
        return None
    waiting = "" if has_mails or not asked else asked[0].email
    proposed = own_address(account) or (person.email if person else "") or ""
    return Guide(has_run, has_mails, waiting, proposed)


class AddressForm(forms.Form):
    """One address to ask."""

    email = forms.EmailField(max_length=254)


@for_owners
@require_POST
def ask_address(request: MerchantRequest) -> HttpResponse:
    """Ask an address whether it wants the account's mails, beside those that get them already."""
    problem = _ask(request)
    if not problem and not request.htmx:
        return HttpResponseRedirect(reverse("pages:home", current_app=request.surface))
    context = {
        "guide": read_guide(request.account, request.person),
        "problem": problem,
        "typed": request.POST.get("email", "")[:254],
    }
    template = TEMPLATE if request.htmx else "shell/set_up_guide_page.html"
    return render(request, template, context, status=422 if problem else 200)


def _ask(request: MerchantRequest) -> str:
    """Why the address was not asked; empty when it was."""
    form = AddressForm(request.POST)
    if not form.is_valid():
        return _("Enter an email address, such as name@example.com.")
    addresses = list(recipients.enabled(request.account.pk).values_list("email", flat=True))
    if len(addresses) >= MOST_RECIPIENTS:
        return _("You have 10 addresses already. Take one out in the settings first.")
    own = (request.person.email if request.person else "") or ""
    wanted = [*addresses, form.cleaned_data["email"]]
    try:
        for new in recipients.replace(request.account.pk, wanted, own=own):
            recipients.ask(new)
    except Refusal as refusal:
        return str(refusal)
    return ""
