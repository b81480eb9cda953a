"""Credits that come: an account's trial, a plan's periods, packages.

Source: product document, "Credit Types".
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from credits import periods
from credits.arguments import (
    check_decision,
    check_grant,
    check_instant,
    check_now,
    check_text,
)
from credits.ledger import posting
from credits.ledger.journal import Journal
from credits.models import Account, LedgerEntry, Plan
from credits.periods import PlanBucket
from credits.refusals import StalePeriod, UnknownPlan
from credits.zones import usable_zone

Kind = LedgerEntry.Kind


def open_account(
    name: str = "", *, trial: bool = True, now: datetime | None = None, time_zone: str = "UTC"
) -> Account:
    """Open an account; with `trial` its first entry is the first day's 100 credits.

    `time_zone` is the shop's IANA name: its days are the days of every report; UTC's are, where the
    database does not know the zone. Raises ValueError for a zone that there is not.
    """
    opened_at = check_now(now)
    check_text("name", name, 200)
    time_zone = usable_zone(time_zone)
    with posting.open_transaction():
        account = Account.objects.create(name=name, opened_at=opened_at, time_zone=time_zone)
        if trial:
            journal = Journal(account, opened_at)
            journal.open_period(
                periods.trial_bucket(opened_at), key=f"auto:trial:{opened_at.isoformat()}"
            )
            posting.write(journal)
    return account


def add_package(
    account_id: int, credits: int, key: str, now: datetime | None = None, reference: str = ""
) -> LedgerEntry:
    """Add a bought package to the package bucket; it never expires.

    Source: product document, "Package Credits".
    """
    check_grant(credits)
    check_text("reference", reference, 200)

    def changes(journal: Journal) -> LedgerEntry:
        return journal.post(Kind.PACKAGE, 0, credits, key, reference=reference)

    asked = (Kind.PACKAGE, credits, reference)
    return posting.once(
        account_id, key, now, changes,
        same=lambda entry: (entry.kind, entry.package_delta, entry.reference) == asked,
    )  # fmt: skip


def start_plan_period(
    account_id: int,
    plan: Plan | str,
    period_start: datetime,
    period_end: datetime,
    key: str,
    now: datetime | None = None,
    allocation: int | None = None,
) -> LedgerEntry:
    """Grant a paid plan's credits for one billing period, as confirmed by whoever bills it.

    A new period lets what is left expire and grants the whole allocation. For a period end that
    has been granted before, only what the allocation exceeds the highest one so far is added;
    nothing exceeding, that period's latest grant is returned and nothing changes, also after its
    end. A call that changes nothing keeps no key. `allocation` defaults to the plan's credits; a subscription passes what it was sold with.

    Raises StalePeriod (a ValueError) for a period that is over, empty or older than the paid one
    running. Source: product document, "Plan Credits".
    """
    plan = _find_plan(plan)
    now = check_now(now)
    start = check_instant("period_start", period_start)
    end = check_instant("period_end", period_end)
    if end <= start:
        raise StalePeriod("A period ends after it starts")
    if allocation is not None:
        check_grant(allocation)

    def changes(journal: Journal) -> LedgerEntry:
        # Under the lock, so that a known key is answered whatever the plan's credits are by now.
        credits = check_grant(plan.credits if allocation is None else allocation)
        running = journal.bucket
        if running.kind == "paid" and running.end is not None and end < running.end:
            raise StalePeriod("The period is older than the one running")
        if end <= journal.now and credits > _highest(journal.granted_until(end)):
            raise StalePeriod("The period is over")
        bucket = PlanBucket(kind="paid", allocation=credits, start=start, end=end)
        return _grant_period(journal, plan, bucket, key)

    def same(entry: LedgerEntry) -> bool:
        period = (entry.period_start, entry.period_end)
        asked = (Kind.PLAN_GRANT, plan.handle, "", (start, end))
        is_size = allocation in (None, entry.allocation)
        return is_size and (entry.kind, entry.plan, entry.reference, period) == asked

    return posting.once(account_id, key, now, changes, same)


def grant_plan(
    account_id: int,
    plan: Plan | str,
    anchor: datetime,
    key: str,
    actor: str,
    reason: str,
    now: datetime | None = None,
) -> LedgerEntry:
    """Grant a plan by staff: it renews by itself in calendar months counted from `anchor`.

    Raises ValueError for an anchor in the future, or when actor or reason is missing.
    """
    plan = _find_plan(plan)
    anchor = check_instant("anchor", anchor)
    check_decision(actor, reason)
    reference = f"anchor:{anchor.isoformat()}"

    def changes(journal: Journal) -> LedgerEntry:
        if anchor > journal.now:
            raise ValueError("A staff plan is counted from an instant that has come")
        start, end = periods.month_period(anchor, journal.now)
        allocation = check_grant(plan.credits)
        bucket = PlanBucket(
            kind="staff", allocation=allocation, anchor=anchor, start=start, end=end
        )
        return _grant_period(journal, plan, bucket, key, actor=actor, reference=reference)

    asked = (Kind.PLAN_GRANT, plan.handle, reference)
    return posting.once(
        account_id, key, now, changes, note=reason,
        same=lambda entry: (entry.kind, entry.plan, entry.reference) == asked,
    )  # fmt: skip


def _grant_period(
    journal: Journal, plan: Plan, bucket: PlanBucket, key: str, **fields: Any
) -> LedgerEntry:
    """Grant what this period end has not been granted yet; open the period if it is another one."""
    # A month of a staff plan that is due goes under that plan's name, before this one's.
    journal.settle()
    account = journal.account
    granted = journal.granted_until(bucket.end)
    latest, highest = granted[-1] if granted else None, _highest(granted)
    if latest is not None and bucket.allocation <= highest:
        return latest
    account.plan = plan
    if latest is None or journal.bucket.end != bucket.end or not journal.is_running:
        return journal.open_period(bucket, key, granted=highest, **fields)
    return journal.raise_allocation(bucket, key, granted=highest, **fields)


def _highest(grants: list[LedgerEntry]) -> int:
    return max((grant.allocation for grant in grants), default=0)


def _find_plan(plan: Plan | str) -> Plan:
    if isinstance(plan, Plan):
        # As stored: one that was never saved, or is deleted by now, is no plan.
        found = Plan.objects.filter(pk=plan.pk).first()
    else:
        found = Plan.objects.filter(handle=check_text("plan", plan, 50)).first()
    if found is None:
        raise UnknownPlan(f"There is no plan {plan!r}")
    return found
