"""What was paid through Shopify: a row for every charge and every renewal, and the entries each brought.

Prices are Shopify's own. What an upgrade inside a period costs is prorated by Shopify and stands on
the merchant's bill alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from credits import sources
from credits.models import Account
from credits.reports import history
from shopify_auth.models import Purchase, Subscription
from shopify_auth.models.charges import Charge

if TYPE_CHECKING:
    from credits.models import LedgerEntry

Status = Charge.Status
Row = TypeVar("Row", Subscription, Purchase)
MOST = 24
NOT_PAID = (*Charge.OPEN, Status.DECLINED, Status.EXPIRED, Status.REFUSED)


@dataclass(frozen=True, slots=True)
class BillingReceipt:
    """One payment. `price` is None where nothing was charged or Shopify prorates."""

    charge: Charge
    what: Promise
    date: datetime
    state: Promise
    price: Decimal | None
    is_prorated: bool = False
    entries: tuple[LedgerEntry, ...] = ()


def read_receipts(account: Account) -> list[BillingReceipt]:
    """The account's latest payments, newest first."""
    rows: list[BillingReceipt] = []
    subscriptions = list(_charges(Subscription, account))
    for subscription in subscriptions:
        rows += _periods(subscription, subscriptions, account.pk)
    rows += [_package(purchase, account.pk) for purchase in _charges(Purchase, account)]
    rows.sort(key=lambda row: row.date, reverse=True)
    return rows[:MOST]


def describe_charges(account_id: int, entries: Iterable[LedgerEntry]) -> Mapping[int, Charge]:
    """The charge that each of these entries came from, by the entry's id."""
    named = {entry.pk: sources.source_of(entry.key, entry.reference) for entry in entries}
    gids = {gid for gid in named.values() if gid}
    found: dict[str, Charge] = {}
    for model in (Subscription, Purchase):
        charges = model.objects.filter(shop__account_id=account_id, gid__in=gids)
        found |= {charge.gid: charge for charge in charges if charge.gid}
    return {pk: found[gid] for pk, gid in named.items() if gid in found}


def _charges(model: type[Row], account: Account) -> Iterable[Row]:
    mine = model.objects.filter(shop__account=account).exclude(gid=None)
    return mine.exclude(status__in=NOT_PAID).order_by("-created_at")[:MOST]


def _entries(charge: Charge, account_id: int) -> list[LedgerEntry]:
    """What it brought and what was taken back, oldest first."""
    return list(history.entries_from(charge.gid or "", account_id)[:MOST])[::-1]


def _periods(
    charge: Subscription, others: Iterable[Subscription], account_id: int
) -> Iterable[BillingReceipt]:
    """The first payment of a plan and its renewals; the one that is open where a bill is unpaid."""
    if charge.granted_until is None:
        yield BillingReceipt(charge, _("Plan"), charge.created_at, _unpaid_state(charge), None)
        return
    entries = _entries(charge, account_id)
    is_upgrade = any(_was_replaced(other, charge) for other in others)
    yield BillingReceipt(
        charge,
        _("Upgrade") if is_upgrade else _("Plan"),
        charge.created_at,
        _paid_state(charge),
        None if is_upgrade else charge.charged_price,
        is_prorated=is_upgrade,
        entries=tuple(entries[:1]),
    )
    for entry in entries[1:]:
        yield BillingReceipt(
            charge, _("Renewal"), entry.created_at, _paid_state(charge), charge.charged_price,
            entries=(entry,),
        )  # fmt: skip
    if charge.status == Status.FROZEN:
        state = _("Not paid yet: see your Shopify bill")
        price = charge.charged_price
        yield BillingReceipt(charge, _("Renewal"), charge.granted_until, state, price)


def _was_replaced(other: Subscription, by: Subscription) -> bool:
    """Whether `other` ran until `by`, which is not a downgrade, took its place."""
    if other.pk == by.pk or other.granted_until is None or by.replaces_later:
        return False
    return other.created_at < by.created_at and (
        other.ended_at is not None and other.ended_at >= by.created_at
    )


def _package(charge: Purchase, account_id: int) -> BillingReceipt:
    if charge.granted_at is None:
        return BillingReceipt(charge, _("Package"), charge.created_at, _unpaid_state(charge), None)
    state = _("Reversed, credits taken back") if charge.clawed_back_at else _paid_state(charge)
    return BillingReceipt(
        charge, _("Package"), charge.created_at, state, charge.charged_price,
        entries=tuple(_entries(charge, account_id)),
    )  # fmt: skip


def _paid_state(charge: Charge) -> Promise:
    return _("Test, nothing billed") if charge.test else _("Paid")


def _unpaid_state(charge: Charge) -> Promise:
    if charge.status == Status.CANCELLED:
        return _("Never approved, nothing charged")
    return _("Active, no credits yet")
