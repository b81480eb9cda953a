"""Take a purchase's credits back after Shopify has reversed its charge: a decision of staff.

What is still in the package bucket goes; a bucket never falls below zero, so the rest is a note.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from credits import ledger, sources
from credits.models import Account
from credits.refusals import Refusal
from credits.reports import history
from shopify_auth.models import Purchase


class ClawbackRefused(Refusal):
    """Nothing was taken back; the text says why, to staff."""


@dataclass(frozen=True, slots=True)
class Clawback:
    """From which account, how many credits are taken and how many were used before."""

    account: Account
    taken: int
    used: int


def preview(purchase: Purchase) -> Clawback:
    """What taking the purchase back would do now. Raises ClawbackRefused when nothing can be done.

    The account is the one that was granted the credits, whichever the store belongs to since.
    """
    if purchase.clawed_back_at is not None:
        raise ClawbackRefused(_("The credits of this purchase were taken back before."))
    grant = (
        history.entries_from(purchase.gid).filter(kind="package").first() if purchase.gid else None
    )
    if grant is None:
        raise ClawbackRefused(_("This purchase has granted no credits."))
    account = Account.objects.get(pk=grant.account_id)
    taken = min(purchase.credits, account.package_balance)
    return Clawback(account, taken, purchase.credits - taken)


def take_back(purchase: Purchase, staff_id: int, reason: str, now: datetime) -> Clawback:
    """Take min(credits, bucket) from the package bucket, once per purchase, and note the rest.

    Raises ClawbackRefused when it was done before or nothing was granted.
    """
    with transaction.atomic():
        locked = Purchase.objects.select_for_update().get(pk=purchase.pk)
        # Nothing is spent between the look into the bucket and the entry.
        Account.objects.select_for_update().get(pk=preview(locked).account.pk)
        clawback = preview(locked)
        note = _(
            "%(reason)s (%(taken)d of %(credits)d credits taken back, %(used)d used before)"
        ) % {
            "reason": reason,
            "taken": clawback.taken,
            "credits": locked.credits,
            "used": clawback.used,
        }
        if clawback.taken:
            ledger.adjust(
                clawback.account.pk,
                "package",
                -clawback.taken,
                key=sources.clawback_key(locked.gid or ""),
                actor=f"staff:{staff_id}",
                reason=note,
                now=now,
                reference=locked.gid or "",
            )
        locked.clawed_back_at, locked.clawback_note = now, note
        locked.save(update_fields=["clawed_back_at", "clawback_note"])
    return clawback
