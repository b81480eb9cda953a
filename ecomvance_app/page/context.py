"""What every merchant page shows: the balance, the navigation, the live connection."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from credits import ledger, queries
from credits.reports import forecasts
from ecomvance_app import clock
from ecomvance_app.page.banners import banner_html
from ecomvance_app.page.needs import count_failed, read_needs
from ecomvance_app.page.set_up_guide import read_guide
from shopify_auth import demo

# The request of these has written nothing: the account is as it was read when it began.
_READS = ("GET", "HEAD")


def merchant(request: HttpRequest) -> dict[str, Any]:
    """Template context of both surfaces; empty of merchant data on public pages."""
    surface = getattr(request, "surface", None)
    context: dict[str, Any] = {
        "csp_nonce": getattr(request, "csp_nonce", ""),
        "surface": surface,
        "shopify_api_key": settings.SHOPIFY_API_KEY,
        "app_bridge_url": f"{settings.DEV_STORE}/app-bridge.js"
        if settings.DEV_STORE
        else "https://cdn.shopify.com/shopifycloud/app-bridge.js",
    }
    account = getattr(request, "account", None)
    if account is None:
        return context | {"demo_login": demo.merchant_login()}
    now = clock.now()
    # What the page says of the balance has its entries to show.
    is_fresh = request.method in _READS
    balance = queries.read_balance(ledger.read_settled(account, now, is_fresh=is_fresh), now)
    # The banner and the page below it speak of the same failed runs.
    failed = cache(partial(count_failed, account, now))
    return context | {
        "balance": balance,
        # Templates call these where they stand; pages without them ask nothing.
        "banner": partial(banner_html, account, balance, surface or "web", now, failed),
        "forecast": partial(forecasts.read_forecast, account, balance, now),
        "guide": partial(read_guide, account, getattr(request, "person", None)),
        "needs": partial(read_needs, account, now, failed),
        "time_zone": account.time_zone,
        "live_ticket_url": reverse("pages:live_ticket", current_app=surface),
        "balance_url": reverse("pages:balance", current_app=surface),
        "banner_url": reverse("pages:banner", current_app=surface),
    }
