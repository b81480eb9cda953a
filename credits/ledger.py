"""The write path of every balance. Nobody else writes entries or changes a balance.

Each verb locks the account's row, looks its idempotency key up under that lock, works out what
time has brought, checks, and only then writes: a refusal leaves nothing behind and needs no
savepoint. The same key again returns the first entry and changes nothing.

`key` is unique per account; keys that begin with "auto:" are the ledger's own. `now` is an aware
datetime and defaults to the business clock; one earlier than the account's last entry counts as
that entry's time. Amounts are whole credits. Refusals are the exceptions of `refusals`.

Source: product document, "Credit Types", "Credit Deduction Logic", "Failed Generations".
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from credits import periods, posting
from credits.journal import Journal
from credits.models import Account, LedgerEntry, Plan
from credits.periods import PlanBucket
from credits.refusals import (
    AlreadyRestored,
    InsufficientCredits,
    KeyConflict,
    LedgerError,
    NothingToRestore,
    StalePeriod,
    UnknownAccount,
    UnknownPlan,
    UnknownSpend,
    check_adjustment,
    check_decision,
    check_grant,
    check_instant,
    check_now,
    check_spend_id,
    check_text,
)
from credits.spending import SpendItem, check_item, spend_items
from credits.zones import usable_zone

__all__ = [
    "AlreadyRestored", "InsufficientCredits", "KeyConflict", "LedgerError", "NothingToRestore",
    "SpendItem", "StalePeriod", "UnknownAccount", "UnknownPlan", "UnknownSpend", "add_package",
    "adjust", "grant_plan", "open_account", "restore", "settle", "spend", "spend_many",
    "start_plan_period",
]  # fmt: skip

Kind = LedgerEntry.Kind
Bucket = Literal["plan", "package"]


# --- Accounts ------------------------------------------------------------------------------------


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


def settle(account_id: int, *, now: datetime | None = None, grants: bool = True) -> int:
    """Book what time has brought to this account; returns how many entries that took.

    Without `grants` only expiries are booked; the next trial day or staff period stays due and is
    granted by the first real write.
    """
    now = check_now(now)
    with posting.open_transaction():
        journal = posting.lock(account_id, now)
        if journal.bucket != journal.account.bucket:
            journal.settle(grants=grants)
            posting.write(journal)
        return len(journal.entries)


# --- Spending ------------------------------------------------------------------------------------


def spend(
    account_id: int,
    amount: int,
    key: str,
    tool: str = "",
    reference: str = "",
    actor: str = "",
    now: datetime | None = None,
) -> LedgerEntry:
    """Take `amount` credits, plan credits first, then package credits.

    Raises InsufficientCredits when both together cannot cover it (the key stays free), KeyConflict
    when the key was used for anything else, ValueError for an unknown account or a bad amount.
    Source: product document, "Priority Order".
    """
    now = check_now(now)
    item = check_item((amount, key, tool, reference))
    check_text("actor", actor, 100)
    return spend_items(account_id, [item], actor, now)[0]


def spend_many(
    account_id: int,
    items: Iterable[tuple[int, str] | tuple[int, str, str] | tuple[int, str, str, str]],
    now: datetime | None = None,
    actor: str = "",
) -> list[LedgerEntry]:
    """Take several amounts at once, one entry each, all or nothing.

    The keys are all new, or all known (the same entries again); KeyConflict when mixed or repeated
    among the items. InsufficientCredits names the sum.
    """
    now = check_now(now)
    check_text("actor", actor, 100)
    checked = [check_item(item) for item in items]
    if len({item.key for item in checked}) < len(checked):
        keys = [item.key for item in checked]
        raise KeyConflict(next(key for key in keys if keys.count(key) > 1))
    return spend_items(account_id, checked, actor, now)


# --- Adding --------------------------------------------------------------------------------------


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


# --- Correcting ----------------------------------------------------------------------------------


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
