"""Credits that go: the deduction, plan credits first and package credits second.

A spend has two forms that write the same entries: the general rule (`general_spend`), and one
statement for the common case, which is tried first.

Source: product document, "Credit Deduction Logic".
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from credits.arguments import (
    MAX_CREDITS,
    check_account_id,
    check_amount,
    check_key,
    check_now,
    check_text,
)
from credits.ledger import fast_spend, posting
from credits.models import LedgerEntry
from credits.refusals import InsufficientCredits, KeyConflict

Kind = LedgerEntry.Kind

_COLUMNS = [str(field.column) for field in LedgerEntry._meta.concrete_fields]
_ONE = fast_spend.CALL_COMMON_SPEND.format(columns=", ".join(_COLUMNS))
_MANY = fast_spend.CALL_COMMON_BATCH.format(columns=", ".join(_COLUMNS))


class SpendItem(NamedTuple):
    """One item of `spend_many`."""

    amount: int
    key: str
    tool: str = ""
    reference: str = ""


def spend(
    account_id: int,
    amount: int,
    key: str,
    tool: str = "",
    reference: str = "",
    actor: str = "",
    now: datetime | None = None,
) -> LedgerEntry:
    """Take `amount` credits, plan credits first, then package credits.

    Raises InsufficientCredits when both together cannot cover it (the key stays free), KeyConflict
    when the key was used for anything else, ValueError for an unknown account or a bad amount.
    Source: product document, "Priority Order".
    """
    now = check_now(now)
    item = check_item((amount, key, tool, reference))
    check_text("actor", actor, 100)
    return spend_items(account_id, [item], actor, now)[0]


def spend_many(
    account_id: int,
    items: Iterable[tuple[int, str] | tuple[int, str, str] | tuple[int, str, str, str]],
    now: datetime | None = None,
    actor: str = "",
) -> list[LedgerEntry]:
    """Take several amounts at once, one entry each, all or nothing.

    The keys are all new, or all known (the same entries again); KeyConflict when mixed or repeated
    among the items. InsufficientCredits names the sum.
    """
    now = check_now(now)
    check_text("actor", actor, 100)
    checked = [check_item(item) for item in items]
    if len({item.key for item in checked}) < len(checked):
        keys = [item.key for item in checked]
        raise KeyConflict(next(key for key in keys if keys.count(key) > 1))
    return spend_items(account_id, checked, actor, now)


def spend_items(
    account_id: int, items: list[SpendItem], actor: str, now: datetime
) -> list[LedgerEntry]:
    """One entry for each item: by one statement in the common case, else by the general rule."""
    account_id = check_account_id(account_id)
    return _common_spend(account_id, items, actor, now) or general_spend(
        account_id, items, actor, now
    )


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
            posting.write(journal, may_alert=True)
        return journal.entries[len(journal.entries) - len(items) :]


def _same_spend(entry: LedgerEntry | None, item: SpendItem) -> LedgerEntry:
    asked = (Kind.SPEND, -item.amount, item.tool, item.reference)
    if entry is None or (entry.kind, entry.credits, entry.tool, entry.reference) != asked:
        raise KeyConflict(item.key)
    return entry


def _common_spend(
    account_id: int, items: list[SpendItem], actor: str, now: datetime
) -> list[LedgerEntry]:
    """The entries written by one statement (see `fast_spend`); none hands it to the general rule."""
    if connection.vendor != "postgresql" or not _fits(items):
        return []
    call, asked = _ONE, list[Any](items[0])
    if len(items) > 1:
        call, asked = _MANY, [list(column) for column in zip(*items, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(call, [account_id, *asked, actor, now, timezone.now()])
        rows = cursor.fetchall()
    entries = [LedgerEntry.from_db(connection.alias, _COLUMNS, row) for row in rows]
    if entries:
        posting.announce(account_id, entries[-1].sequence)
    return entries


def _fits(items: list[SpendItem]) -> bool:
    """Whether SQL's integers hold what was asked; whatever else it is, the general rule says."""
    return bool(items) and all(item.amount <= MAX_CREDITS for item in items)


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
