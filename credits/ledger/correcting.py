"""Credits that come back or are put right: restorations and adjustments.

Source: product document, "Credit Restoration Eligibility"; decisions on restoration and adjustment.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from credits import periods
from credits.ledger import posting
from credits.ledger.journal import Journal
from credits.models import LedgerEntry
from credits.refusals import (
    AlreadyRestored,
    InsufficientCredits,
    NothingToRestore,
    UnknownSpend,
    check_adjustment,
    check_decision,
    check_spend_id,
)

Kind = LedgerEntry.Kind
Bucket = Literal["plan", "package"]


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


def adjust(
    account_id: int,
    bucket: Bucket,
    credits: int,
    key: str,
    actor: str,
    reason: str,
    now: datetime | None = None,
) -> LedgerEntry:
    """Add to or take from one bucket, by staff, with a reason; shown as "balance adjust".

    Raises InsufficientCredits when the bucket would fall below zero. Plan credits added while no
    period runs open a remainder of 30 days.
    """
    if bucket not in ("plan", "package"):
        raise ValueError(f"A bucket is 'plan' or 'package', not {bucket!r}")
    check_adjustment(credits)
    check_decision(actor, reason)
    plan, package = (credits, 0) if bucket == "plan" else (0, credits)

    def changes(journal: Journal) -> LedgerEntry:
        held = journal.bucket.credits if bucket == "plan" else journal.package
        if held + credits < 0:
            raise InsufficientCredits(-credits, held)
        if plan > 0 and not journal.is_running:
            journal.open_remainder()
        return journal.post(Kind.ADJUST, plan, package, key, actor=actor)

    asked = (Kind.ADJUST, plan, package)
    return posting.once(
        account_id, key, now, changes, note=reason, may_alert=credits < 0,
        same=lambda entry: (entry.kind, entry.plan_delta, entry.package_delta) == asked,
    )  # fmt: skip
