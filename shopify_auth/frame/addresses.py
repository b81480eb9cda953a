"""Ways into Shopify's admin and out of its frame. Every target is on a list.

Source: Shopify's documentation, "Set up embedded app authorization"; App Doctor, OPEN_REDIRECT.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from shopify_auth.admin_api.client import admin_url
from shopify_auth.domains import is_shop_domain

_STORE_PATH = r"/store/[a-z0-9][a-z0-9-]*"
_ADMIN_HOST = re.compile(rf"admin\.shopify\.com{_STORE_PATH}")


def decode_host(text: str) -> str:
    """The admin's address in a `host` parameter, without scheme; empty when it is no admin's."""
    try:
        host = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    shop, _, rest = host.partition("/")
    if _ADMIN_HOST.fullmatch(host) or (is_shop_domain(shop) and rest == "admin"):
        return host
    if settings.DEV_STORE:
        development = re.escape(urlsplit(settings.DEV_STORE).netloc)
        if re.fullmatch(development + _STORE_PATH, host):
            return host
    return ""


def app_url(host: str, shop: str, path: str = "/") -> str | None:
    """The app's page `path` inside the store's admin; None when neither parameter names a store."""
    page = "" if path == "/" else path
    decoded = decode_host(host)
    if decoded:
        scheme = urlsplit(settings.DEV_STORE).scheme if settings.DEV_STORE else "https"
        return f"{scheme}://{decoded}/apps/{settings.SHOPIFY_API_KEY}{page}"
    if is_shop_domain(shop):
        return f"{admin_url(shop)}/apps/{settings.SHOPIFY_API_KEY}{page}"
    return None


def leave_frame(request: HttpRequest, url: str) -> HttpResponse:
    """Take the whole window to `url`: a page of the admin's, or our own that leads there.

    A fetch answers with the headers that App Bridge follows, a document with a page that does it by
    script, and the web dashboard, which is in no frame, with a redirect. Raises ValueError for any
    other target.
    """
    if not is_admin_url(url) and not url.startswith(f"{install_url()}?"):
        raise ValueError("The window is sent to Shopify's admin only")
    if getattr(request, "surface", "web") != "embedded":
        return HttpResponseRedirect(url)
    if request.headers.get("Authorization"):
        response = HttpResponse(status=401)
        response["X-Shopify-API-Request-Failure-Reauthorize"] = "1"
        response["X-Shopify-API-Request-Failure-Reauthorize-Url"] = url
        return response
    return render(request, "shopify_auth/leave_frame.html", {"url": url})


def install_url() -> str:
    """Where the legacy installation begins. Its cookie needs a window of its own."""
    return f"{settings.APP_URL}{reverse('legacy_install')}"


def is_admin_url(url: str) -> bool:
    """Whether `url` is a page of a store's admin, or of the development store's."""
    if re.search(r"[\s\\]", url):
        return False
    parts = urlsplit(url)
    if settings.DEV_STORE and f"{parts.scheme}://{parts.netloc}" == settings.DEV_STORE:
        return True
    if parts.scheme != "https":
        return False
    if parts.netloc == "admin.shopify.com":
        return parts.path.startswith("/store/")
    return is_shop_domain(parts.netloc) and parts.path.startswith("/admin/")
