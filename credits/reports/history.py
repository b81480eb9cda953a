"""The ledger as its owner reads it: pages of entries with the running balance, and one receipt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet

from credits import sources
from credits.models import LedgerEntry

PAGE_SIZE = 50
CHUNK = 1000


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Entries, newest first, and the sequences that the neighbouring pages are asked with."""

    entries: list[LedgerEntry]
    older_before: int | None
    newer_after: int | None


def read_page(
    account_id: int,
    before_sequence: int | None = None,
    after_sequence: int | None = None,
    size: int = PAGE_SIZE,
) -> LedgerPage:
    """The newest entries, those before a sequence, or those right after one.

    A page deep in the ledger costs what the first one costs: it is found by key, not by counting.
    """
    entries = LedgerEntry.objects.filter(account_id=account_id).select_related("note")
    if after_sequence is not None:
        rows = list(entries.filter(sequence__gt=after_sequence).order_by("sequence")[: size + 1])
        has_newer, has_older = len(rows) > size, after_sequence > 0
        rows = rows[:size][::-1]
    else:
        if before_sequence is not None:
            entries = entries.filter(sequence__lt=before_sequence)
        rows = list(entries.order_by("-sequence")[: size + 1])
        has_newer, has_older = before_sequence is not None, len(rows) > size
        rows = rows[:size]
    return LedgerPage(
        entries=rows,
        older_before=rows[-1].sequence if rows and has_older else None,
        newer_after=rows[0].sequence if rows and has_newer else None,
    )


def get_entry(account_id: int, sequence: int) -> LedgerEntry | None:
    """One entry of this account, with what it restores; None for no such entry."""
    return (
        LedgerEntry.objects.select_related("note", "restores", "restoration", "case")
        .filter(account_id=account_id, sequence=sequence)
        .first()
    )


def get_spend(account_id: int, sequence: int) -> LedgerEntry | None:
    """What was paid for a run, by its sequence; None where the entry is another kind or none."""
    entry = get_entry(account_id, sequence)
    return entry if entry and entry.kind == LedgerEntry.Kind.SPEND else None


def newest_spends(account_id: int, among: int) -> list[LedgerEntry]:
    """What was paid for runs, newest first, among so many of the newest entries."""
    entries = read_page(account_id, size=among).entries
    return [entry for entry in entries if entry.kind == LedgerEntry.Kind.SPEND]


def began_with_trial(account_id: int) -> bool:
    """Whether the account's first entry was its trial's first day."""
    trial = LedgerEntry.objects.filter(
        account_id=account_id, sequence=1, kind=LedgerEntry.Kind.TRIAL_GRANT
    )
    return trial.exists()


def entries_from(source: str, account_id: int | None = None) -> QuerySet[LedgerEntry]:
    """The entries that came from this charge, newest first: what it granted, and what was taken back.

    `source` is the seller's own id of the charge. Entries that say it in their key alone, as all did
    once, are found too. Without an account it is looked for in all of them.
    """
    if not source:
        return LedgerEntry.objects.none()
    named = Q(reference=source) | Q(key__startswith=sources.period_keys(source))
    named |= Q(key__in=[sources.purchase_key(source), sources.clawback_key(source)])
    entries = _from_charges().filter(named)
    if account_id is not None:
        entries = entries.filter(account_id=account_id)
    return entries.order_by("-sequence")


def paid_end_between(account_id: int, after: datetime, before: datetime) -> datetime | None:
    """The end of the period granted last of those a charge paid that end inside this interval."""
    grants = _plan_grants(account_id).filter(key__startswith=sources.PERIOD)
    inside = grants.filter(period_end__gt=after, period_end__lt=before)
    return inside.order_by("-sequence").values_list("period_end", flat=True).first()


def last_end_before(account_id: int, instant: datetime) -> datetime | None:
    """The latest end of a granted plan period that lies before `instant`."""
    grants = _plan_grants(account_id).filter(period_end__lt=instant)
    return grants.order_by("-period_end").values_list("period_end", flat=True).first()


def _from_charges() -> QuerySet[LedgerEntry]:
    """Entries of the kinds that a charge brings; the index on their sources holds these alone."""
    return LedgerEntry.objects.filter(kind__in=LedgerEntry.FROM_CHARGES)


def _plan_grants(account_id: int) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(account_id=account_id, kind=LedgerEntry.Kind.PLAN_GRANT)


def entries_between(account_id: int, first: date, after: date) -> Iterator[list[LedgerEntry]]:
    """The entries of the local days from `first` up to `after`, oldest first, in chunks.

    Read chunk by chunk along the sequence, so an export of any size holds one chunk in memory.
    """
    inside = LedgerEntry.objects.filter(account_id=account_id, day__gte=first, day__lt=after)
    oldest = inside.order_by("day", "sequence").first()
    newest = inside.order_by("-day", "-sequence").first()
    if oldest is None or newest is None:
        return
    yield from entries_in(account_id, oldest.sequence, newest.sequence)


def entries_in(account_id: int, first: int, last: int) -> Iterator[list[LedgerEntry]]:
    """The entries from sequence `first` to `last`, oldest first, in chunks."""
    entries = LedgerEntry.objects.filter(account_id=account_id, sequence__lte=last)
    reached = first - 1
    while reached < last:
        chunk = list(
            entries.filter(sequence__gt=reached).select_related("note").order_by("sequence")[:CHUNK]
        )
        yield chunk
        reached = chunk[-1].sequence


def find_entry(entry_id: int) -> LedgerEntry | None:
    """An entry of any account, by its own number: for staff alone."""
    return LedgerEntry.objects.filter(pk=entry_id).first()
