"""What of an account's work waits for its people: runs that failed, cases that staff decide, requests
for an owner's word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from credits.models import Account
from credits.outcomes import cases, incidents
from generations.runs import approvals, queries

# What nobody has looked after within a day is told by the gallery alone.
RECENT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Needs:
    """`failed` runs of the last day that nobody has made good, `open_cases` of any age, and
    `approvals` that wait for an owner.

    A case whose credits are back already waits for nobody. `made_good` are incidents that gave
    something back.
    """

    failed: int
    open_cases: int
    approvals: int
    made_good: list[incidents.Line]


def read_needs(account: Account, now: datetime, failed: Callable[[], int]) -> Needs:
    """What needs this account's people now. `failed` counts failed runs, as `count_failed` does."""
    return Needs(
        failed(),
        cases.count_open(account.pk),
        approvals.waiting(account.pk, now).count(),
        incidents.lines_of(account.pk, now),
    )


def count_failed(account: Account, now: datetime) -> int:
    """Runs of the last day that failed and that nobody has made good."""
    return queries.count_failed(account.pk, now - RECENT)
