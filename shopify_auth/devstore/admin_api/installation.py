"""The shop, its installation of the app and its charges as the Admin API shows them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings

from shopify_auth.devstore.admin_api.connections import Info, connection
from shopify_auth.devstore.state import Charge, ChargeKind, ChargeStatus, Shop

APP_NUMBER = 7_311_001
APP_TITLE = "ecomVance"
APP_HANDLE = "ecomvance"


def shop_node(shop: Shop) -> dict[str, Any]:
    """The shop."""
    return {
        "__typename": "Shop",
        "id": shop.gid,
        "name": shop.name,
        "email": shop.email,
        "contactEmail": shop.email,
        "shopOwnerName": shop.owner,
        "myshopifyDomain": shop.domain,
        "url": f"https://{shop.domain}",
        "ianaTimezone": shop.time_zone,
        "currencyCode": shop.currency,
        "plan": {
            "partnerDevelopment": shop.partner_development,
            "publicDisplayName": shop.plan,
            "shopifyPlus": False,
        },
    }


def charge_node(shop: Shop, charge: Charge) -> dict[str, Any]:
    """A subscription or a one-time purchase."""
    price = {"amount": charge.price, "currencyCode": charge.currency}
    node: dict[str, Any] = {
        "__typename": str(charge.kind),
        "id": charge.gid,
        "name": charge.name,
        "status": str(charge.status),
        "test": charge.test,
        "createdAt": charge.created_at,
    }
    if charge.kind is ChargeKind.ONE_TIME:
        return node | {"price": price}
    hidden = charge.test and shop.misbehaviour.period_end_hidden
    pricing = {
        "__typename": "AppRecurringPricing",
        "interval": "EVERY_30_DAYS",
        "price": price,
        "planHandle": None,
    }
    return node | {
        "returnUrl": charge.return_url,
        "trialDays": charge.trial_days,
        "currentPeriodEnd": None if hidden else charge.period_end,
        "lineItems": [
            {
                "id": f"gid://shopify/AppSubscriptionLineItem/{charge.number}?v=1&index=0",
                "plan": {"pricingDetails": pricing},
            }
        ],
    }


def installation_node(shop: Shop, app_url: str) -> dict[str, Any]:
    """The app's installation on the shop."""
    subscriptions = [c for c in shop.charges if c.kind is ChargeKind.SUBSCRIPTION]
    purchases = [c for c in shop.charges if c.kind is ChargeKind.ONE_TIME]

    def pages(charges: list[Charge]) -> Any:
        def page(_info: Info, **arguments: Any) -> dict[str, Any]:
            return connection([charge_node(shop, charge) for charge in charges], arguments)

        return page

    return {
        "__typename": "AppInstallation",
        "id": f"gid://shopify/AppInstallation/{shop.installation}",
        "accessScopes": [
            {"handle": scope, "description": scope.replace("_", " ").capitalize()}
            for scope in shop.scopes
        ],
        "activeSubscriptions": [
            charge_node(shop, charge)
            for charge in subscriptions
            if charge.status is ChargeStatus.ACTIVE
        ],
        "allSubscriptions": pages(subscriptions),
        "oneTimePurchases": pages(purchases),
        "launchUrl": app_url,
        "uninstallUrl": None,
        "app": {
            "__typename": "App",
            "id": f"gid://shopify/App/{APP_NUMBER}",
            "apiKey": settings.SHOPIFY_API_KEY,
            "title": APP_TITLE,
            "handle": APP_HANDLE,
            "embedded": True,
        },
    }


def amount_text(amount: Decimal) -> str:
    """A Decimal as Shopify writes it: no exponent, at least one digit after the point."""
    text = f"{amount.normalize():f}"
    return text if "." in text else f"{text}.0"
