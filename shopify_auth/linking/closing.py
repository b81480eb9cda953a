"""The page on which an owner closes a workspace: what is lost is said before the press."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from credits.refusals import Refusal
from ecomvance_app.http import MerchantRequest, for_owners
from shopify_auth.stores import workspaces


@for_owners
@require_http_methods(["GET", "HEAD", "POST"])
def close_workspace(request: MerchantRequest) -> HttpResponse:
    """Close the workspace, once its owner has said that the loss is meant."""
    refusal = ""
    if request.method == "POST":
        try:
            _close(request)
        except Refusal as error:
            refusal = str(error)
        else:
            return HttpResponseRedirect(reverse("accounts"))
    context: dict[str, Any] = {
        "nav_active": "settings",
        "can_close": workspaces.can_close(request.account),
        "loss": workspaces.read_loss(request.account),
        "refusal": refusal,
    }
    status = 422 if refusal else 200
    return render(request, "linking/close_workspace.html", context, status=status)


def _close(request: MerchantRequest) -> None:
    if request.POST.get("sure") != "on":
        raise Refusal(_("Say that you know what is lost."), "not_sure", "sure")
    workspaces.close(request.account)
