"""Content-Security-Policy of every answer; who may frame a page is ruled per shop."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

# The rest of that host holds what stores have uploaded.
APP_BRIDGE = "https://cdn.shopify.com/shopifycloud/"
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class ContentSecurityPolicyMiddleware:
    """Sets a strict policy with a nonce; inside the admin the shop's own frame is allowed.

    Views and middleware further in set `request.frame_shop` to the domain a session token (or, on
    the bounce page, the validated `shop` parameter) has named; nobody else may frame the page.
    Source: Shopify's documentation, "Set up iframe protection".
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.csp_nonce = secrets.token_urlsafe(16)  # type: ignore[attr-defined]
        response = self.get_response(request)
        if "Content-Security-Policy" not in response:
            response["Content-Security-Policy"] = _policy(request)
        response.setdefault("X-Content-Type-Options", "nosniff")
        return response


def _policy(request: HttpRequest) -> str:
    shop = getattr(request, "frame_shop", None)
    nonce = f"'nonce-{request.csp_nonce}'"  # type: ignore[attr-defined]
    bridge = f" {settings.DEV_STORE or APP_BRIDGE}" if shop else ""
    directives = {
        "default-src": "'self'",
        "script-src": f"'self' {nonce}{bridge}",
        "style-src": f"'self' {nonce}",
        "img-src": "'self' data: blob:",
        "media-src": "'self' blob:",
        "connect-src": f"'self'{bridge}",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": _ancestors(shop),
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def _ancestors(shop: str | None) -> str:
    if shop is None:
        return "'none'"
    ancestors = f"https://{shop} https://admin.shopify.com"
    if settings.DEV_STORE:
        parts = urlsplit(settings.DEV_STORE)
        ancestors += f" {parts.scheme}://{parts.netloc}"
    return ancestors
