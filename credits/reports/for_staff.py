"""What our staff read of an account: its entries as a story, the mails it was sent, how the check went.

Nothing here is for merchants: it looks across accounts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from credits import sources
from credits.models import (
    Account,
    AlertRecipient,
    LedgerEntry,
    LedgerPass,
    Notice,
    OutcomeRule,
    RestorationCase,
)
from credits.models.corrections import Correction
from credits.reports.exports import BYTE_ORDER_MARK, csv_lines
from credits.reports.history import CHUNK, PAGE_SIZE
from credits.staff_acts import StaffAct

_MAILS = 10
_NOTES = 20


@dataclass(frozen=True, slots=True)
class Told:
    """A page of an account's entries, newest first, with the entry each restoration gives back."""

    entries: list[LedgerEntry]
    older_before: int | None

    def spend_of(self, entry: LedgerEntry) -> LedgerEntry | None:
        """The spend that a line speaks of: itself, or the one it restores."""
        if entry.kind == LedgerEntry.Kind.RESTORE:
            return entry.restores
        return entry if entry.kind == LedgerEntry.Kind.SPEND else None

    @property
    def spend_ids(self) -> list[int]:
        """Every spend that the page speaks of."""
        spends = (self.spend_of(entry) for entry in self.entries)
        return [spend.pk for spend in spends if spend is not None]


def read_story(account_id: int, before_sequence: int | None = None) -> Told:
    """The account's newest entries, or those before a sequence, with notes and cases; one query."""
    entries = LedgerEntry.objects.filter(account_id=account_id)
    if before_sequence is not None:
        entries = entries.filter(sequence__lt=before_sequence)
    known = entries.select_related("note", "restores", "restoration", "case")
    rows = list(known.order_by("-sequence")[: PAGE_SIZE + 1])
    older = rows[PAGE_SIZE - 1].sequence if len(rows) > PAGE_SIZE else None
    return Told(rows[:PAGE_SIZE], older)


def charge_of(entry: LedgerEntry) -> str:
    """The seller's id of the charge that an entry came from; empty for others."""
    return sources.source_of(entry.key, entry.reference)


def rules() -> dict[str, str]:
    """The product document's sentence for each outcome."""
    return dict(OutcomeRule.objects.values_list("outcome", "rule"))


def mails_sent(account_id: int) -> list[Notice]:
    """The latest mails to an account's addresses of every kind, and those that still wait."""
    return list(Notice.objects.filter(account_id=account_id).order_by("-pk")[:_MAILS])


def acts_on(account_id: int) -> QuerySet[StaffAct]:
    """What staff did to an account last, with their words."""
    acts = StaffAct.objects.filter(account_id=account_id).select_related("words")
    return acts.order_by("-pk")[:_NOTES]


def accounts_mailed_at(address: str, most: int) -> Iterator[Account]:
    """The accounts whose low-credit mails go to this address."""
    told = AlertRecipient.objects.filter(email__iexact=address).select_related("account")
    for recipient in told[:most]:
        yield recipient.account


@dataclass(frozen=True, slots=True)
class LastCheck:
    """The last finished check of the whole ledger."""

    started_at: datetime
    finished_at: datetime | None
    entries: int
    found: int


def last_check() -> LastCheck | None:
    """How the check of the ledger ended last; None before the first one has ended."""
    last = LedgerPass.objects.exclude(finished_at=None).order_by("-pk").first()
    return LastCheck(last.started_at, last.finished_at, last.entries, last.found) if last else None


def cases_since(account_ids: Collection[int], since: datetime) -> dict[int, int]:
    """How many restoration cases each of these accounts has had since then."""
    cases = RestorationCase.objects.filter(account__in=account_ids, opened_at__gte=since)
    return dict(cases.values_list("account").annotate(opened=Count("pk")).order_by())


def waiting_corrections(most: int) -> int:
    """How many corrections wait for a second person, counted up to `most`."""
    waiting = Correction.objects.filter(state=Correction.State.WAITING).order_by()
    return len(waiting.values_list("pk", flat=True)[:most])


_RECORD = ("at", "staff_id", "act", "subject", "subject_id", "account_id", "changed", "words")


def record_csv() -> Iterator[str]:
    """Every act of staff, oldest first, in pieces; words that were erased are empty."""
    yield BYTE_ORDER_MARK + csv_lines([_RECORD])
    reached = 0
    while rows := list(
        StaffAct.objects.filter(pk__gt=reached).select_related("words").order_by("pk")[:CHUNK]
    ):
        yield csv_lines([_act_cells(act) for act in rows])
        reached = rows[-1].pk


def _act_cells(act: StaffAct) -> list[object]:
    words = getattr(act, "words", None)
    return [
        act.at.isoformat(), act.staff_id or "", act.act, act.subject, act.subject_id,
        act.account_id or "", ", ".join(act.changed), words.text if words else "",
    ]  # fmt: skip
