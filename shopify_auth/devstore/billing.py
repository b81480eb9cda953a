"""The life of charges: created, approved or not, renewed every 30 days, frozen, replaced, ended.

All times follow the business clock. Every change of status is told by webhook; a paid renewal
is not, as with Shopify. Source: Shopify's documentation on app billing.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from shopify_auth.devstore import webhooks
from shopify_auth.devstore.state import Charge, ChargeKind, ChargeStatus, Shop, State

CYCLE = timedelta(days=30)
APPROVAL_WINDOW = timedelta(days=2)
REDACTION_DELAY = timedelta(hours=48)
LOWEST_PRICE = Decimal("0.50")
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Order:
    """What the app asks for when it creates a charge."""

    kind: ChargeKind
    name: str
    price: Decimal
    currency: str
    return_url: str
    test: bool
    trial_days: int = 0
    replacement: str = "STANDARD"


def order_errors(order: Order) -> list[tuple[list[str], str]]:
    """Why an order is refused, as (field, message) pairs; empty when it is good."""
    errors = []
    if not order.name.strip():
        errors.append((["name"], "Name can't be blank"))
    if order.price < LOWEST_PRICE:
        errors.append((["price"], f"Price must be at least {LOWEST_PRICE}"))
    if not order.return_url.startswith(("http://", "https://")):
        errors.append((["returnUrl"], "Return url is invalid"))
    if order.trial_days < 0:
        errors.append((["trialDays"], "Trial days must be greater than or equal to 0"))
    return errors


def create(state: State, shop: Shop, order: Order, now: datetime) -> Charge:
    """A new charge that waits for the merchant's approval."""
    charge = Charge(
        number=state.take_number(),
        kind=order.kind,
        name=order.name,
        price=order.price,
        currency=order.currency,
        test=order.test,
        return_url=order.return_url,
        trial_days=order.trial_days,
        replacement=order.replacement,
        created_at=now,
        updated_at=now,
        signature=secrets.token_urlsafe(24),
    )
    shop.charges.append(charge)
    return charge


def find(shop: Shop, number: int) -> Charge | None:
    """The shop's charge with this number."""
    return next((charge for charge in shop.charges if charge.number == number), None)


def running_subscription(shop: Shop) -> Charge | None:
    """The one subscription that is active or frozen."""
    running = (ChargeStatus.ACTIVE, ChargeStatus.FROZEN)
    return next(
        (c for c in shop.charges if c.kind is ChargeKind.SUBSCRIPTION and c.status in running), None
    )


def is_deferred(shop: Shop, charge: Charge) -> bool:
    """Whether approving this subscription lets the present one run to its period end."""
    present = running_subscription(shop)
    if charge.kind is ChargeKind.ONE_TIME or present is None:
        return False
    if charge.replacement == "STANDARD":
        return charge.price < present.price
    return charge.replacement == "APPLY_ON_NEXT_BILLING_CYCLE"


def due_today(shop: Shop, charge: Charge, now: datetime) -> Decimal:
    """What approving costs at once: all of it, or what the paid part of the cycle leaves."""
    if charge.trial_days or is_deferred(shop, charge):
        return Decimal("0.00")
    paid = _paid_subscription(shop, now)
    if charge.kind is ChargeKind.ONE_TIME or paid is None or paid.period_end is None:
        return charge.price
    share = Decimal((paid.period_end - now) / CYCLE)
    amount = max(charge.price - paid.price, Decimal(0)) * min(share, Decimal(1))
    return amount.quantize(CENT, ROUND_HALF_UP)


def approve(state: State, shop: Shop, charge: Charge, now: datetime) -> None:
    """The merchant approves: a payment may still be pending, a downgrade waits for its cycle."""
    if charge.status is not ChargeStatus.PENDING or charge.approved:
        return
    charge.approved = True
    if shop.takes("payment_stays_pending"):
        return
    confirm_payment(state, shop, charge, now)


def confirm_payment(state: State, shop: Shop, charge: Charge, now: datetime) -> None:
    """The money is there: the charge becomes active now, or with the next cycle.

    A subscription takes the place of the one that was approved before it and still waits.
    """
    if charge.kind is ChargeKind.SUBSCRIPTION:
        _withdraw_waiting(state, shop, now)
    present = running_subscription(shop)
    if present and is_deferred(shop, charge):
        charge.starts_at = present.period_end
        return
    if charge.kind is ChargeKind.SUBSCRIPTION:
        _activate_subscription(state, shop, charge, now)
    else:
        _change(state, shop, charge, ChargeStatus.ACTIVE, now)


def decline(state: State, shop: Shop, charge: Charge, now: datetime) -> None:
    """The merchant declines, or the payment of an approved purchase fails."""
    if charge.status is ChargeStatus.PENDING:
        _change(state, shop, charge, ChargeStatus.DECLINED, now)


