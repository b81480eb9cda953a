"""Corrections by staff: an adjustment or a granted plan, above a limit by two people.

Every one is a row with its reason code. At or under `STAFF_SECOND_PERSON_ABOVE` credits the entry is
written at once; above it the row waits until somebody else approves or declines it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from credits import ledger, staff_acts
from credits.models import Account, Plan
from credits.models.corrections import Correction
from credits.refusals import KeyConflict

if TYPE_CHECKING:
    from credits.ledger import Bucket
    from credits.models import LedgerEntry

State = Correction.State
Kind = Correction.Kind


class CorrectionRefused(ValueError):  # noqa: N818 - reads as the ledger's own refusals do
    """The correction was decided before, or by the one who asked for it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written: an adjustment of one bucket, or a plan counted from `anchor`.

    `credits` are plus or minus; of a plan those of one period.
    """

    account_id: int
    key: str
    code: str
    words: str
    credits: int
    bucket: Bucket | None = None
    plan: Plan | None = None
    anchor: datetime | None = None

    @property
    def kind(self) -> Kind:
        """Which of the two it is."""
        return Kind.GRANT if self.plan is not None else Kind.ADJUST

    @property
    def needs_another(self) -> bool:
        """Whether a second person has to say yes."""
        return abs(self.credits) > int(settings.STAFF_SECOND_PERSON_ABOVE)


def preview(wanted: Wanted, staff_id: int, now: datetime) -> tuple[int, int]:
    """Plan and package credits as they would be: written, read and taken back. Raises as `ask`."""
    with transaction.atomic():
        _write_entry(wanted, staff_id, now)
        account = Account.objects.get(pk=wanted.account_id)
        transaction.set_rollback(True)
    return account.plan_balance, account.package_balance


def ask(wanted: Wanted, staff_id: int, now: datetime) -> Correction:
    """Write the correction, or let it wait for a second person; a key's repetition changes nothing.

    Raises what `ledger.adjust` and `ledger.grant_plan` raise, and KeyConflict.
    """
    fields = {
        "account_id": wanted.account_id, "kind": wanted.kind, "bucket": wanted.bucket or "",
        "credits": wanted.credits, "plan": wanted.plan, "anchor": wanted.anchor,
    }  # fmt: skip
    about = {"code": wanted.code, "words": wanted.words, "asked_by": staff_id, "asked_at": now}
    with transaction.atomic():
        row, is_new = Correction.objects.get_or_create(key=wanted.key, defaults=fields | about)
        if not is_new:
            if any(getattr(row, name) != value for name, value in fields.items()):
                raise KeyConflict(wanted.key)
            return row
        if not wanted.needs_another:
            act = "plan granted" if wanted.plan is not None else "balance adjusted"
            entry = _write(row, wanted, staff_id, now)
            staff_acts.record(
                staff_id, act, entry,
                account_id=row.account_id, changed=[f"reason {row.code}"], words=wanted.words,
            )  # fmt: skip
        else:
            _record(row, "correction asked", staff_id)
    return row


def approve(correction_id: int, staff_id: int, now: datetime) -> Correction:
    """Write what another person asked for. Raises CorrectionRefused, and what the ledger raises."""
    with transaction.atomic():
        row = _lock_waiting(correction_id, staff_id)
        if row.plan is not None and row.plan.credits != row.credits:
            raise CorrectionRefused(_("The plan has other credits by now: ask again."))
        row.decided_by, row.decided_at = staff_id, now
        _write(row, _wanted(row), row.asked_by, now)
        _record(row, "correction approved", staff_id)
    return row


def decline(correction_id: int, staff_id: int, now: datetime) -> Correction:
    """Refuse what was asked for; whoever asked may take it back like this. Raises CorrectionRefused."""
    with transaction.atomic():
        row = _lock_waiting(correction_id)
        row.state, row.decided_at = State.DECLINED, now
        row.decided_by = staff_id if staff_id != row.asked_by else None
        row.save(update_fields=["state", "decided_by", "decided_at"])
        _record(row, "correction declined", staff_id)
    return row


def _lock_waiting(correction_id: int, second_person: int | None = None) -> Correction:
    row = Correction.objects.select_for_update().get(pk=correction_id)
    if row.state != State.WAITING:
        raise CorrectionRefused(_("This correction was decided before."))
    if row.asked_by == second_person:
        raise CorrectionRefused(_("You asked for it yourself: somebody else has to approve it."))
    return row


def _write(row: Correction, wanted: Wanted, staff_id: int, now: datetime) -> LedgerEntry:
    row.entry = _write_entry(wanted, staff_id, now)
    row.state = State.WRITTEN
    row.save(update_fields=["state", "entry", "decided_by", "decided_at"])
    return row.entry


def _write_entry(wanted: Wanted, staff_id: int, now: datetime) -> LedgerEntry:
    actor = f"staff:{staff_id}"
    if wanted.plan is not None:
        return ledger.grant_plan(
            wanted.account_id, wanted.plan,
            anchor=wanted.anchor or now, key=wanted.key, actor=actor, reason=wanted.words, now=now,
        )  # fmt: skip
    return ledger.adjust(
        wanted.account_id, wanted.bucket or "plan", wanted.credits,
        key=wanted.key, actor=actor, reason=wanted.words, now=now,
    )  # fmt: skip


def _wanted(row: Correction) -> Wanted:
    bucket: Bucket = "package" if row.bucket == "package" else "plan"
    # Words are required beside an entry; those of an account that was erased meanwhile are gone.
    words = row.words or row.get_code_display()
    return Wanted(
        row.account_id, row.key, row.code, str(words), row.credits,
        bucket if row.bucket else None, row.plan, row.anchor,
    )  # fmt: skip


def _record(row: Correction, act: str, staff_id: int) -> None:
    words = row.words if act == "correction asked" else ""
    staff_acts.record(
        staff_id, act, row,
        account_id=row.account_id, changed=[f"reason {row.code}"], words=words,
    )  # fmt: skip
