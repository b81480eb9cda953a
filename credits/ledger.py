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

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import partial
from typing import Any, Literal, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from credits import alerts, periods, statements
from credits.journal import Journal
from credits.models import Account, EntryNote, LedgerEntry, Plan
from credits.periods import PeriodKind, PlanBucket
from credits.refusals import (
    MAX_CREDITS,
    AlreadyRestored,
    InsufficientCredits,
    KeyConflict,
    LedgerError,
    NothingToRestore,
    StalePeriod,
    UnknownAccount,
    UnknownPlan,
    UnknownSpend,
    check_amount,
    check_grant,
    check_instant,
    check_key,
    check_now,
    check_text,
)
from credits.signals import balance_changed

__all__ = [
    "AlreadyRestored", "InsufficientCredits", "KeyConflict", "LedgerError", "NothingToRestore",
    "SpendItem", "StalePeriod", "UnknownAccount", "UnknownPlan", "UnknownSpend", "add_package",
    "adjust", "grant_plan", "open_account", "restore", "settle", "spend", "spend_many",
    "start_plan_period",
]  # fmt: skip

Kind = LedgerEntry.Kind
Bucket = Literal["plan", "package"]


class SpendItem(NamedTuple):
    """One item of `spend_many`."""

    amount: int
    key: str
    tool: str = ""
    reference: str = ""


# --- Accounts ------------------------------------------------------------------------------------


def open_account(
    name: str = "", trial: bool = True, now: datetime | None = None, time_zone: str = "UTC"
) -> Account:
    """Open an account; with `trial` its first entry is the first day's 100 credits."""
    opened_at = check_now(now)
    with _transaction():
        account = Account.objects.create(name=name, opened_at=opened_at, time_zone=time_zone)
        if trial:
            journal = Journal(account, opened_at)
            journal.open_period(
                periods.trial_bucket(opened_at), key=f"auto:trial:{opened_at.isoformat()}"
            )
            _write(journal)
    return account


def settle(account_id: int, now: datetime | None = None, grants: bool = True) -> int:
    """Book what time has brought to this account; returns how many entries that took.

    Without `grants` only expiries are booked; the next trial day or staff period stays due and is
    granted by the first real write.
    """
    now = check_now(now)
    with _transaction():
        journal = _lock(account_id, now)
        if journal.bucket != journal.account.bucket:
            journal.settle(grants)
            _write(journal)
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
    item = _check_item((amount, key, tool, reference))
    check_text("actor", actor, 100)
    if connection.vendor == "postgresql" and type(account_id) is int and amount <= MAX_CREDITS:
        entry = _common_spend(account_id, item, actor, now)
        if entry is not None:
            return entry
    return _spend(account_id, [item], actor, now)[0]


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
    checked = [_check_item(item) for item in items]
    if len({item.key for item in checked}) < len(checked):
        raise KeyConflict(checked[0].key)
    return _spend(account_id, checked, actor, now)


def _check_item(item: tuple[Any, ...]) -> SpendItem:
    checked = SpendItem(*item)
    check_amount(checked.amount)
    check_key(checked.key)
    check_text("tool", checked.tool, 60)
    check_text("reference", checked.reference, 200)
    return checked


def _common_spend(
    account_id: int, item: SpendItem, actor: str, now: datetime
) -> LedgerEntry | None:
    """The common case in one statement (see `statements`); None hands it to the general rule."""
    asked: dict[str, Any] = {"account_id": account_id, "key": item.key, "tool": item.tool}
    asked |= {"reference": item.reference, "actor": actor}
    asked["recorded_at"] = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(statements.COMMON_SPEND, asked | {"now": now, "amount": item.amount})
        row = cursor.fetchone()
    if row is None:
        return None
    written = dict(zip(statements.COMMON_SPEND_RETURNS, row, strict=True))
    entry = LedgerEntry(**asked, **written, kind=Kind.SPEND)
    entry._state.adding, entry._state.db = False, connection.alias
    _announce(account_id, entry.sequence)
    return entry


def _spend(
    account_id: int, items: list[SpendItem], actor: str, now: datetime
) -> list[LedgerEntry]:
    """The general rule for any number of items."""
    with _transaction():
        journal = _lock(account_id, now)
        known = _find(account_id, [item.key for item in items])
        if known:
            return [_same_spend(known.get(item.key), item) for item in items]
        needed = sum(item.amount for item in items)
        if needed > journal.available:
            raise InsufficientCredits(needed, journal.available)
        for item in items:
            plan = min(item.amount, journal.bucket.credits)
            journal.post(
                Kind.SPEND, -plan, plan - item.amount, item.key,
                actor=actor, tool=item.tool, reference=item.reference,
            )  # fmt: skip
        if items:
            _write(journal, falls=True)
        return journal.entries[len(journal.entries) - len(items) :]


