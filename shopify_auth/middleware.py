"""Who is asking: the session token inside Shopify's admin, the session cookie on the web."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from shopify_auth.models import Membership

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class SessionTokenMiddleware:
    """Verifies a session token before CSRF is checked; a verified one takes CSRF's place."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)


class MerchantMiddleware:
    """Puts account, person, shop and surface on the request; every view needs them.

    Views marked `public` and Django's own (staff admin, sign-in) are let through without.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> HttpResponseBase | None:
        """Stop a request that has no account before it reaches a view that needs one."""
        if request.path.startswith("/dashboard/sign-in/") or request.path.startswith("/staff/"):
            return None
        if getattr(view, "is_public", False):
            return None
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        membership = (
            Membership.objects.select_related("account")
            .filter(person=request.user)
            .order_by("joined_at", "pk")
            .first()
        )
        if membership is None:
            return render(request, "account/no_account.html", status=403)
        request.account = membership.account  # type: ignore[attr-defined]
        request.person = request.user  # type: ignore[attr-defined]
        request.shop = None  # type: ignore[attr-defined]
        request.surface = "web"  # type: ignore[attr-defined]
        return None
