"""Does the ledger add up? Recomputes from the entries, reports, never repairs.

It goes through the accounts in ranges of bounded size, so that no statement reads the whole ledger
and no task outlasts the broker's patience: a pass is a row that knows how far it has come.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import datetime

from django.db import connection
from django.db.models import F

from credits import periods
from credits.models import Account, LedgerPass

logger = logging.getLogger(__name__)

ACCOUNTS_AT_ONCE = 1_000
ENTRIES_AT_ONCE = 200_000
# A task works so long, then a message sends the next one on.
SECONDS_AT_ONCE = 120.0
# A pass that has not moved for so long has lost its message.
SILENT_FOR = periods.CHECK_SILENT_FOR
PASSES_KEPT = periods.CHECKS_KEPT

# Each query yields the accounts of one range that are out of step. The names in braces are the
# range's own rows.
_ROWS = {
    "accounts": "(SELECT * FROM credits_account WHERE id > %(after)s AND id <= %(last)s)",
    "entries": "(SELECT * FROM credits_ledgerentry"
    " WHERE account_id > %(after)s AND account_id <= %(last)s)",
    "days": "(SELECT * FROM credits_dailyusage"
    " WHERE account_id > %(after)s AND account_id <= %(last)s)",
}
_CHECKS = {
    "cached balances are not the sums of the entries": """
        SELECT a.id FROM {accounts} a
        LEFT JOIN (
          SELECT account_id, sum(plan_delta) AS plan, sum(package_delta) AS package
          FROM {entries} entry GROUP BY account_id
        ) s ON s.account_id = a.id
        WHERE a.plan_balance <> coalesce(s.plan, 0) OR a.package_balance <> coalesce(s.package, 0)
    """,
    "the sequence has holes or does not end at the account's version": """
        SELECT a.id FROM {accounts} a
        LEFT JOIN (
          SELECT account_id, count(*) AS entries, min(sequence) AS first, max(sequence) AS last
          FROM {entries} entry GROUP BY account_id
        ) s ON s.account_id = a.id
        WHERE a.version <> coalesce(s.last, 0)
           OR coalesce(s.entries, 0) <> coalesce(s.last, 0) OR coalesce(s.first, 1) <> 1
    """,
    "an entry's balance is not the one before plus its change": """
        SELECT DISTINCT account_id FROM (
          SELECT account_id, plan_after, package_after, plan_delta, package_delta,
                 coalesce(lag(plan_after) OVER chain, 0) AS plan_before,
                 coalesce(lag(package_after) OVER chain, 0) AS package_before
          FROM {entries} entry WINDOW chain AS (PARTITION BY account_id ORDER BY sequence)
        ) e
        WHERE plan_after <> plan_before + plan_delta
           OR package_after <> package_before + package_delta
    """,
    "an entry is earlier than the one before": """
        SELECT DISTINCT account_id FROM (
          SELECT account_id, created_at, lag(created_at) OVER chain AS created_before
          FROM {entries} entry WINDOW chain AS (PARTITION BY account_id ORDER BY sequence)
        ) e
        WHERE created_at < created_before
    """,
    "the last entry's time is not the account's": """
        SELECT a.id FROM {accounts} a
        JOIN {entries} e ON e.account_id = a.id AND e.sequence = a.version
        WHERE a.last_entry_at IS DISTINCT FROM e.created_at
           OR a.last_entry_day IS DISTINCT FROM e.day
    """,
    "a billing period was granted more than its highest allocation": """
        SELECT DISTINCT account_id FROM (
          SELECT account_id, period_end, sum(plan_delta) AS granted, max(allocation) AS highest
          FROM {entries} entry WHERE kind IN ('plan_grant', 'trial_grant')
          GROUP BY account_id, kind, period_end, key LIKE 'auto:%%'
        ) g WHERE granted > highest
    """,
    "plan credits are held in no period, or its end is not the one to be booked": """
        SELECT id FROM {accounts} account
        WHERE (plan_balance > 0 AND due_at IS NULL) OR due_at <> period_end
    """,
    "a restoration is not what its spend took": """
        SELECT DISTINCT r.account_id
        FROM {entries} r JOIN credits_ledgerentry s ON s.id = r.restores_id
        WHERE s.kind <> 'spend' OR s.account_id <> r.account_id
           OR r.plan_delta + r.lapsed <> -s.plan_delta OR r.package_delta <> -s.package_delta
    """,
    "a trial was granted more than seven days": """
        SELECT account_id FROM {entries} entry WHERE kind = 'trial_grant'
        GROUP BY account_id HAVING count(*) > 7
    """,
    "the daily sums are not those of the entries": """
        SELECT DISTINCT coalesce(e.account_id, d.account_id) FROM (
          SELECT account_id, day, kind, tool, actor, count(*) AS entries,
                 sum(plan_delta) AS plan, sum(package_delta) AS package
          FROM {entries} entry GROUP BY account_id, day, kind, tool, actor
        ) e FULL JOIN {days} d
          ON d.account_id = e.account_id AND d.day = e.day AND d.kind = e.kind
         AND d.tool = e.tool AND d.actor = e.actor
        WHERE coalesce(e.entries, 0) <> coalesce(d.entries, 0)
           OR coalesce(e.plan, 0) <> coalesce(d.plan_delta, 0)
           OR coalesce(e.package, 0) <> coalesce(d.package_delta, 0)
    """,
}


def problems() -> Iterator[str]:
    """One line per account and check that does not hold; nothing when the ledger is in step."""
    for after, last, _entries in ranges():
        yield from problems_between(after, last)


def ranges(after: int = 0) -> Iterator[tuple[int, int, int]]:
    """(after, last, entries): all accounts above `after`, in ranges of ids that are read at once."""
    while True:
        accounts = Account.objects.filter(pk__gt=after).order_by("pk")
        sizes = list(accounts.values_list("pk", "version")[:ACCOUNTS_AT_ONCE])
        if not sizes:
            return
        last = entries = 0
        for last, version in sizes:  # noqa: B007 - the last one counts.
            entries += version
            if entries >= ENTRIES_AT_ONCE:
                break
        yield after, last, entries
        after = last


def problems_between(after: int, last: int) -> list[str]:
    """The problems of the accounts with ids above `after`, up to and with `last`."""
    found = []
    with connection.cursor() as cursor:
        for problem, query in _CHECKS.items():
            cursor.execute(query.format(**_ROWS), {"after": after, "last": last})
            found += [f"account {account_id}: {problem}" for (account_id,) in cursor.fetchall()]
    return found


# --- The nightly pass ----------------------------------------------------------------------------


def go_on(now: datetime) -> bool:
    """Work on the unfinished pass, or begin one; True when there is more to do.

    What is out of step is logged as an error. Of two workers at one range the slower one stops.
    """
    unfinished = LedgerPass.objects.filter(finished_at=None).order_by("pk").first()
    begun = unfinished or LedgerPass.objects.create(started_at=now, moved_at=now)
    until = time.monotonic() + SECONDS_AT_ONCE
    for after, last, entries in ranges(begun.checked_to):
        found = problems_between(after, last)
        moved = LedgerPass.objects.filter(pk=begun.pk, checked_to=after, finished_at=None).update(
            checked_to=last,
            entries=F("entries") + entries,
            found=F("found") + len(found),
            moved_at=now,
        )
        if not moved:
            return False
        for problem in found:
            logger.error("Ledger out of step: %s", problem)
        if time.monotonic() > until:
            logger.info("The ledger is checked up to account %s", last)
            return True
    LedgerPass.objects.filter(pk=begun.pk, finished_at=None).update(finished_at=now, moved_at=now)
    LedgerPass.objects.filter(finished_at__lt=now - PASSES_KEPT).delete()
    return False


def is_left_lying(now: datetime) -> bool:
    """Whether a pass is unfinished and nobody has moved it for a while."""
    unfinished = LedgerPass.objects.filter(finished_at=None)
    return unfinished.filter(moved_at__lt=now - SILENT_FOR).exists()
