"""Who is asking: the session token inside Shopify's admin, the session cookie on the web.

Pages under /dashboard/ are the web's and know cookies only; everything else is the admin's frame and
the API, and knows session tokens only; the API knows the keys of connections too. No door opens with
another's key. What the person may do there is held by `roles`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from shopify_auth.admin_api.errors import (
    AccessRefused,
    GrantRefused,
    ShopifyError,
    SubjectTokenRefused,
)
from shopify_auth.frame import session_tokens
from shopify_auth.frame.bounce import RELOAD
from shopify_auth.frame.session_tokens import SessionToken, SessionTokenError
from shopify_auth.identity import credentials, memberships, roles, unauthenticated
from shopify_auth.identity.see_as import Seeing
from shopify_auth.stores import installs

GetResponse = Callable[[HttpRequest], HttpResponseBase]
View = Callable[..., Any]

COOKIE_PATHS = ("/dashboard/", "/staff/")
# What decides who is asking, and where to, may come once. Of two, one reader would check the first and
# another follow the last.
ONCE = (
    "shop", "host", "hmac", "signature", "timestamp", "state", "code", "id_token", RELOAD,
)  # fmt: skip
OPEN_PATHS = ("/dashboard/sign-in/", "/staff/", "/api/v1/openapi.json")


class SessionTokenMiddleware:
    """Verifies a session token before CSRF is checked; a verified one takes CSRF's place.

    A token in the query counts for a page load only: whoever can make a browser follow a link must
    not be able to change anything with it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(COOKIE_PATHS):
            if request.method == "OPTIONS":
                return _preflight()
            if any(len(request.GET.getlist(name)) > 1 for name in ONCE):
                return unauthenticated.ambiguous(request)
            _read_token(request)
            _note_frame(request)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, _args: Any, _kwargs: Any
    ) -> HttpResponseBase | None:
        """Stop a request to the frame's pages or the API that nobody with an account speaks for."""
        if request.path.startswith((*COOKIE_PATHS, *OPEN_PATHS)):
            return None
        is_public = getattr(view, "is_public", False)
        if credentials.is_tried(request):
            refusal: HttpResponseBase | None = None if is_public else credentials.identify(request)
        else:
            refusal = _by_token(request, is_public=is_public)
        if refusal is not None or is_public:
            return refusal
        return roles.refusal(request, view)


class MerchantMiddleware:
    """Puts account, person, shop and surface on the request; every view needs them.

    Views marked `public` and Django's own (staff admin, sign-in) are let through without.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if getattr(request, "account", None) is not None:
            # What one merchant sees is kept by no cache, nor shown to the next one by Back.
            response.setdefault("Cache-Control", "private, no-store")
        elif request.path.startswith(COOKIE_PATHS):
            # So are the pages of sign-in and of our staff.
            response.setdefault("Cache-Control", "no-store")
        return response

    def process_view(
        self, request: HttpRequest, view: View, _args: Any, _kwargs: Any
    ) -> HttpResponseBase | None:
        """Stop a request to the dashboard that nobody with an account is signed in for."""
        if getattr(view, "is_public", False) or request.path.startswith(OPEN_PATHS):
            return None
        if not request.path.startswith("/dashboard/"):
            # Somebody may be signed in to the dashboard in this browser; here that means nothing.
            request.user = getattr(request, "person", None) or AnonymousUser()
            return None
        if not request.user.is_authenticated:
            if unauthenticated.is_document(request):
                return redirect_to_login(request.get_full_path())
            return HttpResponse("Sign in again.", status=401, content_type="text/plain")
        request.person = request.user  # type: ignore[attr-defined]
        return _on_the_web(request, view)


def _on_the_web(request: HttpRequest, view: View) -> HttpResponseBase | None:
    """Whom somebody who is signed in speaks for: an account, or themselves alone."""
    seen: Seeing | None = getattr(request, "seen_by_staff", None)
    if seen is not None:
        return _by_staff(request, view, seen)
    if getattr(view, "is_for_people", False):
        return None
    return _by_membership(request) or roles.refusal(request, view)


def _by_staff(request: HttpRequest, view: View, seen: Seeing) -> HttpResponseBase | None:
    """Put the account that staff look at on the request; a person's own pages are not the account's."""
    if getattr(view, "is_for_people", False):
        return HttpResponse("This page is a person's own.", status=403, content_type="text/plain")
    request.account = seen.account  # type: ignore[attr-defined]
    request.shop = None  # type: ignore[attr-defined]
    request.surface = "web"  # type: ignore[attr-defined]
    request.role = "owner"  # type: ignore[attr-defined]
    return None


def _by_membership(request: HttpRequest) -> HttpResponseBase | None:
    """Put the account in which the signed-in person works on the request."""
    membership = memberships.current(request.user)
    if membership is None:
        return render(request, "shopify_auth/no_account.html", status=403)
    request.account = membership.account  # type: ignore[attr-defined]
    request.shop = None  # type: ignore[attr-defined]
    request.surface = "web"  # type: ignore[attr-defined]
    request.role = membership.role  # type: ignore[attr-defined]
    return None


def _read_token(request: HttpRequest) -> None:
    """Put a verified token on the request, or why there is none."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    in_header = scheme == "Bearer"
    if not in_header:
        text = request.GET.get("id_token", "") if unauthenticated.is_document(request) else ""
    if not text:
        return
    try:
        token = session_tokens.verify(text)
    except SessionTokenError as error:
        request.session_token_error = error  # type: ignore[attr-defined]
        return
    request.session_token = token  # type: ignore[attr-defined]
    request.frame_shop = token.shop  # type: ignore[attr-defined]
    request.surface = "embedded"  # type: ignore[attr-defined]
    if in_header:
        # Nobody else's page can send this header, which is what a CSRF token proves. Django has no
        # public way to say so per request; its own test client uses the same attribute.
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # noqa: SLF001


