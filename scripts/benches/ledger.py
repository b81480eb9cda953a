"""How fast credits are taken: `ledger.spend` against the usual ways, in one run.

Run by `scripts/bench ledger`. PostgreSQL on this machine, durable; clients are processes. Rounds
of all contenders follow each other closely, so that other work on the machine weighs on all alike:
a ratio is that of one round, and each figure is the median of its rounds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from statistics import median
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from credits.signals import balance_changed
from scripts.measuring.clients import Measured, measure
from scripts.measuring.contenders import (
    BarePsycopg,
    Contender,
    Hordak,
    NaiveDjango,
    OurBatches,
    OurLedger,
)
from scripts.measuring.database import benchmark_database
from scripts.servers.valkey import PrivateValkey

SPREAD = 1_000
CLIENTS = (1, 4, 16)
SECONDS = float(os.environ.get("BENCH_SECONDS", "0.6"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))

Column = tuple[str, int]
COLUMNS: list[Column] = [(where, clients) for where in ("spread", "one") for clients in CLIENTS]
Results = dict[str, dict[Column, list[Measured]]]  # One measurement for each round.


def run_all(contenders: list[Contender]) -> Results:
    """Every contender in every column, round after round."""
    accounts = {
        contender.name: {
            "spread": contender.open_accounts(SPREAD),
            "one": contender.open_accounts(1),
        }
        for contender in contenders
    }
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT pg_stat_reset()")
    found: Results = {
        contender.name: {column: [] for column in COLUMNS} for contender in contenders
    }
    for _ in range(ROUNDS):
        for where, clients in COLUMNS:
            for contender in contenders:
                ids = accounts[contender.name][where]
                found[contender.name][where, clients].append(
                    measure(client_of(contender, ids), clients, SECONDS, contender.weight)
                )
    return found


def client_of(contender: Contender, accounts: list[int]) -> Callable[[int], Callable[[int], None]]:
    """What each client process opens."""
    return lambda number: contender.client(accounts, number)


def print_rates(results: Results) -> None:
    """Spends per second and, in brackets, the p99 of one call in milliseconds."""
    print("| spends per second (p99 ms) | " + " | ".join(map(heading, COLUMNS)) + " |")
    print("|---|" + "---|" * len(COLUMNS))
    for name, columns in results.items():
        rounds = [columns[column] for column in COLUMNS]
        cells = [
            f"{median(run.rate for run in runs):,.0f} ({median(run.p99 for run in runs):.1f})"
            for runs in rounds
        ]
        print(f"| {name} | " + " | ".join(cells) + " |")


def heading(column: Column) -> str:
    """A column's name in the tables."""
    where, clients = column
    place = f"{SPREAD:,} accounts" if where == "spread" else "one account"
    return f"{place}, {clients} client{'s' if clients > 1 else ''}"


def print_ratios(results: Results) -> None:
    """How many times as fast, and whether that reaches what is asked."""
    rows: list[tuple[type[Contender], type[Contender], float, list[Column]]] = [
        (OurLedger, NaiveDjango, 1.5, COLUMNS),
        (OurLedger, BarePsycopg, 0.4, COLUMNS),
        (OurLedger, BarePsycopg, 0.9, [("spread", 4)]),
        (OurLedger, Hordak, 2.0, [column for column in COLUMNS if column[0] == "spread"]),
        (OurBatches, OurLedger, 6.0, COLUMNS),
    ]
    print("\n| ratio | asked | " + " | ".join(map(heading, COLUMNS)) + " |")
    print("|---|---|" + "---|" * len(COLUMNS))
    for ours, theirs, asked, binding in rows:
        cells = []
        for column in COLUMNS:
            pairs = zip(results[ours.name][column], results[theirs.name][column], strict=True)
            ratio = median(our.rate / their.rate for our, their in pairs)
            missed = column in binding and ratio < asked
            cells.append(f"{ratio:.2f}{' MISSED' if missed else ''}")
        print(f"| {ours.name} / {theirs.name} | ≥ {asked} | " + " | ".join(cells) + " |")


def print_processor_time(listeners: list[Any]) -> None:
    """What one spend takes of the caller's processor, silent and with open pages told of it."""
    accounts, silent = OurLedger().open_accounts(SPREAD), balance_changed.receivers
    times: dict[str, list[float]] = {"telling nobody": [], "telling open pages": []}
    broker = PrivateValkey()
    broker.start()
    settings.REDIS_URL = broker.url()
    for _ in range(ROUNDS):
        for told, receivers in zip(times, (silent, listeners), strict=True):
            balance_changed.receivers = receivers
            run = measure(client_of(OurLedger(), accounts), 1, SECONDS)
            times[told].append(run.processor)
    broker.stop()
    balance_changed.receivers = silent
    print("\nPython's processor time of one spend, one client:")
    for told, found in times.items():
        print(f"  {told}: {median(found):.3f} ms")


def print_updates_in_place() -> None:
    """How many updates PostgreSQL did without touching an index (HOT)."""
    print("\nUpdates in place:")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT relname, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables"
            " WHERE relname IN ('credits_account', 'credits_dailyusage') ORDER BY relname"
        )
        for table, updated, in_place in cursor.fetchall():
            print(f"  {table}: {in_place / max(1, updated):.1%} of {updated:,}")


def main() -> None:
    """Measure, print the tables, and check that nothing was lost on the way."""
    with benchmark_database(extra_apps=["mptt", "hordak"]) as url:
        # Open pages hear of each spend after its commit; none of the others tells anybody.
        listeners, balance_changed.receivers = balance_changed.receivers, []
        contenders = [OurLedger(), OurBatches(), NaiveDjango(), BarePsycopg(url), Hordak()]
        results = run_all(contenders)
        print_rates(results)
        print_ratios(results)
        print_processor_time(listeners)
        print_updates_in_place()
        print()
        call_command("check_ledger")


if __name__ == "__main__":
    main()
