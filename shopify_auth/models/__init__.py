"""Identity: people, their accounts, and the shops that share an account's balance."""

from __future__ import annotations

from shopify_auth.models.charges import (
    BillingCheck,
    BillingDifference,
    Purchase,
    Subscription,
)
from shopify_auth.models.connections import Connection, LinkRequest
from shopify_auth.models.people import Invitation, Mailbox, Membership, Person
from shopify_auth.models.shops import Erasure, Shop, ShopStaff
from shopify_auth.models.sign_ins import SignInFailure
from shopify_auth.models.tokens import OfflineToken
from shopify_auth.models.webhooks import WebhookDelivery

__all__ = [
    "BillingCheck",
    "BillingDifference",
    "Connection",
    "Erasure",
    "Invitation",
    "LinkRequest",
    "Mailbox",
    "Membership",
    "OfflineToken",
    "Person",
    "Purchase",
    "Shop",
    "ShopStaff",
    "SignInFailure",
    "Subscription",
    "WebhookDelivery",
]
