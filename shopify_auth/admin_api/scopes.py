"""Access scopes: whether what a store granted is all that the app asks for."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from shopify import ApiAccess, ApiAccessError

from shopify_auth.models import Shop


def needs_consent(shop: Shop) -> bool:
    """Whether the merchant has still to agree to something that the app may do by now.

    False while nobody knows what was granted: that is no reason to stop anybody.
    """
    return bool(shop.scopes) and not covers(shop.scopes, settings.SHOPIFY_SCOPES)


def covers(granted: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether `granted` holds all of `wanted`; the right to write holds the right to read."""
    held, asked = set(granted), set(wanted)
    # ShopifyAPI raises for scopes such as customer_read_customers: those count by their name.
    by_name = {scope for scope in held | asked if not _is_known(scope)}
    if not asked & by_name <= held:
        return False
    return bool(ApiAccess(held - by_name).covers(ApiAccess(asked - by_name)))


def _is_known(scope: str) -> bool:
    try:
        ApiAccess([scope])
    except ApiAccessError:
        return False
    return True
