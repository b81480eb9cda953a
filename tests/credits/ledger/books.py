"""Merchants of the ledger's tests, and an audit that trusts nothing the ledger has cached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from credits import ledger, queries
from credits.ledger import fast_spend
from credits.models import Account, DailyUsage, LedgerEntry

OPENED = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CYCLE = 30 * DAY
END = OPENED + CYCLE  # Of the first paid period.
INSTANT = timedelta(microseconds=1)
# Who corrects a balance, and why: staff of the product.
STAFF = {"actor": "staff:7", "reason": "Our storage was away on Monday"}


def utc(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0
) -> datetime:
    """An instant by its figures."""
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def open_loom(now: datetime = OPENED, **options: str) -> Account:
    """Loom & Linen, a shop on the first day of its trial."""
    return ledger.open_account("Loom & Linen", now=now, **options)


def open_harbor(now: datetime = OPENED) -> Account:
    """Harbor Goods, a shop without trial or plan."""
    return ledger.open_account("Harbor Goods", trial=False, now=now)


def open_paper(now: datetime = OPENED, plan: str = "starter") -> Account:
    """Paper Moon, a shop whose subscription starts with its account."""
    account = ledger.open_account("Paper Moon", trial=False, now=now)
    ledger.start_plan_period(account.pk, plan, now, now + CYCLE, key="cycle-1", now=now)
    return account


@contextmanager
def by_general_rule() -> Iterator[None]:
    """Within it the one statement hands every spend over, however common."""
    with patch.object(fast_spend, "attempt", return_value=[]):
        yield


def spend_by_general_rule(
    account_id: int, items: Iterable[tuple[Any, ...]], now: datetime, actor: str = ""
) -> list[LedgerEntry]:
    """What the one statement hands over when a spend is not common, for any spend."""
    with by_general_rule():
        return ledger.spend_many(account_id, items, now=now, actor=actor)


def held(account: Account, now: datetime) -> tuple[int, int]:
    """Plan and package credits as a page shows them."""
    balance = queries.get_balance(account.pk, now=now)
    return balance.plan, balance.package


def written(account: Account) -> list[tuple[str, int, int]]:
    """The entries as (kind, plan part, package part), oldest first."""
    return list(
        LedgerEntry.objects.filter(account=account)
        .order_by("sequence")
        .values_list("kind", "plan_delta", "package_delta")
    )


def assert_in_step(account: Account) -> None:
    """Every figure of the account follows from its entries, counted one by one."""
    row = Account.objects.get(pk=account.pk)
    plan = package = 0
    last_at, sums = row.opened_at - 100 * 366 * DAY, Counter[tuple[object, ...]]()
    granted, highest = Counter[tuple[object, ...]](), Counter[tuple[object, ...]]()
    entries = list(LedgerEntry.objects.filter(account=account).order_by("sequence"))
    for expected_sequence, entry in enumerate(entries, start=1):
        plan, package = plan + entry.plan_delta, package + entry.package_delta
        assert entry.sequence == expected_sequence
        assert (entry.plan_after, entry.package_after) == (plan, package)
        assert plan >= 0
        assert package >= 0
        assert (entry.plan_delta, entry.package_delta) != (0, 0)
        assert last_at <= entry.created_at
        last_at = entry.created_at
        if entry.period_end is not None:
            # A staff plan's month grants itself, also where a subscription ended at that instant.
            period = (entry.kind, entry.period_end, entry.key.startswith("auto:"))
            granted[period] += entry.plan_delta
            highest[period] = max(highest[period], entry.allocation)
        line = (entry.day, entry.kind, entry.tool, entry.actor)
        sums[*line, "entries"] += 1
        sums[*line, "plan"] += entry.plan_delta
        sums[*line, "package"] += entry.package_delta
    assert all(granted[period] <= highest[period] for period in granted)
    assert (row.plan_balance, row.package_balance, row.version) == (plan, package, len(entries))
    for day in DailyUsage.objects.filter(account=account):
        line = (day.day, day.kind, day.tool, day.actor)
        assert sums.pop((*line, "entries")) == day.entries
        assert sums.pop((*line, "plan")) == day.plan_delta
        assert sums.pop((*line, "package")) == day.package_delta
    assert not sums
