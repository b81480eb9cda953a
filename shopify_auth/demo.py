"""What exists on a development machine only: the demo store and its access without a merchant."""

from __future__ import annotations

import time
from uuid import uuid4

import jwt
from django.conf import settings

DEMO_SHOP = "ecomvance-demo.myshopify.com"
MERCHANT_EMAIL = "demo@ecomvance.test"
STAFF_EMAIL = "staff@ecomvance.test"
PASSWORD = "try-ecomvance"  # noqa: S105 - printed for everybody who starts the demo.
SESSION_TOKEN_SECONDS = 60


def signed_session_token(domain: str) -> str | None:
    """A session token that the app signs itself, for the development store's server alone.

    With it the web dashboard reaches the demo store's products before anybody has opened the app in
    the admin. None outside development: a real store answers only to what Shopify has signed.
    """
    if not (settings.DEV_STORE and settings.DEBUG):
        return None
    now = int(time.time())
    claims = {
        "iss": f"https://{domain}/admin",
        "dest": f"https://{domain}",
        "aud": settings.SHOPIFY_API_KEY,
        "sub": "1",
        "exp": now + SESSION_TOKEN_SECONDS,
        "nbf": now,
        "iat": now,
        "jti": str(uuid4()),
    }
    return jwt.encode(claims, settings.SHOPIFY_API_SECRET, algorithm="HS256")


def merchant_login() -> dict[str, str] | None:
    """The demo merchant's log-in, shown on the sign-in page of a development machine only."""
    if not (settings.DEV_STORE and settings.DEBUG):
        return None
    return {"email": MERCHANT_EMAIL, "password": PASSWORD}
