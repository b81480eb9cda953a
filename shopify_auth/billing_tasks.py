"""Background work of billing. Each task makes one call."""

from __future__ import annotations

import logging

from celery import shared_task

from ecomvance_app import clock
from shopify_auth import billing, billing_sweeps
from shopify_auth.errors import ShopifyError
from shopify_auth.models import Shop

logger = logging.getLogger(__name__)


@shared_task(name=billing_sweeps.BRING_IN_LINE)
def bring_in_line(shop_id: int, **_kwargs: object) -> None:
    """Make one store's credits agree with what it pays for; what fails is due again by itself."""
    shop = Shop.objects.filter(pk=shop_id).first()
    if shop is None:
        return
    try:
        billing.bring_in_line(shop)
    except ShopifyError as error:
        logger.warning("%s is compared later: %s", shop.domain, error)


@shared_task(name="shopify_auth.sweep_billing")
def sweep_billing(**_kwargs: object) -> None:
    """Send the stores whose time has come to the workers."""
    billing_sweeps.send_due(clock.now())


@shared_task(name="shopify_auth.compare_billing")
def compare_billing(**_kwargs: object) -> None:
    """Compare stores that nobody has compared today."""
    billing_sweeps.compare()