def cancel(state: State, shop: Shop, charge: Charge, now: datetime) -> None:
    """The subscription ends at once; what was paid for is remembered for a reinstall."""
    _withdraw_waiting(state, shop, now)
    _change(state, shop, charge, ChargeStatus.CANCELLED, now)


def uninstall(state: State, shop: Shop, now: datetime) -> None:
    """Remove the app: tokens die, the subscription ends, and only app/uninstalled is sent."""
    if not shop.installed:
        return
    shop.installed = False
    shop.uninstalled_at = now
    shop.redaction_sent = False
    shop.tokens.clear()
    for charge in shop.charges:
        if charge.kind is ChargeKind.SUBSCRIPTION and charge.status in (
            ChargeStatus.PENDING,
            ChargeStatus.ACTIVE,
            ChargeStatus.FROZEN,
        ):
            charge.status = ChargeStatus.CANCELLED
            charge.updated_at = now
    webhooks.send_uninstalled(state, shop, now)


def install(shop: Shop, scopes: list[str], number: int) -> None:
    """Install the app with these scopes. Nothing is sent: the app hears of it when opened."""
    shop.installed = True
    shop.installation = number
    shop.scopes = list(scopes)
    shop.uninstalled_at = None


def recover(state: State, shop: Shop, now: datetime) -> None:
    """The unpaid bill of a frozen subscription is paid: a new period begins on its old anchor."""
    shop.misbehaviour.renewal_unpaid = 0
    charge = running_subscription(shop)
    if charge and charge.status is ChargeStatus.FROZEN:
        while charge.period_end and charge.period_end <= now:
            charge.period_end += CYCLE
        shop.paid_until = charge.period_end
        _change(state, shop, charge, ChargeStatus.ACTIVE, now)


def let_time_pass(state: State, now: datetime) -> None:
    """Do what has become due by `now` in every shop: expiry, renewal, deferred plans, redaction."""
    for shop in state.shops.values():
        for charge in list(shop.charges):
            waits = charge.status is ChargeStatus.PENDING and not charge.approved
            if waits and now >= charge.created_at + APPROVAL_WINDOW:
                _change(state, shop, charge, ChargeStatus.EXPIRED, now)
        _renew(state, shop, now)
        redaction_at = shop.uninstalled_at and shop.uninstalled_at + REDACTION_DELAY
        if redaction_at and now >= redaction_at and not shop.redaction_sent:
            shop.redaction_sent = True
            webhooks.send_compliance(state, shop, "shop/redact", now)


def _withdraw_waiting(state: State, shop: Shop, now: datetime) -> None:
    for waiting in shop.charges:
        if waiting.starts_at and waiting.status is ChargeStatus.PENDING:
            waiting.starts_at = None
            _change(state, shop, waiting, ChargeStatus.CANCELLED, now)


def _paid_subscription(shop: Shop, now: datetime) -> Charge | None:
    """The subscription whose period is paid for now, also when it was cancelled since."""
    paid = [
        charge
        for charge in shop.charges
        if charge.period_end and charge.period_end > now and charge.period_end == shop.paid_until
    ]
    return paid[-1] if paid else None


def _renew(state: State, shop: Shop, now: datetime) -> None:
    charge = running_subscription(shop)
    while charge and charge.status is ChargeStatus.ACTIVE:
        period_end = charge.period_end
        if period_end is None or period_end > now:
            return
        next_plan = next(
            (c for c in shop.charges if c.starts_at and c.status is ChargeStatus.PENDING), None
        )
        if next_plan:
            next_plan.starts_at = None
            shop.paid_until = period_end
            _activate_subscription(state, shop, next_plan, period_end)
            charge = next_plan
        elif shop.takes("renewal_unpaid"):
            _change(state, shop, charge, ChargeStatus.FROZEN, now)
        else:
            charge.period_end = shop.paid_until = period_end + CYCLE


def _activate_subscription(state: State, shop: Shop, charge: Charge, now: datetime) -> None:
    """Make it the shop's one subscription. The cycle's anchor stays while a period is paid."""
    present = running_subscription(shop)
    if present:
        _change(state, shop, present, ChargeStatus.CANCELLED, now)
    if shop.paid_until and shop.paid_until > now:
        charge.period_end = shop.paid_until
    else:
        charge.period_end = (
            now + timedelta(days=charge.trial_days) + (timedelta() if charge.trial_days else CYCLE)
        )
    shop.paid_until = charge.period_end
    _change(state, shop, charge, ChargeStatus.ACTIVE, now)


def _change(state: State, shop: Shop, charge: Charge, status: ChargeStatus, now: datetime) -> None:
    charge.status = status
    charge.updated_at = now
    webhooks.send_charge(state, shop, charge, now)
