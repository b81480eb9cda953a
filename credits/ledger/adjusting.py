"""Balance adjusts: staff add to or take from one bucket, with a reason.

Source: decisions on adjustment.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from credits import sources
from credits.arguments import check_adjustment, check_decision, check_text
from credits.ledger import journal
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
    reference: str = "",
) -> LedgerEntry:
    """Add to or take from one bucket, by staff, with a reason; shown as "balance adjust".

    Raises InsufficientCredits when the bucket would fall below zero. Plan credits added while no
    period runs open a remainder of 30 days. `reference` is what the adjustment refers to, such as a
    purchase that was taken back.
    """
    if bucket not in ("plan", "package"):
        raise ValueError(f"A bucket is 'plan' or 'package', not {bucket!r}")
    check_adjustment(credits)
    check_decision(actor, reason)
    check_text("reference", reference, 200)
    plan, package = (credits, 0) if bucket == "plan" else (0, credits)
    asked = (Kind.ADJUST, plan, package)
    with journal.once(account_id, key, now) as book:
        if (known := book.known) is not None:
            given = (known.kind, known.plan_delta, known.package_delta)
            is_same = given == asked and sources.agree(known.key, known.reference, reference)
            return journal.repeated(known, same=is_same)
        held = book.bucket.credits if bucket == "plan" else book.package
        if held + credits < 0:
            raise InsufficientCredits(-credits, held)
        if plan > 0 and not book.is_running:
            book.open_remainder()
        entry = book.post(Kind.ADJUST, plan, package, key, actor=actor, reference=reference)
        book.write(note=reason, may_alert=credits < 0)
    return entry
