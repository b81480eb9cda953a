"""Scheduled bookkeeping for accounts that nobody touches. Right balances never depend on it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from credits import ledger
from credits.models import Account, LowCreditAlert
from credits.periods import TRIAL_PERIOD, TRIAL_PERIODS

BATCH = 200


def book_expiries(now: datetime) -> int:
    """Book the expiry of every period that ended by `now`; returns how many accounts that took.

    Any number of workers may run it at once: each takes rows that no other has locked.
    """
    booked = 0
    while taken := _book_batch(now):
        booked += taken
    return booked


def _book_batch(now: datetime) -> int:
    # A period that grants its successor stays due until a real write; at zero it has nothing left
    # for the sweep, and a trial that is over or a paid period is closed for good.
    to_close = Q(plan_balance__gt=0) | Q(period_kind__in=["paid", "remainder"])
    to_close |= Q(period_kind="trial", anchor__lte=now - TRIAL_PERIODS * TRIAL_PERIOD)
    with transaction.atomic():
        due = Account.objects.select_for_update(skip_locked=True).filter(to_close, due_at__lte=now)
        account_ids = list(due.order_by("due_at").values_list("pk", flat=True)[:BATCH])
        for account_id in account_ids:
            ledger.settle(account_id, now=now, grants=False)
    return len(account_ids)


def unmailed_alerts() -> list[int]:
    """Warnings that should have been mailed and were not, say because the broker was away."""
    return list(
        LowCreditAlert.objects.filter(to_mail=True, mailed_at=None).values_list("pk", flat=True)
    )
