"""Renders the fake's pages, which allow no framing and no foreign script."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.template.loader import render_to_string

from ecomvance_app import clock
from shopify_auth.devstore.admin_api.installation import APP_TITLE
from shopify_auth.devstore.fake import FakeRequest
from shopify_auth.devstore.state import Shop


def page(
    request: FakeRequest, shop: Shop, template: str, context: dict[str, Any] | None = None
) -> HttpResponse:
    """The admin page `template` of `shop`."""
    html = render_to_string(
        f"devstore/{template}",
        {
            "shop": shop,
            "other_shops": [
                {"name": other.name, "path": f"/store/{other.handle}"}
                for other in request.fake.store.copy().shops.values()
                if other.handle != shop.handle
            ],
            "asset_path": "/static/",
            "admin_path": f"/store/{shop.handle}",
            "app_path": f"/store/{shop.handle}/apps/{settings.SHOPIFY_API_KEY}",
            "app_title": APP_TITLE,
            "app_origin": settings.APP_URL,
            "business_time": clock.now(),
            **(context or {}),
        },
    )
    response = HttpResponse(html)
    response["Content-Security-Policy"] = (
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
        f"frame-src {settings.APP_URL}; form-action 'self' {settings.APP_URL}"
    )
    response["X-Frame-Options"] = "DENY"
    response["Cache-Control"] = "no-store"
    return response


def refuse_foreign_post(request: FakeRequest) -> None:
    """Raise PermissionDenied for a POST that another site's page sent."""
    if request.method != "POST" or request.headers.get("Origin") not in {
        None,
        request.fake.base_url,
    }:
        raise PermissionDenied
