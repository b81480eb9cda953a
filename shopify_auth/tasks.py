"""Background work of the Shopify side. Each task makes one call."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from ecomvance_app import clock, jobs
from shopify_auth import access, inbox

logger = logging.getLogger(__name__)


@shared_task(name="shopify_auth.handle_webhook")
def handle_webhook(webhook_id: str, **_kwargs: object) -> None:
    """Handle one webhook, and those of the same store that its answer serves."""
    inbox.handle(webhook_id)


@shared_task(name="shopify_auth.sweep")
def sweep(**_kwargs: object) -> None:
    """Tell a worker of webhooks that are due again."""
    inbox.sweep(clock.now())


@shared_task(name="shopify_auth.keep_access")
def keep_access(**_kwargs: object) -> None:
    """Once a day: refresh idle stores' tokens one task each, re-encrypt, forget old webhooks."""
    for shop_id in access.shops_to_keep(timezone.now()):
        jobs.enqueue("shopify_auth.keep_shop_access", shop_id=shop_id)
    access.encrypt_with_current_key()
    inbox.forget_old(clock.now())


@shared_task(name="shopify_auth.keep_shop_access")
def keep_shop_access(shop_id: int, **_kwargs: object) -> None:
    """Renew one store's token before its refresh token dies unused."""
    access.keep(shop_id)