def _note_frame(request: HttpRequest) -> None:
    """Let the admin that loads this document show what comes of it, also a refusal or a 404."""
    if hasattr(request, "frame_shop") or not unauthenticated.is_document(request):
        return
    shop = unauthenticated.framing_store(request)
    if shop:
        request.frame_shop = shop  # type: ignore[attr-defined]
        request.surface = "embedded"  # type: ignore[attr-defined]


def _by_token(request: HttpRequest, *, is_public: bool) -> HttpResponseBase | None:
    """Identify who a session token speaks for; a public view needs none, and takes a good one."""
    token: SessionToken | None = getattr(request, "session_token", None)
    if token is None:
        return None if is_public else unauthenticated.without_token(request)
    if request.GET.get("shop", token.shop).lower() != token.shop:
        return None if is_public else unauthenticated.unauthorized(request)
    if (
        not is_public
        and unauthenticated.is_document(request)
        and not unauthenticated.is_framed(request)
    ):
        return unauthenticated.into_admin(request, token.shop)
    refusal = _identify(request, token)
    if refusal is None and not is_public and unauthenticated.must_ask_consent(request):
        return unauthenticated.ask_consent(request)
    return refusal


def _identify(request: HttpRequest, token: SessionToken) -> HttpResponseBase | None:
    try:
        shop = installs.shop_of(token)
    except SubjectTokenRefused:
        return unauthenticated.without_token(request)
    except (AccessRefused, GrantRefused):
        # The store has left; only an installation in its admin brings it back.
        return unauthenticated.unauthorized(request)
    except ShopifyError:
        return unauthenticated.shopify_away(request)
    request.account = shop.account  # type: ignore[attr-defined]
    request.shop = shop  # type: ignore[attr-defined]
    staff = installs.staff_of(shop, token.user_id)
    if unauthenticated.is_document(request):
        roles.meet(staff, token)
    request.person = staff.person  # type: ignore[attr-defined]
    request.role = roles.staff_role(staff)  # type: ignore[attr-defined]
    return None


def _preflight() -> HttpResponse:
    """Answer a browser's question before a cross-origin request: only our own origin may send one."""
    response = HttpResponse(status=204)
    response["Access-Control-Allow-Origin"] = settings.APP_URL
    response["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Idempotency-Key"
    response["Access-Control-Allow-Methods"] = "GET, POST"
    response["Access-Control-Max-Age"] = "7200"
    return response
