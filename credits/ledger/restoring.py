"""Credits that come back: one entry that points at the spend, never an edit, at most once.

Source: product document, "Credit Restoration Eligibility"; decisions on restoration.
"""

from __future__ import annotations

from datetime import datetime

from credits import periods
from credits.arguments import check_decision, check_spend_id
from credits.ledger import posting
from credits.ledger.journal import Journal
from credits.models import LedgerEntry
from credits.refusals import AlreadyRestored, NothingToRestore, UnknownSpend

Kind = LedgerEntry.Kind


def restore(
    spend_id: int, key: str, actor: str, reason: str, now: datetime | None = None
) -> LedgerEntry:
    """Give a spend back, exactly the split that was taken, at most once per spend.

    If the spend's plan period has ended, its plan part joins the period running now (in the trial
    up to 100 credits, the rest lapses); with none running it opens a remainder of 30 days.
    Raises UnknownSpend, AlreadyRestored or NothingToRestore (all ValueError), KeyConflict.
    Source: product document, "Credit Restoration Eligibility".
    """
    spent = LedgerEntry.objects.filter(pk=check_spend_id(spend_id), kind=Kind.SPEND).first()
    if spent is None:
        raise UnknownSpend(f"There is no spend {spend_id!r}")
    check_decision(actor, reason)

    def changes(journal: Journal) -> LedgerEntry:
        if LedgerEntry.objects.filter(restores_id=spent.pk).exists():
            raise AlreadyRestored(f"Spend {spent.pk} has been restored before")
        plan, package = _restorable(journal, spent)
        if not plan and not package:
            raise NothingToRestore("No part of this spend fits a bucket any more")
        if plan and not journal.is_running:
            journal.open_remainder()
        return journal.post(
            Kind.RESTORE, plan, package, key, actor=actor, restores_id=spent.pk,
            tool=spent.tool, reference=spent.reference, lapsed=-spent.plan_delta - plan,
        )  # fmt: skip

    return posting.once(
        spent.account_id, key, now, changes, note=reason,
        same=lambda entry: entry.kind == Kind.RESTORE and entry.restores_id == spent.pk,
    )  # fmt: skip


def _restorable(journal: Journal, spent: LedgerEntry) -> tuple[int, int]:
    """The plan part and the package part that can go back now."""
    plan, package = -spent.plan_delta, -spent.package_delta
    if journal.bucket.kind == "trial" and not journal.is_current(spent):
        room = max(0, periods.TRIAL_CREDITS - journal.bucket.credits)
        return min(plan, room), package
    return plan, package
