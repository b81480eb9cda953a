"""Background work of the Shopify side. Each task makes one call."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from ecomvance_app import clock, jobs
from shopify_auth.admin_api import token_refresh
from shopify_auth.admin_api.errors import ShopifyError
from shopify_auth.billing import reconcile, schedule, sweeps
from shopify_auth.identity import sign_in_limits
from shopify_auth.models import Shop
from shopify_auth.stores import details
from shopify_auth.webhooks import inbox

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
    for shop_id in token_refresh.shops_to_keep(timezone.now()):
        jobs.enqueue("shopify_auth.keep_shop_access", shop_id=shop_id)
    token_refresh.encrypt_with_current_key()
    inbox.forget_old(clock.now())
    sign_in_limits.forget_old(timezone.now())


@shared_task(name="shopify_auth.keep_shop_access")
def keep_shop_access(shop_id: int, **_kwargs: object) -> None:
    """Renew one store's token before its refresh token dies unused."""
    token_refresh.keep(shop_id)


@shared_task(name=schedule.RECONCILE)
def reconcile_charges(shop_id: int, **_kwargs: object) -> None:
    """Make one store's credits agree with what it pays for; what fails is due again by itself."""
    shop = Shop.objects.filter(pk=shop_id).first()
    if shop is None:
        return
    if not sweeps.take_place(shop_id, clock.now()):
        sweeps.ask_later(shop_id, clock.now())
        return
    try:
        reconcile.reconcile_charges(shop)
    except ShopifyError as error:
        logger.warning("%s is compared later: %s", shop.domain, error)
    finally:
        sweeps.leave_place(shop_id)


@shared_task(name="shopify_auth.read_stores")
def read_stores(**_kwargs: object) -> None:
    """Ask stores about themselves that nobody has asked today, one task each."""
    for shop_id in details.due(clock.now()):
        jobs.enqueue("shopify_auth.read_store", shop_id=shop_id)


@shared_task(name="shopify_auth.read_store")
def read_store(shop_id: int, **_kwargs: object) -> None:
    """Ask one store about itself; one that does not answer is asked again tomorrow."""
    shop = Shop.objects.filter(pk=shop_id).first()
    if shop is None:
        return
    try:
        details.read_again(shop)
    except ShopifyError as error:
        logger.warning("Details of %s wait: %s", shop.domain, error)


@shared_task(name="shopify_auth.sweep_billing")
def sweep_billing(**_kwargs: object) -> None:
    """Send the stores whose time has come to the workers."""
    sweeps.send_due(clock.now())


@shared_task(name="shopify_auth.compare_billing")
def compare_billing(**_kwargs: object) -> None:
    """Send stores that nobody has compared today, a few at once."""
    sweeps.send_comparisons(clock.now())


@shared_task(name=sweeps.COMPARE)
def compare_store(shop_id: int, **_kwargs: object) -> None:
    """Compare one store, then send the next."""
    sweeps.compare(shop_id, clock.now())
