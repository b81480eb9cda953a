"""What every merchant page finds on its request, the marker for views that need no merchant, and the 401."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    from credits.models import Account
    from shopify_auth.models import Person, Shop

Surface = Literal["web", "embedded"]
View = TypeVar("View", bound=Callable[..., Any])


class MerchantRequest(HttpRequest):
    """A request that the identity middleware let through: its account is known and proven.

    `surface` is "web" (session cookie, CSRF) or "embedded" (Shopify session token, no cookies).
    """

    account: Account
    person: Person | None
    shop: Shop | None
    surface: Surface
    htmx: HtmxDetails
    csp_nonce: str


def public(view: View) -> View:
    """Mark a view that serves people without an account (sign-in, webhooks, health)."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def unauthorized(response: HttpResponse | None = None) -> HttpResponse:
    """401 that makes App Bridge ask once more with a fresh session token: `response`, or JSON."""
    if response is None:
        message = _("A valid session token is needed.")
        response = JsonResponse({"error": "unauthorized", "message": message})
        response["WWW-Authenticate"] = "Bearer"
    response.status_code = 401
    response["X-Shopify-Retry-Invalid-Session-Request"] = "1"
    return response
