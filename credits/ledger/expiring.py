"""Booking what time has brought: by the first touch, or by the sweep for accounts nobody touches.

Right balances never depend on the sweep: reads work out what is due, and writes book it first.
Source: decisions on credits, "Reset".
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from credits import periods
from credits.arguments import check_now
from credits.ledger import journal
from credits.models import Account

logger = logging.getLogger(__name__)

BATCH = 50


def settle(account_id: int, *, now: datetime | None = None, grants: bool = True) -> int:
    """Book what time has brought to this account; returns how many entries that took.

    Without `grants` only expiries are booked; the next trial day or staff period stays due and is
    granted by the first real write.
    """
    now = check_now(now)
    with journal.open_transaction():
        book = journal.lock(account_id, now)
        if book.bucket != book.account.bucket:
            book.settle(grants=grants)
            book.write()
        return len(book.entries)


def read_settled(account: Account, now: datetime, *, is_fresh: bool = False) -> Account:
    """Book what is due, then read: the account as a page that shows its entries needs it.

    The row is read anew, because this request may have written to it; `is_fresh` says that it has
    not, so that it is read again only when something was booked.
    """
    is_due = account.due_at is not None and account.due_at <= now
    if is_due:
        settle(account.pk, now=now)
    if is_due or not is_fresh:
        account.refresh_from_db()
    return account


def book_expiries(now: datetime) -> int:
    """Book the expiry of every period that ended by `now`; returns how many accounts that took.

    Any number of workers may run it at once: each takes rows that no other has locked. An account
    whose expiry fails is logged and left as it is; the others do not wait for it.
    """
    booked, failed = 0, set[int]()
    while taken := _book_batch(now, failed):
        booked += taken
    return booked - len(failed)


def _book_batch(now: datetime, failed: set[int]) -> int:
    """Book some accounts that have not `failed` in this run; returns how many were taken."""
    # A period that grants its successor stays due until a real write; at zero it has nothing left
    # for the sweep, and a trial that is over or a paid period is closed for good.
    to_close = Q(plan_balance__gt=0) | Q(period_kind__in=["paid", "remainder"])
    to_close |= Q(period_kind="trial", anchor__lte=periods.latest_ended_trial(now))
    with transaction.atomic():
        due = Account.objects.select_for_update(skip_locked=True).filter(to_close, due_at__lte=now)
        left = due.exclude(pk__in=failed).order_by("due_at")
        account_ids = list(left.values_list("pk", flat=True)[:BATCH])
        for account_id in account_ids:
            try:
                with transaction.atomic():
                    settle(account_id, now=now, grants=False)
            except Exception:
                logger.exception("The expiry of account %s cannot be booked", account_id)
                failed.add(account_id)
    return len(account_ids)
