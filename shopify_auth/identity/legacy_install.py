"""Installation by redirects, the authorization code grant, where Shopify does not manage it.

Only with SHOPIFY_LEGACY_INSTALL: managed installation and token exchange need none of this.
ShopifyAPI checks Shopify's signature and writes the query of the page where the merchant agrees. The
state is plain hexadecimal digits, which every form of that signature leaves as they are; what it
stands for is in a cookie, signed with Django's SECRET_KEY and never with the client secret, whose
signatures Shopify's webhooks carry. So it is bound to this browser and good for one return.

Source: Shopify's documentation, "Implement authorization code grant manually"; docs/decisions/0011.
"""

from __future__ import annotations

import hmac
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.core.cache import caches
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from shopify import Session

from ecomvance_app.http import public
from shopify_auth.admin_api.client import admin_url
from shopify_auth.admin_api.errors import ShopifyError
from shopify_auth.domains import is_shop_domain
from shopify_auth.frame.addresses import app_url
from shopify_auth.stores import installs

STATE_SECONDS = 600
TIMESTAMP_SECONDS = 90
_COOKIE = "shopify_install_state"
_SALT = "shopify-install"


@public
@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """`GET /auth/install`: from Shopify's signed link to the page where the merchant agrees."""
    shop = _verified_shop(request)
    if shop is None:
        return _refused(request)
    state = secrets.token_hex(16)
    response = HttpResponseRedirect(_permission_url(shop, state))
    response.set_cookie(
        _COOKIE,
        signing.dumps({"shop": shop, "state": state}, salt=_SALT),
        max_age=STATE_SECONDS,
        path=reverse("legacy_callback"),
        secure=not settings.DEBUG,
        httponly=True,
        samesite="Lax",
    )
    return response


@public
@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """`GET /auth/callback`: exchange the code and go on into the admin."""
    shop = _verified_shop(request)
    code = request.GET.get("code", "")
    if shop is None or not code or not _state_holds(request, shop):
        return _refused(request)
    try:
        installs.open_shop_by_code(shop, code)
    except ShopifyError:
        return _refused(request)
    response = HttpResponseRedirect(app_url(request.GET.get("host", ""), shop) or "/")
    response.delete_cookie(_COOKIE, path=reverse("legacy_callback"))
    return response


def is_signed_by_shopify(query: QueryDict) -> bool:
    """Whether `hmac` signs the rest of the query, and the timestamp is of this minute.

    The library's own check of the timestamp takes any future one and raises for what is no number.
    """
    try:
        age = abs(time.time() - int(query.get("timestamp", "")))
    except (ValueError, OverflowError):  # No number, or one beyond every clock.
        return False
    # Keys that end in [] are signed with all their values; the old `signature` is not signed.
    signed = {
        key: query.getlist(key) if key.endswith("[]") else query.get(key)
        for key in query
        if key != "signature"
    }
    secrets_now = [settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_OLD]
    matches = [_session_of(secret).validate_hmac(signed) for secret in secrets_now if secret]
    return any(matches) and age <= TIMESTAMP_SECONDS


def _session_of(secret: str) -> Any:
    """ShopifyAPI's Session with this secret. The shared class would show it to every thread."""
    return type("_Session", (Session,), {"api_key": settings.SHOPIFY_API_KEY, "secret": secret})


def _permission_url(shop: str, state: str) -> str:
    """The page where the merchant agrees. Only the query is the library's: it knows no fake Shopify."""
    session = _session_of(settings.SHOPIFY_API_SECRET)(shop, settings.SHOPIFY_API_VERSION)
    redirect_uri = f"{settings.APP_URL}{reverse('legacy_callback')}"
    url = session.create_permission_url(settings.SHOPIFY_SCOPES, redirect_uri, state)
    return f"{admin_url(shop)}/oauth/authorize?{urlsplit(url).query}"


def _verified_shop(request: HttpRequest) -> str | None:
    """The store of a request that Shopify signed; Http404 unless this way is switched on."""
    if not settings.SHOPIFY_LEGACY_INSTALL:
        raise Http404
    shop = request.GET.get("shop", "").lower()
    return shop if is_shop_domain(shop) and is_signed_by_shopify(request.GET) else None


def _state_holds(request: HttpRequest, shop: str) -> bool:
    """Whether we began this installation, in this browser, for this store, and it is not done yet."""
    state = request.GET.get("state", "")
    try:
        begun = signing.loads(request.COOKIES.get(_COOKIE, ""), salt=_SALT, max_age=STATE_SECONDS)
        ours = hmac.compare_digest(state.encode(), begun["state"].encode())
    except (signing.BadSignature, KeyError):
        # Without the key it is a cookie of an earlier version, whose merchant begins again.
        return False
    if not ours or begun["shop"] != shop:
        return False
    first_return: bool = caches["once"].add(f"install:{state}", 1, STATE_SECONDS)
    return first_return


def _refused(request: HttpRequest) -> HttpResponse:
    message = _(
        "This installation could not be confirmed. Start it again from the Shopify App Store."
    )
    return render(request, "shopify_auth/refused.html", {"message": message}, status=400)
