"""The two buttons of seeing as a merchant; what it means is in `shopify_auth.identity.see_as`."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from credits import staff_acts
from credits.admin.recorded import staff_id
from credits.models import Account
from ecomvance_app.staff.rooms import staff_page
from shopify_auth.identity import see_as


@require_POST
@staff_page(see_as.PERMISSION)
def begin(request: HttpRequest, account_id: int) -> HttpResponse:
    """See what this account's people see, from their home page on."""
    account = get_object_or_404(Account, pk=account_id)
    staff_acts.record(staff_id(request), "seen as merchant", account, account_id=account.pk)
    see_as.begin(request, account)
    return HttpResponseRedirect(reverse("pages:home", current_app="web"))


@require_POST
@staff_page()
def stop(request: HttpRequest) -> HttpResponse:
    """Back to the account's story."""
    account_id = see_as.stop(request)
    if account_id is None:
        return HttpResponseRedirect(reverse("admin:index"))
    return HttpResponseRedirect(reverse("admin:staff_account", args=[account_id]))