def _same_spend(entry: LedgerEntry | None, item: SpendItem) -> LedgerEntry:
    asked = (Kind.SPEND, -item.amount, item.tool, item.reference)
    if entry is None or (entry.kind, entry.credits, entry.tool, entry.reference) != asked:
        raise KeyConflict(item.key)
    return entry


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

    return _once(
        account_id, key, now, changes,
        same=lambda entry: (entry.kind, entry.package_delta) == (Kind.PACKAGE, credits),
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
    nothing exceeding, that period's latest grant is returned and nothing changes. `allocation`
    defaults to the plan's credits; a subscription passes what it was sold with.

    Raises StalePeriod (a ValueError) for a period that is over, empty or older than the paid one
    running. Source: product document, "Plan Credits".
    """
    plan = _find_plan(plan)
    now = check_now(now)
    check_instant("period_start", period_start)
    if check_instant("period_end", period_end) <= period_start:
        raise StalePeriod("A period ends after it starts")
    bucket = PlanBucket(
        kind="paid",
        allocation=check_grant(plan.credits if allocation is None else allocation),
        start=period_start,
        end=period_end,
    )

    def changes(journal: Journal) -> LedgerEntry:
        if period_end <= journal.now:
            raise StalePeriod("The period is over")
        running = journal.bucket
        if running.kind == "paid" and running.end is not None and period_end < running.end:
            raise StalePeriod("The period is older than the one running")
        return _grant_period(journal, plan, bucket, key)

    asked = (Kind.PLAN_GRANT, plan.handle, period_start, period_end)
    return _once(
        account_id, key, now, changes,
        same=lambda entry: (entry.kind, entry.plan, entry.period_start, entry.period_end) == asked,
    )  # fmt: skip


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
    now = check_now(now)
    if check_instant("anchor", anchor) > now:
        raise ValueError("A staff plan is counted from an instant that has come")
    _check_decision(actor, reason)
    start, end = periods.month_period(anchor, now)
    bucket = PlanBucket(
        kind="staff", allocation=check_grant(plan.credits), anchor=anchor, start=start, end=end
    )
    reference = f"anchor:{anchor.isoformat()}"

    def changes(journal: Journal) -> LedgerEntry:
        return _grant_period(journal, plan, bucket, key, actor=actor, reference=reference)

    asked = (Kind.PLAN_GRANT, plan.handle, reference)
    return _once(
        account_id, key, now, changes, note=reason,
        same=lambda entry: (entry.kind, entry.plan, entry.reference) == asked,
    )  # fmt: skip


def _grant_period(
    journal: Journal, plan: Plan, bucket: PlanBucket, key: str, **fields: Any
) -> LedgerEntry:
    """Grant what this period end has not been granted yet; open the period if it is another one."""
    account = journal.account
    granted = LedgerEntry.objects.filter(
        account_id=account.pk, kind=Kind.PLAN_GRANT, period_end=bucket.end
    ).order_by("sequence")
    latest = granted.last()
    highest = max((entry.allocation for entry in granted), default=0)
    if latest is not None and bucket.allocation <= highest:
        return latest
    account.plan = plan
    if latest is None or journal.bucket.end != bucket.end or not journal.is_running:
        return journal.open_period(bucket, key, granted=highest, **fields)
    return journal.raise_allocation(bucket, key, granted=highest, **fields)


def _find_plan(plan: Plan | str) -> Plan:
    if isinstance(plan, Plan):
        return plan
    try:
        return Plan.objects.get(handle=plan)
    except (Plan.DoesNotExist, ValueError, TypeError):
        raise UnknownPlan(f"There is no plan {plan!r}") from None


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
    spent = LedgerEntry.objects.filter(pk=_check_id(spend_id), kind=Kind.SPEND).first()
    if spent is None:
        raise UnknownSpend(f"There is no spend {spend_id!r}")
    _check_decision(actor, reason)

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

    return _once(
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
    if isinstance(credits, bool) or not isinstance(credits, int) or credits == 0:
        raise ValueError(f"An adjustment is a whole number other than 0, not {credits!r}")
    if credits > 0:
        check_grant(credits)
    _check_decision(actor, reason)
    plan, package = (credits, 0) if bucket == "plan" else (0, credits)

    def changes(journal: Journal) -> LedgerEntry:
        held = journal.bucket.credits if bucket == "plan" else journal.package
        if held + credits < 0:
            raise InsufficientCredits(-credits, held)
        if plan > 0 and not journal.is_running:
            journal.open_remainder()
        return journal.post(Kind.ADJUST, plan, package, key, actor=actor)

    asked = (Kind.ADJUST, plan, package)
    return _once(
        account_id, key, now, changes, note=reason, falls=credits < 0,
        same=lambda entry: (entry.kind, entry.plan_delta, entry.package_delta) == asked,
    )  # fmt: skip


def _check_decision(actor: str, reason: str) -> None:
    """Corrections name who decided and why."""
    if not check_text("actor", actor, 100).strip() or not check_text("reason", reason, 2000).strip():
        raise ValueError("Who decided, and why, is required")


def _check_id(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise UnknownSpend(f"There is no spend {value!r}")
    return value


# --- Lock, key, write ----------------------------------------------------------------------------


def _once(
    account_id: int,
    key: str,
    now: datetime | None,
    changes: Callable[[Journal], LedgerEntry],
    same: Callable[[LedgerEntry], bool],
    note: str = "",
    falls: bool = False,
) -> LedgerEntry:
    """Make `changes` under the account's lock, once for this key; then the first entry again."""
    check_key(key)
    now = check_now(now)
    with _transaction():
        journal = _lock(account_id, now)
        known = _find(account_id, [key]).get(key)
        if known is not None:
            if not same(known):
                raise KeyConflict(key)
            return known
        entry = changes(journal)
        if entry.pk is None:
            _write(journal, falls)
            if note:
                EntryNote.objects.create(entry=entry, text=note)
        return entry


def _transaction() -> AbstractContextManager[object]:
    """The caller's transaction where there is one: refusals come before the first write."""
    return nullcontext() if connection.in_atomic_block else transaction.atomic()


def _lock(account_id: int, now: datetime) -> Journal:
    try:
        account = Account.objects.select_for_update().get(pk=account_id)
    except (Account.DoesNotExist, ValueError, TypeError, OverflowError):
        raise UnknownAccount(f"There is no account {account_id!r}") from None
    return Journal(account, now)


def _find(account_id: int, keys: list[str]) -> dict[str, LedgerEntry]:
    """The entries that used these keys; call it under the account's lock."""
    entries = LedgerEntry.objects.filter(account_id=account_id, key__in=keys)
    return {entry.key: entry for entry in entries}


def _write(journal: Journal, falls: bool = False) -> None:
    """Write the posted entries, the account's cached columns and the day's sums.

    `falls` says that these entries may raise the low-credit alert: a spend's and an adjustment's
    do, a reset's never.
    """
    journal.settle()
    alarmed = falls and journal.crosses_threshold
    journal.apply()
    account = journal.account
    LedgerEntry.objects.append(journal.entries)
    account.low_at = alerts.threshold(account.low_threshold, account.allocation)
    if alarmed:
        alerts.raise_alert(account, journal.entries[-1])
    account.save(update_fields=_CACHED)
    _add_usage(account.pk, journal.entries)
    if journal.entries:
        _announce(account.pk, account.version)


_CACHED = [
    "plan_balance", "package_balance", "version", "last_entry_at", "last_entry_day",
    "period_kind", "plan", "allocation", "anchor", "period_start", "period_end",
    "period_sequence", "due_at", "low_at", "low_mailed_period",
]  # fmt: skip


def _add_usage(account_id: int, entries: list[LedgerEntry]) -> None:
    sums: dict[tuple[Any, ...], list[int]] = {}
    for entry in entries:
        line = sums.setdefault((entry.day, entry.kind, entry.tool, entry.actor), [0, 0, 0])
        line[0] += 1
        line[1] += entry.plan_delta
        line[2] += entry.package_delta
    with connection.cursor() as cursor:
        for line_key, line in sums.items():
            cursor.execute(statements.ADD_USAGE, [account_id, *line_key, *line])


def _announce(account_id: int, version: int) -> None:
    transaction.on_commit(
        partial(balance_changed.send_robust, sender=None, account_id=account_id, version=version)
    )
