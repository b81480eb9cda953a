"""What the body of each webhook topic looks like, and which store it speaks of.

A signature covers the body alone, so a genuine body can be sent again under another topic, with
another store in the header. A body that does not fit its topic is not acted on, and the store is
taken from the body.

Source: Shopify's documentation, "Webhooks": topics, payloads and verification.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from shopify_auth.domains import is_shop_domain

UNINSTALLED = "app/uninstalled"
SCOPES_UPDATE = "app/scopes_update"
SHOP_UPDATE = "shop/update"
SUBSCRIPTION_UPDATE = "app_subscriptions/update"
PURCHASE_UPDATE = "app_purchases_one_time/update"
DATA_REQUEST = "customers/data_request"
CUSTOMER_REDACT = "customers/redact"
SHOP_REDACT = "shop/redact"
BILLING_TOPICS = (SUBSCRIPTION_UPDATE, PURCHASE_UPDATE)
CUSTOMER_TOPICS = (DATA_REQUEST, CUSTOMER_REDACT)


@dataclass(frozen=True)
class Shape:
    """The keys a body must have, the object they are in, and which of them names the store.

    `exact` allows no others: the body of shop/redact is contained in every customers/redact.
    """

    keys: frozenset[str]
    store: str
    inside: str = ""
    exact: bool = False


_CHARGE = frozenset({"admin_graphql_api_id", "admin_graphql_api_shop_id", "status", "name"})
# The body of both is the store as it describes itself: neither does more than have it asked.
_STORE = Shape(frozenset({"id", "name", "email", "myshopify_domain"}), "myshopify_domain")
SHAPES = {
    UNINSTALLED: _STORE,
    SHOP_UPDATE: _STORE,
    SCOPES_UPDATE: Shape(frozenset({"id", "shop_id", "previous", "current"}), "shop_id"),
    SUBSCRIPTION_UPDATE: Shape(_CHARGE, "admin_graphql_api_shop_id", inside="app_subscription"),
    PURCHASE_UPDATE: Shape(_CHARGE, "admin_graphql_api_shop_id", inside="app_purchase_one_time"),
    DATA_REQUEST: Shape(
        frozenset({"shop_id", "shop_domain", "customer", "orders_requested", "data_request"}),
        "shop_domain",
    ),
    CUSTOMER_REDACT: Shape(
        frozenset({"shop_id", "shop_domain", "customer", "orders_to_redact"}), "shop_domain"
    ),
    SHOP_REDACT: Shape(frozenset({"shop_id", "shop_domain"}), "shop_domain", exact=True),
}


def subject_of(topic: str, body: str) -> str:
    """The store the body names: a domain in lower case, or the number of a global id.

    Empty when the topic is unknown, or the body is not the one this topic has.
    """
    shape = SHAPES.get(topic)
    fields = _object(body)
    if shape is None or fields is None:
        return ""
    if shape.inside:
        inner = fields.get(shape.inside)
        fields = inner if len(fields) == 1 and isinstance(inner, dict) else {}
    fits = shape.keys == fields.keys() if shape.exact else shape.keys <= fields.keys()
    return _store(fields[shape.store]) if fits else ""


def _object(body: str) -> dict[str, Any] | None:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _store(value: object) -> str:
    text = str(value)
    prefix, _, number = text.rpartition("/")
    if prefix == "gid://shopify/Shop" and number.isdecimal() and len(number) <= 20:
        return number
    return text.lower() if is_shop_domain(text) else ""
