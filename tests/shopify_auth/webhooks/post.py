"""Webhooks as Shopify posts them, with its documented bodies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import Client

from shopify_auth import tasks
from shopify_auth.models import Shop, WebhookDelivery
from tests.embedded import SHOP

BODIES = Path(__file__).parent / "payloads"
PATH = "/webhooks/shopify"
HANDLE = SHOP.removesuffix(".myshopify.com")
ALL_TOPICS = [
    "app/uninstalled",
    "app/scopes_update",
    "shop/update",
    "app_subscriptions/update",
    "app_purchases_one_time/update",
    "customers/data_request",
    "customers/redact",
    "shop/redact",
]


def body_of(topic: str, shop: str = SHOP, **changes: Any) -> dict[str, Any]:
    """The documented body of a topic, about `shop`."""
    name = topic.replace("/", "__")
    fields: dict[str, Any] = json.loads((BODIES / f"{name}.json").read_text())
    known = Shop.objects.filter(domain=shop).first()
    number = known.shopify_id if known else "954889"
    target = next(iter(fields.values())) if topic.startswith("app_") else fields
    gid = f"gid://shopify/Shop/{number}"
    for key, value in {
        "shop_domain": shop,
        "myshopify_domain": shop,
        "admin_graphql_api_shop_id": gid,
        "shop_id": gid if topic.startswith("app/") else 954889,
    }.items():
        if key in target:
            target[key] = value
    return fields | changes


def signed(body: bytes, secret: str = "") -> str:
    """Shopify's signature of these bytes, or somebody else's."""
    key = (secret or settings.SHOPIFY_API_SECRET).encode()
    return base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()


def post(
    topic: str,
    body: Any = None,
    *,
    shop: str = SHOP,
    webhook_id: str = "",
    signature: str | None = None,
    secret: str = "",
) -> Any:
    """Post one delivery, genuine unless told otherwise."""
    raw = body if isinstance(body, bytes) else json.dumps(body or body_of(topic, shop)).encode()
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": shop,
        "X-Shopify-Webhook-Id": webhook_id or str(uuid.uuid4()),
        "X-Shopify-Event-Id": str(uuid.uuid4()),
        "X-Shopify-Triggered-At": "2026-11-22T12:00:00.000Z",
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Hmac-Sha256": signed(raw, secret) if signature is None else signature,
    }
    client = Client(enforce_csrf_checks=True)
    return client.post(PATH, raw, content_type="application/json", headers=headers)


def work() -> None:
    """What a worker does with the messages that are waiting."""
    for webhook_id in WebhookDelivery.objects.filter(handled_at=None).values_list(
        "webhook_id", flat=True
    ):
        tasks.handle_webhook(webhook_id=webhook_id)


def outcome(topic: str) -> str:
    """What came of the latest delivery of a topic."""
    return WebhookDelivery.objects.filter(topic=topic).latest("received_at").outcome
