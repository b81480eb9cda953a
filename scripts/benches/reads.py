"""How fast the ledger's pages are read at 1,000,000 and at 5,000,000 entries.

Run by `scripts/bench reads`. Entries of a year are generated with COPY, by the tables' owner with
the triggers off; one account holds 200,000 of them, every other 1,000. Measured is the time that
the database itself spends on a page, planning and executing all its statements.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from statistics import median
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connection

from scripts.measuring.database import benchmark_database

SIZES = (1_000_000, 5_000_000)
HEAVY, ORDINARY = 200_000, 1_000
LIMIT_MS, FLAT = 5.0, 2.0
REPEATS = 15
YEAR_START = datetime(2025, 11, 1, tzinfo=UTC)
MONTH, DAY = (2026, 9), date(2026, 9, 15)
INSTANT = datetime(2026, 9, 15, 12, tzinfo=UTC)

# Accounts from one number to another; each opens empty and gets its balance after its entries.
ACCOUNTS = """
SELECT id, '', 'Europe/Berlin', false, '{start}'::timestamptz, 0, 0, 0, 'none', 0, 0, 50
FROM generate_series({first}, {last}) AS id
"""
ACCOUNT_COLUMNS = (
    "id, name, time_zone, time_zone_chosen, opened_at, plan_balance, package_balance, version, period_kind,"
    " allocation, period_sequence, low_at"
)
# The first entry is a package; every other takes 20 of it, evenly over the year.
ENTRIES = """
SELECT account, n, CASE n WHEN 1 THEN 'package' ELSE 'spend' END,
       0, CASE n WHEN 1 THEN 900000000 ELSE -20 END, 0, 900000000 - 20 * (n - 1),
       'run:' || n, CASE n WHEN 1 THEN '' ELSE (ARRAY['background-removal', 'image-enhance',
       'ai-shadowing', 'description-generator', 'product-placement'])[1 + n % 5] END,
       'generation:' || n, CASE n WHEN 1 THEN '' ELSE 'user:' || n % 3 END, '', 0, 0,
       (at AT TIME ZONE 'Europe/Berlin')::date, at, at
FROM generate_series({first}, {last}) AS account, generate_series(1, {entries}) AS n,
     LATERAL (SELECT '{start}'::timestamptz + n * interval '365 days' / {entries} AS at) AS time
"""
ENTRY_COLUMNS = (
    "account_id, sequence, kind, plan_delta, package_delta, plan_after, package_after, key, tool,"
    " reference, actor, plan, allocation, lapsed, day, created_at, recorded_at"
)
BALANCES = """
UPDATE credits_account AS a SET version = e.sequence, package_balance = e.package_after,
  last_entry_at = e.created_at, last_entry_day = e.day
FROM credits_ledgerentry AS e
WHERE e.account_id = a.id AND e.sequence = {entries} AND a.id BETWEEN {first} AND {last}
"""
SUMS = """
INSERT INTO credits_dailyusage
  (account_id, day, kind, tool, actor, entries, plan_delta, package_delta)
SELECT account_id, day, kind, tool, actor, count(*), sum(plan_delta), sum(package_delta)
FROM credits_ledgerentry WHERE account_id BETWEEN {first} AND {last}
GROUP BY account_id, day, kind, tool, actor
"""


@dataclass(frozen=True, slots=True)
class Read:
    """Statements of one page, and the milliseconds that the database took for them."""

    statements: int
    ms: float


def fill(url: str, first: int, last: int, entries: int) -> None:
    """Give the accounts from `first` to `last` this many entries each."""
    from credits.ledger import triggers  # noqa: PLC0415  Django has to be set up first.

    span = {"first": first, "last": last, "entries": entries, "start": YEAR_START.isoformat()}
    triggers.remove(connection)
    copy(url, ACCOUNTS.format(**span), f"credits_account ({ACCOUNT_COLUMNS})")
    copy(url, ENTRIES.format(**span), f"credits_ledgerentry ({ENTRY_COLUMNS})")
    with connection.cursor() as cursor:
        cursor.execute(BALANCES.format(**span))
        cursor.execute(SUMS.format(**span))
    triggers.install(connection)


def copy(url: str, query: str, target: str) -> None:
    """Copy a query's rows into a table, through two connections."""
    with (
        psycopg.connect(url) as source,
        psycopg.connect(url) as destination,
        source.cursor().copy(f"COPY ({query}) TO STDOUT") as rows,
        destination.cursor().copy(f"COPY {target} FROM STDIN") as table,
    ):
        for block in rows:
            table.write(block)


