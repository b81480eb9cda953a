"""Keeping access to stores that nobody opens: refresh, migration, encryption with the newest key."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q

from shopify_auth.admin_api import offline_tokens
from shopify_auth.admin_api.errors import ShopifyError
from shopify_auth.encryption import is_current
from shopify_auth.models import OfflineToken, Shop

logger = logging.getLogger(__name__)

# A refresh token dies after 90 idle days; two months are left to get through.
IDLE_FOR = timedelta(days=30)


def shops_to_keep(now: datetime) -> list[int]:
    """Stores whose refresh token has rested for a month, and those whose token never expires."""
    idle = Q(refreshed_at__lt=now - IDLE_FOR) | Q(expires_at=None)
    active = OfflineToken.objects.filter(
        idle, state=OfflineToken.State.ACTIVE, shop__state=Shop.State.INSTALLED
    )
    return list(active.order_by("pk").values_list("shop_id", flat=True))


def keep(shop_id: int) -> None:
    """Renew this store's token; a store that cannot be asked now is asked again tomorrow."""
    shop = Shop.objects.get(pk=shop_id)
    try:
        offline_tokens.renew(shop)
    except ShopifyError as error:
        logger.warning("Access to %s was not renewed: %s", shop.domain, error)


def encrypt_with_current_key() -> int:
    """Write tokens again that an older key of TOKEN_KEYS wrote; how many there were.

    Afterwards the older key can be taken out of the list. A token that is renewed meanwhile is left
    alone, for it is written with the newest key already, and so is one that was deleted.
    """
    written = 0
    for pk, access_token, refresh_token in _ciphertexts():
        if is_current(access_token) and is_current(refresh_token):
            continue
        token = OfflineToken.objects.get(pk=pk)
        same = OfflineToken.objects.filter(
            pk=pk, refreshed_at=token.refreshed_at, state=token.state
        )
        written += same.update(access_token=token.access_token, refresh_token=token.refresh_token)
    return written


def _ciphertexts() -> list[tuple[int, str, str]]:
    """The columns as they are stored; the model's fields would decrypt them."""
    table = connection.ops.quote_name(OfflineToken._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, access_token, refresh_token FROM {table}")  # noqa: S608
        return list(cursor.fetchall())
