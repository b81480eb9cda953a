"""What every merchant page shows: the balance, the navigation, the live connection."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from credits import forecasts, ledger, queries
from ecomvance_app import clock
from ecomvance_app.banners import banner_html
from shopify_auth import billing, demo


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
    if account.due_at is not None and account.due_at <= now:
        # A page that finds something due writes first, so that its entries are there to show.
        ledger.settle(account.pk, now=now)
    balance = queries.get_balance(account.pk, now)
    if balance.renewal_pending and billing.has_ended(account):
        # The ledger waits for a renewal until it is told of one; here it is known that none comes.
        balance = replace(balance, renewal_pending=False, allocation=0)
    return context | {
        "balance": balance,
        # Templates call these two where they stand; pages without them ask nothing.
        "banner": partial(banner_html, account, balance, surface or "web", now),
        "forecast": partial(forecasts.read_forecast, account.pk, balance, account.time_zone, now),
        "time_zone": account.time_zone,
        "live_ticket_url": reverse("pages:live_ticket", current_app=surface),
        "balance_url": reverse("pages:balance", current_app=surface),
    }
