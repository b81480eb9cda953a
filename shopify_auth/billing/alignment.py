"""Write one reading of a store's charges down: statuses, and the credits that are now paid for.

Called by `reconcile.reconcile_charges` alone, inside its transaction and under the store's billing row,
so only one alignment of a store is written at a time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from credits import ledger, sources
from credits.models import Account, Package, Plan
from credits.periods import BILLING_CYCLE
from credits.reports import history
from shopify_auth.billing import mails, schedule
from shopify_auth.billing.offers import (
    CURRENCY,
    Offer,
    package_offer,
    plan_offer,
    receipt_of,
    recognise,
)
from shopify_auth.billing.paid_periods import paid_period
from shopify_auth.billing.readings import Reading, ShownCharge
from shopify_auth.models import Shop
from shopify_auth.models.charges import BillingDifference, Charge, Purchase, Subscription

if TYPE_CHECKING:
    from credits.models import LedgerEntry

logger = logging.getLogger(__name__)

Status = Charge.Status
Kind = BillingDifference.Kind
Row = TypeVar("Row", Subscription, Purchase)

# A period end that moved by less than this is the same period, told more exactly.
SAME_PERIOD = timedelta(days=1)


@dataclass
class Changes:
    """What one comparison wrote: ledger entries, and what it corrected by global id."""

    granted: list[LedgerEntry] = field(default_factory=list)
    corrected: dict[str, str] = field(default_factory=dict)


def report(shop: Shop, kind: str, gid: str, detail: str, now: datetime) -> None:
    """Put a difference before staff, once; also when another one of the charge was dealt with."""
    _difference, is_new = BillingDifference.objects.get_or_create(
        shop=shop, kind=kind, gid=gid, detail=detail[:300], defaults={"noticed_at": now}
    )
    if is_new:
        logger.error("Billing of %s: %s %s %s", shop.domain, kind, gid, detail)


class Alignment:
    """One store, whose row is locked, one reading, one instant."""

    def __init__(self, shop: Shop, reading: Reading, now: datetime) -> None:
        self.shop = shop
        self.reading = reading
        self.now = now
        self.changes = Changes()

    def write(self) -> Changes:
        """Bring every charge in line, oldest first, and grant what is paid and not granted yet."""
        self._note_kind_of_store()
        for shown in _oldest_first(self.reading.subscriptions):
            subscription = self._row(Subscription, shown)
            if subscription is not None:
                self._update(subscription, shown)
                self._grant_period(subscription, shown)
        for shown in _oldest_first(self.reading.purchases):
            purchase = self._row(Purchase, shown)
            if purchase is not None:
                self._update(purchase, shown)
                self._grant_package(purchase, shown)
        self._close_unanswered()
        return self.changes

    def _note_kind_of_store(self) -> None:
        told = self.reading.is_development_store
        if told is not None and told != self.shop.is_development_store:
            self.shop.is_development_store = told
            self.shop.save(update_fields=["is_development_store"])

    # --- Which row ---------------------------------------------------------------------------

    def _row(self, model: type[Row], shown: ShownCharge) -> Row | None:
        """Our row of a charge; one whose answer was lost is recognised by the receipt in its name."""
        row = model.objects.filter(gid=shown.gid).first()
        if row is not None:
            # A global id belongs to one store; another store's row is not ours to touch.
            return row if row.shop_id == self.shop.pk else None
        receipt = receipt_of(shown.name)
        row = model.objects.filter(shop=self.shop, gid=None, receipt=receipt).first()
        if row is None:
            row = self._offered_row(model, shown)
        if row is not None:
            row.gid = shown.gid
        return row

    def _offered_row(self, model: type[Row], shown: ShownCharge) -> Row | None:
        """A row for a charge that only our own access could have made; None for one never offered."""
        offer = recognise(shown.name, shown.price, shown.currency, _offers(model))
        if offer is None:
            if shown.is_active:
                report(self.shop, Kind.UNKNOWN, shown.gid, shown.name, self.now)
            return None
        row = model(
            shop=self.shop,
            gid=shown.gid,
            name=shown.name,
            handle=offer.handle,
            credits=offer.credits,
            price=offer.price,
            currency=CURRENCY,
            created_at=shown.created_at,
        )
        # What was granted for it before its row was lost is known by this code.
        receipt = receipt_of(shown.name)
        if not model.objects.filter(receipt=receipt).exists():
            row.receipt = receipt
        return row

    # --- What it says ------------------------------------------------------------------------

    def _update(self, row: Charge, shown: ShownCharge) -> None:
        if row.pk is None or row.status != shown.status:
            self.changes.corrected[shown.gid] = f"{row.status} to {shown.status}"
        is_newly_unpaid = row.status == Status.ACTIVE and shown.status == Status.FROZEN
        row.status, row.test = shown.status, shown.test
        row.billed_price, row.billed_currency = shown.price, shown.currency
        written = ["gid", "status", "test", "billed_price", "billed_currency"]
        if not row.is_open:
            row.confirmation_url = ""
            written.append("confirmation_url")
        if row.status in Charge.FINAL:
            row.ended_at = row.ended_at or self.now
            written.append("ended_at")
        if isinstance(row, Subscription):
            row.current_period_end = shown.period_end
            written.append("current_period_end")
        if (shown.price, shown.currency) != (row.price, row.currency):
            detail = f"{shown.price} {shown.currency} instead of {row.price} {row.currency}"
            report(self.shop, Kind.PRICE, shown.gid, detail, self.now)
        # The merchant may be coming back meanwhile, which is written without this lock.
        row.save(update_fields=written if row.pk else None)
        if is_newly_unpaid and isinstance(row, Subscription) and row.counts():
            mails.tell_unpaid(self._account, row, self.now)

    def _close_unanswered(self) -> None:
        """End what Shopify does not know: a lapsed offer, or a subscription that is gone."""
        lapsed = self.now - schedule.APPROVAL_WINDOW
        for model in (Subscription, Purchase):
            for row in model.objects.filter(shop=self.shop).exclude(status__in=Charge.FINAL):
                unknown = row.gid is None or row.gid in self.reading.missing
                if not unknown or (row.is_open and row.created_at > lapsed):
                    continue
                if isinstance(row, Purchase) and not row.is_open:
                    continue
                row.status = _unknown_ends_as(row)
                row.ended_at = self.now
                row.save(update_fields=["status", "ended_at"])
                self.changes.corrected[row.gid or row.receipt] = f"unknown, so {row.status}"

    # --- What it is worth --------------------------------------------------------------------

    def _is_paid(self, row: Charge, shown: ShownCharge) -> bool:
        """Active, and not a test charge of a store that ought to pay, which staff are told of."""
        if not shown.is_active:
            return False
        if not row.counts():
            report(self.shop, Kind.TEST, shown.gid, shown.name, self.now)
            return False
        return True

    def _grant_package(self, row: Purchase, shown: ShownCharge) -> None:
        if row.granted_at is not None or not self._is_paid(row, shown):
            return
        entry = ledger.add_package(
            self._account.pk,
            row.credits,
            sources.purchase_key(shown.gid),
            self.now,
            reference=shown.gid,
        )
        row.granted_at = self.now
        row.save(update_fields=["granted_at"])
        self._note_grant(entry, shown)
        mails.tell_package(self._account, row, entry)

    def _grant_period(self, row: Subscription, shown: ShownCharge) -> None:
        """Grant the period that Shopify shows as paid, once. One that is over grants nothing."""
        if not self._is_paid(row, shown):
            return
        self._report_second_plan(row)
        start, end = self._period(row, shown)
        known = row.granted_until
        if end <= self.now or (known is not None and end < known + SAME_PERIOD):
            return
        before = self._account.version
        try:
            entry = ledger.start_plan_period(
                self._account.pk,
                row.handle,
                start,
                end,
                sources.period_key(shown.gid, end),
                self.now,
                allocation=row.credits,
                reference=shown.gid,
            )
        except ledger.StalePeriod as error:
            # A longer period is running on this account already; its credits are the newer word.
            logger.warning("No credits for %s until %s: %s", shown.gid, end, error)
            return
        except ledger.UnknownPlan as error:
            report(self.shop, Kind.UNKNOWN, shown.gid, str(error), self.now)
            return
        row.granted_until = end
        row.save(update_fields=["granted_until"])
        if entry.sequence > before:
            self._note_grant(entry, shown)
            mails.tell_period(self._account, row, entry, is_renewal=known is not None)
        elif entry.allocation > row.credits and not row.replaces_later:
            detail = f"{row.credits} credits; {entry.allocation} were granted until {end:%Y-%m-%d}"
            report(self.shop, Kind.SMALLER, shown.gid, detail, self.now)

    def _period(self, row: Subscription, shown: ShownCharge) -> tuple[datetime, datetime]:
        if shown.period_end is not None:
            period_end = self._known_end(shown.period_end)
            previous = history.last_end_before(self._account.pk, period_end)
            return paid_period(shown.created_at, period_end, previous, self.now)
        if row.anchor is None:
            # A plan that takes another one's place keeps the billing date.
            running = self._account.period_end if self._account.period_kind == "paid" else None
            row.anchor = running if running and running > self.now else shown.created_at
            row.save(update_fields=["anchor"])
        if self.now < row.anchor:
            return row.anchor - BILLING_CYCLE, row.anchor
        return paid_period(row.anchor, None, None, self.now)

    def _known_end(self, told: datetime) -> datetime:
        """The end of a period that was granted before, where `told` means the same one.

        A plan that takes another one's place keeps the billing date, but is another subscription to
        Shopify, whose word on the instant may differ.
        """
        inside = (told - SAME_PERIOD, told + SAME_PERIOD)
        return history.paid_end_between(self._account.pk, *inside) or told

    @property
    def _account(self) -> Account:
        """The store's account as the ledger has it now."""
        return Account.objects.get(shops=self.shop)

    def _report_second_plan(self, row: Subscription) -> None:
        others = Subscription.objects.filter(
            shop__account=self._account, status__in=Subscription.RUNNING
        ).exclude(shop=self.shop)
        if (other := others.first()) is not None:
            detail = f"store {other.shop_id} pays for {other.name}"
            report(self.shop, Kind.TWO_PLANS, row.gid or row.receipt, detail, self.now)

    def _note_grant(self, entry: LedgerEntry, shown: ShownCharge) -> None:
        self.changes.granted.append(entry)
        self.changes.corrected.setdefault(shown.gid, f"{entry.credits} credits were missing")


def _oldest_first(charges: dict[str, ShownCharge]) -> list[ShownCharge]:
    return sorted(charges.values(), key=lambda charge: (charge.created_at, charge.gid))


def _unknown_ends_as(row: Charge) -> Status:
    """What became of a charge that Shopify does not know: never made, never approved, or gone."""
    if row.gid is None:
        return Status.REFUSED
    return Status.EXPIRED if row.is_open else Status.CANCELLED


def _offers(model: type[Charge]) -> Iterable[Offer]:
    """Everything that is or was on sale; a charge may have been made before it was withdrawn."""
    if model is Subscription:
        return [plan_offer(plan) for plan in Plan.objects.all()]
    return [package_offer(package) for package in Package.objects.all()]
