"""The deduction: plan credits go first, package credits pay what they do not cover.

Source: product document, "Credit Deduction Logic".
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from credits.arguments import (
    check_account_id,
    check_amount,
    check_key,
    check_now,
    check_text,
)
from credits.ledger import fast_spend, journal
from credits.ledger.journal import Journal
from credits.models import LedgerEntry
from credits.refusals import InsufficientCredits, KeyConflict

Kind = LedgerEntry.Kind


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
    now, item = check_now(now), SpendItem(amount, key, tool, reference)
    _check(account_id, [item], actor)
    # The same rule in one statement, for the common case; whatever else it is, is decided below.
    if written := fast_spend.attempt(account_id, [item], actor, now):
        return written[0]
    with journal.open_transaction():
        book = journal.lock(account_id, now)  # SELECT … FOR UPDATE
        if (known := book.find([key]).get(key)) is not None:
            return journal.repeated(known, same=_is_same(known, item))
        if amount > book.available:
            raise InsufficientCredits(amount, book.available)
        from_plan = min(amount, book.bucket.credits)
        from_package = amount - from_plan
        entry = _post(book, item, from_plan, from_package, actor)
        book.write(may_alert=True)
    return entry


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
    now, asked = check_now(now), [_item(item) for item in items]
    _check(account_id, asked, actor)
    _check_keys_differ(asked)
    if written := fast_spend.attempt(account_id, asked, actor, now):
        return written
    with journal.open_transaction():
        book = journal.lock(account_id, now)
        if known := book.find([item.key for item in asked]):
            return [_known(known.get(item.key), item) for item in asked]
        needed = sum(item.amount for item in asked)
        if needed > book.available:
            raise InsufficientCredits(needed, book.available)
        entries = []
        for item in asked:
            from_plan = min(item.amount, book.bucket.credits)
            entries.append(_post(book, item, from_plan, item.amount - from_plan, actor))
        if entries:
            book.write(may_alert=True)
    return entries


def _post(
    book: Journal, item: SpendItem, from_plan: int, from_package: int, actor: str
) -> LedgerEntry:
    return book.post(
        Kind.SPEND, -from_plan, -from_package, item.key,
        actor=actor, tool=item.tool, reference=item.reference,
    )  # fmt: skip


def _known(entry: LedgerEntry | None, item: SpendItem) -> LedgerEntry:
    if entry is None:  # Other keys of the same call are known.
        raise KeyConflict(item.key)
    return journal.repeated(entry, same=_is_same(entry, item))


def _is_same(entry: LedgerEntry, item: SpendItem) -> bool:
    asked = (Kind.SPEND, -item.amount, item.tool, item.reference)
    return (entry.kind, entry.credits, entry.tool, entry.reference) == asked


def _item(item: tuple[Any, ...]) -> SpendItem:
    try:
        return SpendItem(*item)
    except TypeError:
        raise ValueError(f"An item is (amount, key, tool, reference), not {item!r}") from None


def _check(account_id: int, items: list[SpendItem], actor: str) -> None:
    """ValueError for an amount, a key, a text or an account that cannot be."""
    for item in items:
        check_amount(item.amount)
        check_key(item.key)
        check_text("tool", item.tool, 60)
        check_text("reference", item.reference, 200)
    check_text("actor", actor, 100)
    check_account_id(account_id)


def _check_keys_differ(items: list[SpendItem]) -> None:
    keys = [item.key for item in items]
    if len(set(keys)) < len(keys):
        raise KeyConflict(next(key for key in keys if keys.count(key) > 1))