def pages(account_id: int, entries: int) -> dict[str, Callable[[], object]]:
    """Every page of an account that reads the ledger."""
    from credits import queries  # noqa: PLC0415  Django has to be set up first.
    from credits.reports import history, usage  # noqa: PLC0415  Django has to be set up first.

    def month() -> object:
        report = usage.read_month(account_id, *MONTH)
        return report.plan, report.package, report.days, report.tools, report.people

    return {
        "balance": lambda: queries.get_balance(account_id, now=INSTANT),
        "newest history page": lambda: history.read_page(account_id),
        "deep history page": lambda: history.read_page(account_id, before_sequence=entries // 20),
        "month summary": month,
        "day view": lambda: usage.read_days(account_id, DAY, DAY.replace(day=DAY.day + 1)).days,
        "balance at an instant": lambda: queries.balance_at(account_id, INSTANT),
    }


def read(page: Callable[[], object]) -> Read:
    """The median of several readings of all statements of a page, after one that warms up."""
    statements: list[tuple[str, Any]] = []

    def note(execute: Callable[..., Any], sql: str, parameters: Any, *rest: Any) -> Any:
        statements.append((sql, parameters))
        return execute(sql, parameters, *rest)

    with connection.execute_wrapper(note):
        page()
    readings = [sum(database_time(*one) for one in statements) for _ in range(REPEATS + 1)]
    return Read(len(statements), median(readings[1:]))


def database_time(sql: str, parameters: Any) -> float:
    """Milliseconds that PostgreSQL plans and executes a statement for, by its own clock."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", parameters)
        (plan,) = cursor.fetchone()[0]
    return float(plan["Planning Time"] + plan["Execution Time"])


def read_all(accounts: dict[str, tuple[int, int]]) -> dict[tuple[str, str], Read]:
    """Each page of each account."""
    return {
        (page, account): read(call)
        for account, (account_id, entries) in accounts.items()
        for page, call in pages(account_id, entries).items()
    }


def print_table(found: dict[int, dict[tuple[str, str], Read]]) -> None:
    """Milliseconds at both sizes, and whether they stay flat and within the limit."""
    small, large = SIZES
    print(f"\n| page (ms in the database) | account | statements | {small:,} | {large:,} | ratio |")
    print("|---|---|---|---|---|---|")
    for (page, account), before in found[small].items():
        after = found[large][page, account]
        ratio = after.ms / before.ms
        missed = " SLOW" if after.ms > LIMIT_MS else " NOT FLAT" if ratio > FLAT else ""
        print(
            f"| {page} | {account} | {after.statements} | {before.ms:.2f} | {after.ms:.2f} "
            f"| {ratio:.2f}{missed} |"
        )


def main() -> None:
    """Fill up to each size, read every page, print the table, check the books."""
    accounts = {"ordinary, 1,000 entries": (2, ORDINARY), "heavy, 200,000 entries": (1, HEAVY)}
    found: dict[int, dict[tuple[str, str], Read]] = {}
    with benchmark_database() as url:
        fill(url, 1, 1, HEAVY)
        filled, written = 1, HEAVY
        for size in SIZES:
            began, more = time.perf_counter(), (size - written) // ORDINARY
            fill(url, filled + 1, filled + more, ORDINARY)
            filled, written = filled + more, size
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")
            print(f"{size:,} entries after {time.perf_counter() - began:.0f} s", flush=True)
            found[size] = read_all(accounts)
        print_table(found)
        print()
        call_command("check_ledger")


if __name__ == "__main__":
    main()
