"""Balance adjusts: staff add to or take from one bucket, with a reason.

Source: decisions on adjustment.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from credits.arguments import check_adjustment, check_decision
from credits.ledger import posting
from credits.ledger.journal import Journal
from credits.models import LedgerEntry
from credits.refusals import InsufficientCredits

Kind = LedgerEntry.Kind
Bucket = Literal["plan", "package"]


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
