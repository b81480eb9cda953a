"""Credits that come: an account's trial, a plan's periods, packages.

Source: product document, "Credit Types".
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from credits import periods, sources
from credits.accounts import alerts
from credits.accounts.zones import usable_zone
from credits.arguments import check_decision, check_grant, check_instant, check_now, check_text
from credits.ledger import journal
from credits.ledger.journal import Journal
from credits.models import Account, LedgerEntry, Plan
from credits.periods import PlanBucket
from credits.refusals import StalePeriod, UnknownPlan

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
    with journal.open_transaction():
        account = Account.objects.create(
            name=name,
            opened_at=opened_at,
            time_zone=time_zone,
            low_at=alerts.threshold(None, 0),
        )
        if trial:
            book = Journal(account, opened_at)
            key = f"auto:trial:{opened_at.isoformat()}"
            book.open_period(periods.trial_bucket(opened_at), key)
            book.write()
    return account


def add_package(
    account_id: int, credits: int, key: str, now: datetime | None = None, reference: str = ""
) -> LedgerEntry:
    """Add a bought package to the package bucket; it never expires.

    `reference` is what paid for it, such as Shopify's id of the purchase.
    Source: product document, "Package Credits".
    """
    check_grant(credits)
    check_text("reference", reference, 200)

    with journal.once(account_id, key, now) as book:
        if (known := book.known) is not None:
            is_same = (known.kind, known.package_delta) == (Kind.PACKAGE, credits)
            is_same = is_same and sources.agree(known.key, known.reference, reference)
            return journal.repeated(known, same=is_same)
        entry = book.post(Kind.PACKAGE, 0, credits, key, reference=reference)
        book.write()
    return entry


def start_plan_period(
    account_id: int,
    plan: Plan | str,
    period_start: datetime,
    period_end: datetime,
    key: str,
    now: datetime | None = None,
    allocation: int | None = None,
    reference: str = "",
) -> LedgerEntry:
    """Grant a paid plan's credits for one billing period, as confirmed by whoever bills it.

    A new period lets what is left expire and grants the whole allocation. For a period end that
    has been granted before, only what the allocation exceeds the highest one so far is added;
    nothing exceeding, that period's latest grant is returned and nothing changes, also after its
    end. A call that changes nothing keeps no key. `allocation` defaults to the plan's credits; a
    subscription passes what it was sold with. `reference` is what pays for it, such as Shopify's
    id of the subscription.

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

    check_text("reference", reference, 200)
    with journal.once(account_id, key, now) as book:
        if (known := book.known) is not None:
            asked = (Kind.PLAN_GRANT, plan.handle, start, end)
            is_same = (known.kind, known.plan, known.period_start, known.period_end) == asked
            is_same = is_same and allocation in (None, known.allocation)
            is_same = is_same and sources.agree(known.key, known.reference, reference)
            return journal.repeated(known, same=is_same)
        # Under the lock, so that a known key is answered whatever the plan's credits are by now.
        credits = check_grant(plan.credits if allocation is None else allocation)
        running = book.bucket
        if running.kind == "paid" and running.end is not None and end < running.end:
            raise StalePeriod("The period is older than the one running")
        if end <= book.now and credits > _highest(book.granted_until(end)):
            raise StalePeriod("The period is over")
        bucket = PlanBucket(kind="paid", allocation=credits, start=start, end=end)
        return _grant_period(book, plan, bucket, key, reference=reference)


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

    with journal.once(account_id, key, now) as book:
        if (known := book.known) is not None:
            asked = (Kind.PLAN_GRANT, plan.handle, reference)
            is_same = (known.kind, known.plan, known.reference) == asked
            return journal.repeated(known, same=is_same)
        if anchor > book.now:
            raise ValueError("A staff plan is counted from an instant that has come")
        start, end = periods.month_period(anchor, book.now)
        allocation = check_grant(plan.credits)
        bucket = PlanBucket(
            kind="staff", allocation=allocation, anchor=anchor, start=start, end=end
        )
        return _grant_period(book, plan, bucket, key, note=reason, actor=actor, reference=reference)


def _grant_period(
    book: Journal, plan: Plan, bucket: PlanBucket, key: str, *, note: str = "", **fields: Any
) -> LedgerEntry:
    """Grant what this period end has not been granted yet; open the period if it is another one."""
    # A month of a staff plan that is due goes under that plan's name, before this one's.
    book.settle()
    granted = book.granted_until(bucket.end)
    latest, highest = granted[-1] if granted else None, _highest(granted)
    if latest is not None and bucket.allocation <= highest:
        if latest._state.adding:  # The very grant that was due: it is written now.
            book.write(note=note)
        return latest
    book.account.plan = plan
    if latest is None or book.bucket.end != bucket.end or not book.is_running:
        entry = book.open_period(bucket, key, granted=highest, **fields)
    else:
        entry = book.raise_allocation(bucket, key, granted=highest, **fields)
    book.write(note=note)
    return entry


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
