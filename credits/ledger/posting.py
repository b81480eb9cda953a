"""Lock, key, write: the frame in which `ledger` makes every change of a balance.

An account's row is locked first; the idempotency key is looked up under that lock; what is to be
written is worked out in a `Journal`; the first write comes after the last refusal, so a refusal
leaves nothing behind and needs no savepoint.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction

from credits import alerts
from credits.arguments import check_account_id, check_key, check_now
from credits.ledger import fast_spend
from credits.ledger.journal import Journal
from credits.models import Account, EntryNote, LedgerEntry
from credits.refusals import KeyConflict, UnknownAccount
from credits.signals import balance_changed


def once(
    account_id: int,
    key: str,
    now: datetime | None,
    changes: Callable[[Journal], LedgerEntry],
    same: Callable[[LedgerEntry], bool],
    *,
    note: str = "",
    may_alert: bool = False,
) -> LedgerEntry:
    """Make `changes` under the account's lock, once for this key; then the first entry again."""
    check_key(key)
    now = check_now(now)
    with open_transaction():
        journal = lock(account_id, now)
        known = find(account_id, [key]).get(key)
        if known is not None:
            if not same(known):
                raise KeyConflict(key)
            return known
        entry = changes(journal)
        if entry._state.adding:
            write(journal, may_alert=may_alert)
            if note:
                EntryNote.objects.create(entry=entry, text=note)
        return entry


def open_transaction() -> AbstractContextManager[object]:
    """The caller's transaction where there is one: refusals come before the first write."""
    return nullcontext() if connection.in_atomic_block else transaction.atomic()


def lock(account_id: object, now: datetime) -> Journal:
    """The account's journal, its row locked to the end of the transaction."""
    found = Account.objects.select_for_update().filter(pk=check_account_id(account_id))
    account = found.first()
    if account is None:
        raise UnknownAccount(f"There is no account {account_id!r}")
    return Journal(account, now)


def find(account_id: int, keys: list[str]) -> dict[str, LedgerEntry]:
    """The entries that used these keys; call it under the account's lock."""
    entries = LedgerEntry.objects.filter(account_id=account_id, key__in=keys)
    return {entry.key: entry for entry in entries}


def write(journal: Journal, *, may_alert: bool = False) -> None:
    """Write the posted entries, the account's cached columns and the day's sums.

    `may_alert` says that these entries may raise the low-credit alert: a spend's and an
    adjustment's do, a reset's never.
    """
    journal.apply()
    account = journal.account
    LedgerEntry.objects.append(journal.entries)
    account.low_at = alerts.threshold(account.low_threshold, account.allocation)
    if may_alert and journal.crosses(account.low_at):
        alerts.raise_alert(account, journal.entries[-1])
    account.save(update_fields=_CACHED)
    _add_usage(account.pk, journal.entries)
    if journal.entries:
        announce(account.pk, account.version)


_CACHED = [
    "plan_balance", "package_balance", "version", "last_entry_at", "last_entry_day",
    "period_kind", "plan", "allocation", "anchor", "period_start", "period_end",
    "period_sequence", "due_at", "low_at", "low_mailed_period",
]  # fmt: skip


def _add_usage(account_id: int, entries: list[LedgerEntry]) -> None:
    sums: dict[tuple[Any, ...], list[int]] = {}
    for entry in entries:
        line = sums.setdefault((entry.day, entry.kind, entry.tool, entry.actor), [0, 0, 0])
        line[0] += 1
        line[1] += entry.plan_delta
        line[2] += entry.package_delta
    with connection.cursor() as cursor:
        for line_key, line in sums.items():
            cursor.execute(fast_spend.ADD_USAGE, [account_id, *line_key, *line])


def announce(account_id: int, version: int) -> None:
    """Tell whoever listens, after commit, that a balance changed."""
    transaction.on_commit(
        partial(balance_changed.send_robust, sender=None, account_id=account_id, version=version)
    )
