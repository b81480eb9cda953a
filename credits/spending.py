"""The two forms of a spend: the general rule, and one statement for the common case.

Both write the same entry; `ledger.spend` tries the statement first.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from credits import posting, statements
from credits.models import LedgerEntry
from credits.refusals import (
    InsufficientCredits,
    KeyConflict,
    check_amount,
    check_key,
    check_text,
)

Kind = LedgerEntry.Kind


class SpendItem(NamedTuple):
    """One item of `spend_many`."""

    amount: int
    key: str
    tool: str = ""
    reference: str = ""


def check_item(item: tuple[Any, ...]) -> SpendItem:
    """The item, if its amount, key and texts are good; ValueError otherwise."""
    try:
        checked = SpendItem(*item)
    except TypeError:
        raise ValueError(f"An item is (amount, key, tool, reference), not {item!r}") from None
    check_amount(checked.amount)
    check_key(checked.key)
    check_text("tool", checked.tool, 60)
    check_text("reference", checked.reference, 200)
    return checked


def common_spend(account_id: int, item: SpendItem, actor: str, now: datetime) -> LedgerEntry | None:
    """The common case in one statement (see `statements`); None hands it to the general rule."""
    asked: dict[str, Any] = {"account_id": account_id, "key": item.key, "tool": item.tool}
    asked |= {"reference": item.reference, "actor": actor}
    asked["recorded_at"] = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(statements.COMMON_SPEND, asked | {"now": now, "amount": item.amount})
        row = cursor.fetchone()
    if row is None:
        return None
    written = dict(zip(statements.COMMON_SPEND_RETURNS, row, strict=True))
    entry = LedgerEntry(**asked, **written, kind=Kind.SPEND)
    entry._state.adding, entry._state.db = False, connection.alias
    posting.announce(account_id, entry.sequence)
    return entry


def general_spend(
    account_id: int, items: list[SpendItem], actor: str, now: datetime
) -> list[LedgerEntry]:
    """The general rule for any number of items."""
    with posting.open_transaction():
        journal = posting.lock(account_id, now)
        known = posting.find(account_id, [item.key for item in items])
        if known:
            return [_same_spend(known.get(item.key), item) for item in items]
        needed = sum(item.amount for item in items)
        if needed > journal.available:
            raise InsufficientCredits(needed, journal.available)
        for item in items:
            plan = min(item.amount, journal.bucket.credits)
            journal.post(
                Kind.SPEND, -plan, plan - item.amount, item.key,
                actor=actor, tool=item.tool, reference=item.reference,
            )  # fmt: skip
        if items:
            posting.write(journal, falls=True)
        return journal.entries[len(journal.entries) - len(items) :]


def _same_spend(entry: LedgerEntry | None, item: SpendItem) -> LedgerEntry:
    asked = (Kind.SPEND, -item.amount, item.tool, item.reference)
    if entry is None or (entry.kind, entry.credits, entry.tool, entry.reference) != asked:
        raise KeyConflict(item.key)
    return entry
