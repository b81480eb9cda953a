"""What Shopify says about a store's charges at one moment, read with the offline token.

Source: Shopify's documentation, "AppInstallation", "AppSubscription", "AppPurchaseOneTime".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from shopify_auth.admin_api import queries
from shopify_auth.admin_api.documents import APP_INSTALLATION, CHARGE_BY_ID, SHOP_DETAILS
from shopify_auth.models import Shop
from shopify_auth.models.charges import Charge

# An approved charge that is not active yet; Shopify's older name for what PENDING says today.
_RENAMED = {"ACCEPTED": "PENDING"}


@dataclass(frozen=True, slots=True)
class ShownCharge:
    """A subscription or a one-time purchase as Shopify shows it."""

    gid: str
    name: str
    status: str
    test: bool
    created_at: datetime
    price: Decimal
    currency: str
    period_end: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether it is paid."""
        return self.status == Charge.Status.ACTIVE


@dataclass(frozen=True)
class Reading:
    """A store's charges by global id. `missing` are ids that Shopify does not know (any more).

    `is_development_store` is None where no test charge made it worth asking.
    """

    subscriptions: dict[str, ShownCharge] = field(default_factory=dict)
    purchases: dict[str, ShownCharge] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    is_development_store: bool | None = None


def read_charges(shop: Shop, expected: Iterable[str]) -> Reading:
    """Everything the app has charged this store, as far back as Shopify lists it.

    `expected` are global ids that must be answered for; the ones that are not on the list are asked
    for one by one. Raises the exceptions of `errors`.
    """
    installation = queries.ask(shop, APP_INSTALLATION)["currentAppInstallation"]
    nodes = [*installation["allSubscriptions"]["nodes"], *installation["activeSubscriptions"]]
    subscriptions = {node["id"]: _subscription(node) for node in nodes}
    purchases = {node["id"]: _purchase(node) for node in installation["oneTimePurchases"]["nodes"]}
    missing = set()
    for gid in sorted(set(expected) - subscriptions.keys() - purchases.keys()):
        node = queries.ask(shop, CHARGE_BY_ID, id=gid)["node"]
        if node is None:
            missing.add(gid)
        elif node["__typename"] == "AppSubscription":
            subscriptions[gid] = _subscription(node)
        else:
            purchases[gid] = _purchase(node)
    tests = any(
        charge.test and charge.is_active
        for charge in (*subscriptions.values(), *purchases.values())
    )
    return Reading(
        subscriptions=subscriptions,
        purchases=purchases,
        missing=frozenset(missing),
        is_development_store=_is_development_store(shop) if tests else None,
    )


def _is_development_store(shop: Shop) -> bool:
    plan = queries.ask(shop, SHOP_DETAILS)["shop"]["plan"]
    return bool(plan["partnerDevelopment"])


def _subscription(node: dict[str, Any]) -> ShownCharge:
    price = _recurring_price(node["lineItems"])
    return _shown(node, price, node["currentPeriodEnd"])


def _recurring_price(line_items: list[dict[str, Any]]) -> dict[str, Any]:
    """The price of the recurring line; a subscription that has none was not offered here."""
    for line in line_items:
        details = line["plan"]["pricingDetails"]
        if details.get("interval") == "EVERY_30_DAYS":
            price: dict[str, Any] = details["price"]
            return price
    return {"amount": "0", "currencyCode": ""}


def _purchase(node: dict[str, Any]) -> ShownCharge:
    return _shown(node | {"status": node["purchaseStatus"]}, node["price"], None)


def _shown(node: dict[str, Any], price: dict[str, Any], period_end: str | None) -> ShownCharge:
    return ShownCharge(
        gid=node["id"],
        name=node["name"],
        status=_RENAMED.get(node["status"], node["status"]),
        test=node["test"],
        created_at=datetime.fromisoformat(node["createdAt"]),
        price=Decimal(str(price["amount"])),
        currency=price["currencyCode"],
        period_end=datetime.fromisoformat(period_end) if period_end else None,
    )
