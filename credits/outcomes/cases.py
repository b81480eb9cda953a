"""Restoration cases: a platform error that took credits, which staff approve or decline once.

A spend is restored under one key however it comes about, so an approval that races an automatic
restoration finds its entry instead of writing a second one.

Source: product document, "Credit Restoration Eligibility"; decisions on who may restore.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from credits import ledger
from credits.models import LedgerEntry, RestorationCase
from ecomvance_app import live

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

State = RestorationCase.State
# What the queue of staff holds; whoever reads it needs no import of the tables.
Case = RestorationCase
QUEUE_PAGE = 10


class CaseDecided(ValueError):  # noqa: N818
    """The case was decided before, in the other way."""


def approve(
    case: RestorationCase, staff: AbstractBaseUser, reason: str, now: datetime
) -> RestorationCase:
    """Restore the spend of a case with the exact split that was taken, once.

    Approving an approved case again returns it. Raises CaseDecided for a declined one,
    `ledger.NothingToRestore` when no bucket can take any of it (the case stays open), and
    ValueError without a reason.
    """
    reason = _check_reason(reason)
    with transaction.atomic():
        locked = _lock(case)
        if locked.state == State.DECLINED:
            raise CaseDecided(_("This case was declined before."))
        if locked.state == State.OPEN:
            restoration = write_restoration(locked.spend, f"staff:{staff.pk}", reason, now)
            decide(locked, State.APPROVED, staff, reason, now, restoration)
        return locked


def decline(
    case: RestorationCase, staff: AbstractBaseUser, reason: str, now: datetime
) -> RestorationCase:
    """Close a case without restoring; the reason is what the merchant reads.

    Declining a declined case again returns it. Raises CaseDecided for an approved one and
    ValueError without a reason.
    """
    reason = _check_reason(reason)
    with transaction.atomic():
        locked = _lock(case)
        if locked.state == State.APPROVED:
            raise CaseDecided(_("This case was approved before."))
        if locked.state == State.OPEN:
            decide(locked, State.DECLINED, staff, reason, now, None)
        return locked


def open_case(spend: LedgerEntry, outcome: str, now: datetime) -> RestorationCase:
    """The case of a spend, opened when it has none."""
    case, _created = RestorationCase.objects.get_or_create(
        spend=spend,
        defaults={"account_id": spend.account_id, "outcome": outcome, "opened_at": now},
    )
    live.publish(spend.account_id, "cases")
    return case


def case_of(spend_id: int | None) -> RestorationCase:
    """The case of a spend. Raises RestorationCase.DoesNotExist."""
    return RestorationCase.objects.get(spend=spend_id)


def count_open(account_id: int) -> int:
    """Cases of this account that staff have to decide; not those whose credits are back already."""
    cases = RestorationCase.objects.filter(account=account_id, state=State.OPEN)
    return cases.filter(spend__restoration=None).count()


@dataclass(frozen=True, slots=True)
class Queue:
    """Open cases, oldest first, and the id after which the next ones come."""

    cases: list[RestorationCase]
    next_after: int | None


def read_queue(after: int | None = None) -> Queue:
    """What waits for a decision, in the order in which it was opened."""
    waiting = _known().filter(state=State.OPEN)
    if after is not None:
        waiting = waiting.filter(pk__gt=after)
    rows = list(waiting.order_by("pk")[: QUEUE_PAGE + 1])
    more = len(rows) > QUEUE_PAGE
    return Queue(rows[:QUEUE_PAGE], rows[QUEUE_PAGE - 1].pk if more else None)


def find(case_id: int) -> RestorationCase | None:
    """A case of any account, with its spend: for staff alone."""
    return _known().filter(pk=case_id).first()


def find_by_spend(spend_id: int | None) -> RestorationCase | None:
    """The case of a spend, with what staff see of it; None when there is none."""
    return _known().filter(spend=spend_id).first()


def find_by_spends(spend_ids: Collection[int]) -> dict[int, RestorationCase]:
    """The cases of these spends, by spend."""
    return {case.spend_id: case for case in _known().filter(spend__in=spend_ids)}


def waiting(most: int) -> tuple[int, datetime | None]:
    """How many cases are open, counted up to `most`, and since when the oldest one is."""
    opened = RestorationCase.objects.filter(state=State.OPEN).order_by("opened_at")
    instants = list(opened.values_list("opened_at", flat=True)[:most])
    return len(instants), instants[0] if instants else None


def _known() -> QuerySet[RestorationCase]:
    return RestorationCase.objects.select_related(
        "account", "spend__restoration", "decided_by", "restoration"
    )


def decide(
    case: RestorationCase,
    state: RestorationCase.State,
    staff: AbstractBaseUser | None,
    reason: str,
    now: datetime,
    restoration: LedgerEntry | None,
) -> None:
    """Write a decision down; `staff` is None for one that a rule took."""
    case.state, case.reason, case.decided_at = state, reason, now
    case.decided_by_id = staff.pk if staff is not None else None
    case.restoration = restoration
    case.save(update_fields=["state", "reason", "decided_at", "decided_by", "restoration"])
    live.publish(case.account_id, "cases")


def write_restoration(
    spend: LedgerEntry, actor: str, reason: str, now: datetime, *, lapse_plan: bool = False
) -> LedgerEntry:
    """Restore the spend, or find the entry that has restored it before."""
    key = f"restore:{spend.pk}"
    try:
        return ledger.restore(
            spend.pk, key=key, actor=actor, reason=reason, now=now, lapse_plan=lapse_plan
        )
    except ledger.AlreadyRestored:
        return LedgerEntry.objects.get(restores_id=spend.pk)


def _lock(case: RestorationCase) -> RestorationCase:
    return (
        RestorationCase.objects.select_for_update(of=("self",))
        .select_related("spend")
        .get(pk=case.pk)
    )


def _check_reason(reason: str) -> str:
    if not reason.strip():
        raise ValueError(_("A reason is required."))
    return reason.strip()
