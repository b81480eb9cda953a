"""What a store says about itself: name, address, time zone, currency and plan at Shopify.

Read when the app is installed and when it comes back, once a day, and when the store says that
something has changed.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from credits.accounts.zones import follow_store
from credits.models import Account
from ecomvance_app import clock
from shopify_auth.admin_api import queries
from shopify_auth.admin_api.documents import SHOP_DETAILS
from shopify_auth.admin_api.errors import ShopifyError
from shopify_auth.models import Shop

logger = logging.getLogger(__name__)

READ_WITHIN = timedelta(hours=20)
READ_AT_ONCE = 500


def ask(shop: Shop) -> dict[str, Any]:
    """What the store says about itself; empty when it cannot be asked now."""
    try:
        details: dict[str, Any] = queries.ask(shop, SHOP_DETAILS)["shop"]
    except ShopifyError as error:
        logger.warning("Details of %s wait: %s", shop.domain, error)
        return {}
    return details


def read_again(shop: Shop) -> None:
    """Ask the store and write down what it says. Raises the exceptions of `errors`."""
    details = queries.ask(shop, SHOP_DETAILS)["shop"]
    with transaction.atomic():
        locked = Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        if locked.state != Shop.State.INSTALLED:
            return
        old_name = locked.name
        describe(locked, details, clock.now())
        locked.save(update_fields=[*WRITTEN])
        if locked.account_id is not None:
            tell_account(locked, details, old_name)


WRITTEN = (
    "name", "email", "currency", "plan", "shopify_id", "is_development_store", "details_read_at",
)  # fmt: skip


def describe(shop: Shop, details: dict[str, Any], now: datetime) -> None:
    """Put what the store said on its row, unsaved; nothing when it said nothing."""
    if not details:
        return
    plan = details["plan"]
    shop.name = details["name"][:200]
    shop.email = (details.get("email") or "")[:254].lower()
    shop.currency = (details.get("currencyCode") or "")[:3]
    shop.plan = (plan.get("publicDisplayName") or "")[:60]
    shop.shopify_id = details["id"].rpartition("/")[2]
    shop.is_development_store = plan["partnerDevelopment"]
    shop.details_read_at = now


def tell_account(shop: Shop, details: dict[str, Any], old_name: str) -> None:
    """The account of the store takes its name and its days, unless another store opened it.

    A name that was given otherwise stays.
    """
    account_id = shop.account_id
    stores = Shop.objects.filter(account=account_id, state=Shop.State.INSTALLED)
    first = stores.order_by("installed_at", "pk").values_list("pk", flat=True).first()
    if account_id is None or first != shop.pk:
        return
    named = Account.objects.filter(Q(name="") | Q(name=old_name), pk=account_id)
    named.update(name=shop.name)
    follow_store(account_id, details.get("ianaTimezone"))


def own_address(account: Account) -> str:
    """The address of the store that came first to this account; empty where none has told one."""
    stores = Shop.objects.filter(account=account, state=Shop.State.INSTALLED).exclude(email="")
    return stores.order_by("installed_at", "pk").values_list("email", flat=True).first() or ""


def due(now: datetime) -> list[int]:
    """Installed stores that nobody has read today, the longest unread first."""
    unread = Q(details_read_at=None) | Q(details_read_at__lt=now - READ_WITHIN)
    shops = Shop.objects.filter(unread, state=Shop.State.INSTALLED, account__isnull=False)
    longest_first = F("details_read_at").asc(nulls_first=True)
    return list(shops.order_by(longest_first, "pk").values_list("pk", flat=True)[:READ_AT_ONCE])
