"""Credits that come back: one entry that points at the spend, never an edit, at most once.

Source: product document, "Credit Restoration Eligibility"; decisions on restoration.
"""

from __future__ import annotations

from datetime import datetime

from credits import periods
from credits.arguments import GOODWILL_KEYS, check_decision, check_spend_id
from credits.ledger import journal
from credits.ledger.journal import Journal
from credits.models import LedgerEntry
from credits.refusals import AlreadyRestored, NothingToRestore, UnknownSpend

Kind = LedgerEntry.Kind


def restore(
    spend_id: int,
    key: str,
    actor: str,
    reason: str,
    now: datetime | None = None,
    *,
    lapse_plan: bool = False,
) -> LedgerEntry:
    """Give a spend back, exactly the split that was taken, at most once per spend.

    If the spend's plan period has ended, its plan part joins the period running now (in the trial
    up to 100 credits, the rest lapses); with none running it opens a remainder of 30 days. With
    `lapse_plan` it comes back only while the period that paid is running and lapses otherwise, so
    that a cancelled run never carries plan credits over. What lapses is noted on the entry.
    Raises UnknownSpend, AlreadyRestored or NothingToRestore (all ValueError), KeyConflict.
    Source: product document, "Credit Restoration Eligibility".
    """
    spent = LedgerEntry.objects.filter(pk=check_spend_id(spend_id), kind=Kind.SPEND).first()
    if spent is None:
        raise UnknownSpend(f"There is no spend {spend_id!r}")
    check_decision(actor, reason)
    with journal.once(spent.account_id, key, now) as book:
        if (known := book.known) is not None:
            is_same = known.kind == Kind.RESTORE and known.restores_id == spent.pk
            return journal.repeated(known, same=is_same)
        if LedgerEntry.objects.filter(restores_id=spent.pk).exists():
            raise AlreadyRestored(f"Spend {spent.pk} has been restored before")
        given = {"account_id": spent.account_id, "key": f"{GOODWILL_KEYS}{spent.pk}"}
        if LedgerEntry.objects.filter(**given).exists():
            raise NothingToRestore(f"Spend {spent.pk} has been made good by an adjustment before")
        plan, package = _plan_part(book, spent, lapse_plan=lapse_plan), -spent.package_delta
        if not plan and not package:
            raise NothingToRestore("No part of this spend fits a bucket any more")
        if plan and not book.is_running:
            book.open_remainder()
        entry = book.post(
            Kind.RESTORE, plan, package, key, actor=actor, restores_id=spent.pk,
            tool=spent.tool, reference=spent.reference, lapsed=-spent.plan_delta - plan,
        )  # fmt: skip
        book.write(note=reason)
    return entry


def _plan_part(book: Journal, spent: LedgerEntry, *, lapse_plan: bool) -> int:
    """How much of the spend's plan part can go back now."""
    taken = -spent.plan_delta
    if book.is_current(spent):
        return taken
    if lapse_plan:
        return 0
    if book.bucket.kind == "trial":
        return min(taken, max(0, periods.TRIAL_CREDITS - book.bucket.credits))
    return taken
