"""Does the ledger add up? Recomputes from the entries, reports, never repairs."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

# Each query yields (account id, what is wrong) for the accounts that are out of step.
_CHECKS = {
    "cached balances are not the sums of the entries": """
        SELECT a.id FROM credits_account a
        LEFT JOIN (
          SELECT account_id, sum(plan_delta) AS plan, sum(package_delta) AS package
          FROM credits_ledgerentry GROUP BY account_id
        ) s ON s.account_id = a.id
        WHERE a.plan_balance <> coalesce(s.plan, 0) OR a.package_balance <> coalesce(s.package, 0)
    """,
    "the sequence has holes or does not end at the account's version": """
        SELECT a.id FROM credits_account a
        LEFT JOIN (
          SELECT account_id, count(*) AS entries, min(sequence) AS first, max(sequence) AS last
          FROM credits_ledgerentry GROUP BY account_id
        ) s ON s.account_id = a.id
        WHERE a.version <> coalesce(s.last, 0)
           OR coalesce(s.entries, 0) <> coalesce(s.last, 0) OR coalesce(s.first, 1) <> 1
    """,
    "an entry's balance is not the one before plus its change": """
        SELECT DISTINCT account_id FROM (
          SELECT account_id, plan_after, package_after, plan_delta, package_delta,
                 coalesce(lag(plan_after) OVER chain, 0) AS plan_before,
                 coalesce(lag(package_after) OVER chain, 0) AS package_before
          FROM credits_ledgerentry WINDOW chain AS (PARTITION BY account_id ORDER BY sequence)
        ) e
        WHERE plan_after <> plan_before + plan_delta
           OR package_after <> package_before + package_delta
    """,
    "an entry is earlier than the one before": """
        SELECT DISTINCT account_id FROM (
          SELECT account_id, created_at, lag(created_at) OVER chain AS created_before
          FROM credits_ledgerentry WINDOW chain AS (PARTITION BY account_id ORDER BY sequence)
        ) e
        WHERE created_at < created_before
    """,
    "the last entry's time is not the account's": """
        SELECT a.id FROM credits_account a
        JOIN credits_ledgerentry e ON e.account_id = a.id AND e.sequence = a.version
        WHERE a.last_entry_at IS DISTINCT FROM e.created_at
           OR a.last_entry_day IS DISTINCT FROM e.day
    """,
    "a billing period was granted more than its highest allocation": """
        SELECT DISTINCT account_id FROM (
          SELECT account_id, period_end, sum(plan_delta) AS granted, max(allocation) AS highest
          FROM credits_ledgerentry WHERE kind IN ('plan_grant', 'trial_grant')
          GROUP BY account_id, kind, period_end, key LIKE 'auto:%'
        ) g WHERE granted > highest
    """,
    "plan credits are held in no period, or its end is not the one to be booked": """
        SELECT id FROM credits_account
        WHERE (plan_balance > 0 AND due_at IS NULL) OR due_at <> period_end
    """,
    "a restoration is not what its spend took": """
        SELECT DISTINCT r.account_id
        FROM credits_ledgerentry r JOIN credits_ledgerentry s ON s.id = r.restores_id
        WHERE s.kind <> 'spend' OR s.account_id <> r.account_id
           OR r.plan_delta + r.lapsed <> -s.plan_delta OR r.package_delta <> -s.package_delta
    """,
    "a trial was granted more than seven days": """
        SELECT account_id FROM credits_ledgerentry WHERE kind = 'trial_grant'
        GROUP BY account_id HAVING count(*) > 7
    """,
    "the daily sums are not those of the entries": """
        SELECT DISTINCT coalesce(e.account_id, d.account_id) FROM (
          SELECT account_id, day, kind, tool, actor, count(*) AS entries,
                 sum(plan_delta) AS plan, sum(package_delta) AS package
          FROM credits_ledgerentry GROUP BY account_id, day, kind, tool, actor
        ) e FULL JOIN credits_dailyusage d
          ON d.account_id = e.account_id AND d.day = e.day AND d.kind = e.kind
         AND d.tool = e.tool AND d.actor = e.actor
        WHERE coalesce(e.entries, 0) <> coalesce(d.entries, 0)
           OR coalesce(e.plan, 0) <> coalesce(d.plan_delta, 0)
           OR coalesce(e.package, 0) <> coalesce(d.package_delta, 0)
    """,
}


def problems() -> Iterator[str]:
    """One line per account and check that does not hold; nothing when the ledger is in step."""
    with connection.cursor() as cursor:
        for problem, query in _CHECKS.items():
            cursor.execute(query)
            for (account_id,) in cursor.fetchall():
                yield f"account {account_id}: {problem}"
