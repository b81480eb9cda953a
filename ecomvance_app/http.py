"""What every merchant page finds on its request, and the marker for views that need no merchant."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from django.http import HttpRequest
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
