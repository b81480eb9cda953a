"""Stores and their staff as the app meets them: signed session tokens and page loads."""

from __future__ import annotations

import base64
import time
from typing import Any
from uuid import uuid4

import jwt
from django.conf import settings
from django.test import Client

SHOP = "olivias-mugs.myshopify.com"
SECOND_SHOP = "sams-lamps.myshopify.com"
EURO_SHOP = "emils-teekannen.myshopify.com"
STAFF = "902541635"


def claims_of(shop: str = SHOP, **changes: Any) -> dict[str, Any]:
    """The claims Shopify signs for a staff member of `shop`; None takes a claim away."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": f"https://{shop}/admin",
        "dest": f"https://{shop}",
        "aud": settings.SHOPIFY_API_KEY,
        "sub": STAFF,
        "exp": now + 60,
        "nbf": now,
        "iat": now,
        "jti": str(uuid4()),
        "sid": uuid4().hex,
    } | changes
    return {name: value for name, value in claims.items() if value is not None}


def session_token(shop: str = SHOP, secret: str = "", **changes: Any) -> str:
    """A session token signed by Shopify, or, with `secret`, by somebody else."""
    key = secret or settings.SHOPIFY_API_SECRET
    return jwt.encode(claims_of(shop, **changes), key, algorithm="HS256")


def bearer(token: str) -> dict[str, str]:
    """The header that App Bridge adds to a fetch."""
    return {"Authorization": f"Bearer {token}"}


def host_of(shop: str = SHOP) -> str:
    """The `host` parameter: the admin's address in base64 without padding."""
    address = f"admin.shopify.com/store/{shop.removesuffix('.myshopify.com')}"
    return base64.b64encode(address.encode()).decode().rstrip("=")


def place(shop: str = SHOP, **more: str) -> dict[str, str]:
    """The parameters of a page load inside the admin, without a token."""
    return {"shop": shop, "host": host_of(shop), "embedded": "1", **more}


def open_page(client: Client, shop: str = SHOP, path: str = "/", **more: str) -> Any:
    """Load a page in the admin's frame with a fresh session token."""
    return client.get(path, place(shop, id_token=session_token(shop), **more))
