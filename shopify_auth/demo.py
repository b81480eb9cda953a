"""What exists on a development machine only: the demo store and the log-ins to it."""

from __future__ import annotations

from django.conf import settings

DEMO_SHOP = "ecomvance-demo.myshopify.com"
MERCHANT_EMAIL = "demo@ecomvance.test"
STAFF_EMAIL = "staff@ecomvance.test"
PASSWORD = "try-ecomvance"  # noqa: S105 - printed for everybody who starts the demo.


def merchant_login() -> dict[str, str] | None:
    """The demo merchant's log-in, shown on the sign-in page of a development machine only."""
    if not (settings.DEV_STORE and settings.DEBUG):
        return None
    return {"email": MERCHANT_EMAIL, "password": PASSWORD}
