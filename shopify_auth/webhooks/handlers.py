"""What each webhook topic makes the app do. A webhook is a nudge: what holds is asked of Shopify.

So an old, doubled, reordered or replayed delivery can at worst cause one more question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ecomvance_app import clock
from shopify_auth.admin_api import queries
from shopify_auth.admin_api.documents import ACCESS_SCOPES
from shopify_auth.admin_api.errors import AccessRefused
from shopify_auth.billing import reconcile
from shopify_auth.models import Shop, WebhookDelivery
from shopify_auth.stores import details, uninstalls
from shopify_auth.webhooks.bodies import (
    BILLING_TOPICS,
    CUSTOMER_TOPICS,
    PURCHASE_UPDATE,
    SCOPES_UPDATE,
    SHAPES,
    SHOP_REDACT,
    SHOP_UPDATE,
    SUBSCRIPTION_UPDATE,
    UNINSTALLED,
)


@dataclass(frozen=True)
class Result:
    """What came of a delivery, for staff to read."""

    outcome: str
    shop: Shop | None = None


class Postponed(Exception):  # noqa: N818 - says what is the case
    """Right, but too early: to be handled again at `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


Handler = Callable[[Shop], str]


def handle(delivery: WebhookDelivery) -> Result:
    """Do what the delivery asks for. Any exception means: try again later.

    Unknown topics and stores, and bodies that are not their topic's, are done with.
    """
    if delivery.topic not in SHAPES:
        return Result("Ignored: unknown topic")
    if not delivery.subject:
        return Result("Ignored: the body is not this topic's")
    if delivery.topic in CUSTOMER_TOPICS:
        # No customer of a store is known here.
        return Result("No data of customers is held", _shop(delivery.subject))
    shop = _shop(delivery.subject)
    if shop is None:
        return Result("Ignored: unknown store")
    return Result(HANDLERS[delivery.topic](shop), shop)


def answered_together(topic: str) -> tuple[str, ...]:
    """Topics that the same question to Shopify answers, so that one answer serves all of a store."""
    return next((group for group in SAME_QUESTION if topic in group), ())


def _shop(subject: str) -> Shop | None:
    shops = Shop.objects.select_related("account", "offline_token")
    if subject.isdecimal():
        return shops.filter(shopify_id=subject).first()
    return shops.filter(domain=subject).first()


def _uninstalled(shop: Shop) -> str:
    """The merchant removed the app, if the store refuses our token."""
    if shop.state != Shop.State.INSTALLED:
        return "Known already"
    seen = uninstalls.last_refresh(shop)
    if not queries.is_uninstalled(shop):
        return "Ignored: the store still accepts our token"
    left = uninstalls.uninstall(shop, seen, clock.now())
    return "Uninstalled" if left else "Ignored: the store came back meanwhile"


def _scopes_update(shop: Shop) -> str:
    """What the app may do changed; the token's new scopes are read from the store."""
    try:
        data = queries.ask(shop, ACCESS_SCOPES)
    except AccessRefused:
        return "Ignored: the store refuses access"
    scopes = sorted(scope["handle"] for scope in data["currentAppInstallation"]["accessScopes"])
    Shop.objects.filter(pk=shop.pk).update(scopes=scopes)
    return "Scopes read"


def _shop_update(shop: Shop) -> str:
    """The store's name, address, zone, currency or plan changed; it is asked which."""
    if shop.state != Shop.State.INSTALLED:
        return "Ignored: the store has left"
    try:
        details.read_again(shop)
    except AccessRefused:
        return "Ignored: the store refuses access"
    return "Details read"


def _charge_update(shop: Shop) -> str:
    """A charge changed: what the store pays for is read, the webhook's own status is not."""
    try:
        reconcile.reconcile_charges(shop)
    except AccessRefused:
        return "Ignored: the store refuses access"
    return "Charges read"


def _shop_redact(shop: Shop) -> str:
    """Erase the store's data, 48 hours after the uninstallation and not before."""
    if shop.state == Shop.State.INSTALLED:
        # The word of the uninstallation may have been lost.
        outcome = _uninstalled(shop)
        shop.refresh_from_db()
        if shop.state == Shop.State.INSTALLED:
            return outcome
    now = clock.now()
    due = uninstalls.redactable_from(shop)
    if now < due:
        raise Postponed(due)
    erasure = uninstalls.redact(shop, now)
    return f"Erased: {erasure}" if erasure else "Known already"


HANDLERS: dict[str, Handler] = {
    UNINSTALLED: _uninstalled,
    SCOPES_UPDATE: _scopes_update,
    SHOP_UPDATE: _shop_update,
    SUBSCRIPTION_UPDATE: _charge_update,
    PURCHASE_UPDATE: _charge_update,
    SHOP_REDACT: _shop_redact,
}
SAME_QUESTION: tuple[tuple[str, ...], ...] = (
    BILLING_TOPICS,
    (SCOPES_UPDATE,),
    (SHOP_UPDATE,),
)
