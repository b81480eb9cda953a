"""Webhook bodies, headers and signatures as Shopify sends them, and the outbox they wait in.

Source: Shopify's documentation on webhook topics, headers and verification.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.conf import settings

from shopify_auth.devstore.state import (
    Charge,
    ChargeKind,
    Delivery,
    DeliveryStatus,
    Shop,
    State,
)

KEPT_DELIVERIES = 300
LATE_SECONDS = 20
TOPIC_OF_CHARGE = {
    ChargeKind.SUBSCRIPTION: "app_subscriptions/update",
    ChargeKind.ONE_TIME: "app_purchases_one_time/update",
}
COMPLIANCE_TOPICS = ("customers/data_request", "customers/redact", "shop/redact")
CUSTOMER = {"id": 191_167, "email": "john@example.com", "phone": "555-625-1199"}
ORDERS = [299_938, 280_263, 220_458]


def signature(body: bytes, secret: str) -> str:
    """Base64 of HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def headers(delivery: Delivery) -> dict[str, str]:
    """The request headers of one delivery; a forged one is signed with another secret."""
    secret = "somebody-else" if delivery.forged else settings.SHOPIFY_API_SECRET
    return {
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-Topic": delivery.topic,
        "X-Shopify-Hmac-Sha256": signature(delivery.body.encode(), secret),
        "X-Shopify-Shop-Domain": delivery.shop_domain,
        "X-Shopify-API-Version": settings.SHOPIFY_API_VERSION,
        "X-Shopify-Webhook-Id": delivery.webhook_id,
        "X-Shopify-Event-Id": delivery.event_id,
        "X-Shopify-Triggered-At": delivery.triggered_at.isoformat().replace("+00:00", "Z"),
    }


def send(state: State, shop: Shop, topic: str, body: dict[str, Any], now: datetime) -> Delivery:
    """Put one webhook into the outbox, going wrong in the ways asked for on the control page."""
    delivery = Delivery(
        webhook_id=str(uuid4()),
        event_id=str(uuid4()),
        topic=topic,
        shop_domain=shop.domain,
        body=json.dumps(body),
        triggered_at=now,
        due_at=time.time(),
    )
    if shop.takes("webhook_lost"):
        delivery.status = DeliveryStatus.LOST
    if shop.takes("webhook_twice"):
        delivery.copies = 2
    if shop.takes("webhook_late"):
        delivery.due_at += LATE_SECONDS
    delivery.forged = shop.takes("webhook_forged")
    _release_held(state, shop)
    if delivery.status is DeliveryStatus.WAITING and shop.takes("webhook_reordered"):
        delivery.status = DeliveryStatus.HELD
    state.deliveries.append(delivery)
    del state.deliveries[:-KEPT_DELIVERIES]
    return delivery


def send_charge(state: State, shop: Shop, charge: Charge, now: datetime) -> None:
    """Tell the app that the status of a charge changed."""
    send(state, shop, TOPIC_OF_CHARGE[charge.kind], charge_body(shop, charge), now)


def send_uninstalled(state: State, shop: Shop, now: datetime) -> None:
    """Tell the app that it was uninstalled."""
    send(state, shop, "app/uninstalled", shop_body(shop), now)


def send_shop_update(state: State, shop: Shop, now: datetime) -> None:
    """Tell the app that something about the store changed."""
    send(state, shop, "shop/update", shop_body(shop), now)


def send_scopes(state: State, shop: Shop, previous: list[str], now: datetime) -> None:
    """Tell the app that its access scopes changed from `previous` to the shop's present ones."""
    body = {
        "id": shop.installation,
        "shop_id": shop.gid,
        "previous": previous,
        "current": list(shop.scopes),
        "updated_at": now.isoformat().replace("+00:00", "Z"),
    }
    send(state, shop, "app/scopes_update", body, now)


def send_compliance(state: State, shop: Shop, topic: str, now: datetime) -> None:
    """Send one of the three compliance webhooks."""
    body: dict[str, Any] = {"shop_id": shop.number, "shop_domain": shop.domain}
    if topic == "customers/data_request":
        body |= {"customer": CUSTOMER, "orders_requested": ORDERS, "data_request": {"id": 9_999}}
    elif topic == "customers/redact":
        body |= {"customer": CUSTOMER, "orders_to_redact": ORDERS}
    send(state, shop, topic, body, now)


def charge_body(shop: Shop, charge: Charge) -> dict[str, Any]:
    """The body of a charge's update webhook; it names neither the period nor a test charge."""
    common = {
        "admin_graphql_api_id": charge.gid,
        "name": charge.name,
        "status": str(charge.status),
        "admin_graphql_api_shop_id": shop.gid,
        "created_at": charge.created_at.isoformat(),
        "updated_at": charge.updated_at.isoformat(),
    }
    if charge.kind is ChargeKind.ONE_TIME:
        return {"app_purchase_one_time": common}
    return {
        "app_subscription": common
        | {
            "currency": charge.currency,
            "capped_amount": None,
            "price": f"{charge.price:.2f}",
            "interval": "every_30_days",
            "plan_handle": None,
        }
    }


def shop_body(shop: Shop) -> dict[str, Any]:
    """The shop as app/uninstalled and shop/update describe it."""
    return {
        "id": shop.number,
        "name": shop.name,
        "email": shop.email,
        "domain": shop.domain,
        "province": None,
        "country": shop.country,
        "address1": "1 Example Street",
        "zip": "00000",
        "city": "Example",
        "source": None,
        "phone": "",
        "latitude": None,
        "longitude": None,
        "primary_locale": "en",
        "address2": None,
        "created_at": None,
        "updated_at": None,
        "country_code": shop.country,
        "country_name": shop.country_name,
        "currency": shop.currency,
        "customer_email": shop.email,
        "timezone": f"(GMT) {shop.time_zone}",
        "iana_timezone": shop.time_zone,
        "shop_owner": shop.owner,
        "money_format": "${{amount}}",
        "money_with_currency_format": "${{amount}} USD",
        "weight_unit": "kg",
        "province_code": None,
        "taxes_included": None,
        "auto_configure_tax_inclusivity": None,
        "tax_shipping": None,
        "county_taxes": None,
        "plan_display_name": shop.plan,
        "plan_name": "partner_test" if shop.partner_development else shop.plan.lower(),
        "has_discounts": False,
        "has_gift_cards": False,
        "myshopify_domain": shop.domain,
        "google_apps_domain": None,
        "google_apps_login_enabled": None,
        "money_in_emails_format": "${{amount}}",
        "money_with_currency_in_emails_format": "${{amount}} USD",
        "eligible_for_payments": True,
        "requires_extra_payments_agreement": False,
        "password_enabled": None,
        "has_storefront": True,
        "finances": True,
        "primary_location_id": 655_441_491,
        "checkout_api_supported": True,
        "multi_location_enabled": True,
        "setup_required": False,
        "pre_launch_enabled": False,
        "enabled_presentment_currencies": [shop.currency],
        "marketing_sms_consent_enabled_at_checkout": False,
        "transactional_sms_disabled": False,
    }


def _release_held(state: State, shop: Shop) -> None:
    """Let go what was held back, a moment after the newer one: the two arrive in reverse."""
    for held in state.deliveries:
        if held.status is DeliveryStatus.HELD and held.shop_domain == shop.domain:
            held.status = DeliveryStatus.WAITING
            held.due_at = time.time() + 1
