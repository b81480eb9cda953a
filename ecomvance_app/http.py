"""What every merchant page finds on its request, the marker for views that need no merchant, the
401, and how a page says no."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    from credits.models import Account
    from credits.refusals import Refusal
    from shopify_auth.models import Person, Shop

Surface = Literal["web", "embedded", "api"]
Role = Literal["owner", "maker", "viewer"]
View = TypeVar("View", bound=Callable[..., Any])

# What a page's script shows where it was asked for (static/js/requests.js). Any other status is told
# as a request that failed.
_SHOWN_IN_PLACE = (402, 409, 422)


class MerchantRequest(HttpRequest):
    """A request that the identity middleware let through: its account is known and proven.

    `surface` is "web" (session cookie, CSRF), "embedded" (Shopify session token, no cookies) or "api"
    (a connection's key, on /api/v1 alone). `role` is what the person may do in the account.
    """

    account: Account
    person: Person | None
    shop: Shop | None
    surface: Surface
    role: Role
    htmx: HtmxDetails
    csp_nonce: str


def public(view: View) -> View:
    """Mark a view that serves people without an account (sign-in, webhooks, health)."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def for_owners(view: View) -> View:
    """Mark a view that changes what belongs to the account's owners: others may only look.

    What is not marked needs a maker to change anything and a viewer to look. A view that shows
    owners more than others knows `role` for certain only when it is marked.
    """
    view.is_for_owners = True  # type: ignore[attr-defined]
    return view


def for_people(view: View) -> View:
    """Mark a dashboard view for whoever is signed in, with an account or without one."""
    view.is_for_people = True  # type: ignore[attr-defined]
    return view


def answer_refusal(
    request: MerchantRequest,
    refusal: Refusal,
    page: str,
    context: Callable[[], dict[str, Any]],
    fragment: str = "components/refusal.html",
    **more: Any,
) -> HttpResponse:
    """A refusal as a page: its sentence alone where htmx asked, else the whole page with it.

    Both templates find it as `refusal`, with `more` beside it; `context` makes what the whole page
    needs besides.
    """
    status = refusal.status if refusal.status in _SHOWN_IN_PLACE else 422
    told = {"refusal": str(refusal), **more}
    if request.htmx:
        return render(request, fragment, told, status=status)
    return render(request, page, context() | told, status=status)


def unauthorized(response: HttpResponse | None = None) -> HttpResponse:
    """401 that makes App Bridge ask once more with a fresh session token: `response`, or JSON."""
    if response is None:
        message = _("A valid session token is needed.")
        response = JsonResponse({"error": "unauthorized", "message": message})
        response["WWW-Authenticate"] = "Bearer"
    response.status_code = 401
    response["X-Shopify-Retry-Invalid-Session-Request"] = "1"
    return response
