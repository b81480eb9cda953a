"""Installation by redirects, the authorization code grant, where Shopify does not manage it.

Only with SHOPIFY_LEGACY_INSTALL: managed installation and token exchange need none of this. The
state is signed with Django's SECRET_KEY, never with the client secret, whose signatures Shopify's
webhooks carry; it is bound to this browser by a cookie and good for one return.

Source: Shopify's documentation, "Implement authorization code grant manually".
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from urllib.parse import quote, urlencode

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

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
    state = signing.dumps({"shop": shop, "nonce": secrets.token_hex(16)}, salt=_SALT)
    query = {
        "client_id": settings.SHOPIFY_API_KEY,
        "scope": ",".join(settings.SHOPIFY_SCOPES),
        "redirect_uri": f"{settings.APP_URL}{reverse('legacy_callback')}",
        "state": state,
    }
    response = HttpResponseRedirect(f"{admin_url(shop)}/oauth/authorize?{urlencode(query)}")
    response.set_cookie(
        _COOKIE,
        state,
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

    Shopify's libraries disagree on whether values are signed as they are or percent-encoded, so
    either is accepted; for plain values both are the same.
    """
    try:
        age = abs(time.time() - int(query.get("timestamp", "")))
    except ValueError:
        return False
    signed = [key for key in query if key not in {"hmac", "signature"}]
    pairs = sorted((key, query.get(key, "")) for key in signed)
    plain = "&".join(f"{_plain(key).replace('=', '%3D')}={_plain(value)}" for key, value in pairs)
    encoded = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in pairs)
    given = query.get("hmac", "").encode()
    matches = [hmac.compare_digest(_signature(text), given) for text in (plain, encoded)]
    return any(matches) and age <= TIMESTAMP_SECONDS


def _plain(text: str) -> str:
    """Text as it is, but for what would let one parameter pass for two."""
    return text.replace("%", "%25").replace("&", "%26")


def _signature(text: str) -> bytes:
    secret = settings.SHOPIFY_API_SECRET.encode()
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest().encode()


def _verified_shop(request: HttpRequest) -> str | None:
    """The store of a request that Shopify signed; Http404 unless this way is switched on."""
    if not settings.SHOPIFY_LEGACY_INSTALL:
        raise Http404
    shop = request.GET.get("shop", "").lower()
    return shop if is_shop_domain(shop) and is_signed_by_shopify(request.GET) else None


def _state_holds(request: HttpRequest, shop: str) -> bool:
    """Whether we began this installation, in this browser, for this store, and it is not done yet."""
    state = request.GET.get("state", "")
    in_cookie = request.COOKIES.get(_COOKIE, "")
    if not hmac.compare_digest(state.encode(), in_cookie.encode()):
        return False
    try:
        begun = signing.loads(state, salt=_SALT, max_age=STATE_SECONDS)
    except signing.BadSignature:
        return False
    first_return: bool = cache.add(f"install:{begun['nonce']}", 1, STATE_SECONDS)
    return first_return and begun["shop"] == shop


def _refused(request: HttpRequest) -> HttpResponse:
    message = _(
        "This installation could not be confirmed. Start it again from the Shopify App Store."
    )
    return render(request, "shopify_auth/refused.html", {"message": message}, status=400)
