"""SQL of the ledger's hot path, run by `posting` and `spending` alone."""

from __future__ import annotations

from typing import Any

from django.db import connections

# Adds entries to the day's sums; the same words on PostgreSQL and SQLite.
ADD_USAGE = """
INSERT INTO credits_dailyusage
  (account_id, day, kind, tool, actor, entries, plan_delta, package_delta)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (account_id, day, kind, tool, actor) DO UPDATE SET
  entries = credits_dailyusage.entries + excluded.entries,
  plan_delta = credits_dailyusage.plan_delta + excluded.plan_delta,
  package_delta = credits_dailyusage.package_delta + excluded.package_delta
"""

# Spends in the common case: nothing is due, the credits suffice, no threshold is crossed, no key
# is known. In every other case it writes nothing and returns no row, and the general rule in
# Python decides. It is a function of PostgreSQL because Django sends every statement as text:
# this one would be parsed and planned anew for each spend, and that costs more than running it.
_COMMON_SPEND = """
CREATE OR REPLACE FUNCTION credits_common_spend(
  for_account bigint, amounts bigint[], keys text[], tools text[], asked_references text[],
  by_actor text, now_is timestamptz, clock timestamptz
) RETURNS SETOF credits_ledgerentry LANGUAGE plpgsql AS $$
DECLARE
  held credits_account;
  total bigint;
  needed bigint;
  at timestamptz;
  today date;
BEGIN
  SELECT * INTO held FROM credits_account WHERE id = for_account FOR UPDATE;
  SELECT sum(amount) INTO needed FROM unnest(amounts) AS amount;
  total := held.plan_balance + held.package_balance;
  at := greatest(now_is, held.last_entry_at);
  IF held.id IS NULL OR held.due_at <= at OR total < needed
     OR (total > held.low_at AND total - needed <= held.low_at) THEN
    RETURN;
  END IF;
  -- One step in the index of keys for each. Asked for by equality, the planner may take any index
  -- that begins with the account and read all of a big account.
  PERFORM 1 FROM unnest(keys) AS asked (key), LATERAL (
    SELECT account_id, key FROM credits_ledgerentry AS entry
    WHERE (entry.account_id, entry.key) >= (for_account, asked.key)
    ORDER BY entry.account_id, entry.key LIMIT 1
  ) AS known
  WHERE known.account_id = for_account AND known.key = asked.key;
  IF FOUND THEN
    RETURN;
  END IF;

  today := greatest((at AT TIME ZONE held.time_zone)::date, held.last_entry_day);
  RETURN QUERY
  WITH item AS (
    SELECT number, key, tool, reference,
           greatest(held.plan_balance - used + amount, 0) AS plan_before,
           greatest(held.plan_balance - used, 0) AS plan_after,
           held.package_balance - greatest(used - amount - held.plan_balance, 0) AS package_before,
           held.package_balance - greatest(used - held.plan_balance, 0) AS package_after
    FROM (
      SELECT *, sum(amount) OVER (ORDER BY number) AS used
      FROM unnest(amounts, keys, tools, asked_references)
        WITH ORDINALITY AS asked (amount, key, tool, reference, number)
    ) AS running
  ), written AS (
    INSERT INTO credits_ledgerentry
      (account_id, sequence, kind, plan_delta, package_delta, plan_after, package_after,
       key, tool, reference, actor, plan, allocation, lapsed, day, created_at, recorded_at)
    SELECT for_account, held.version + number, 'spend',
           plan_after - plan_before, package_after - package_before, plan_after, package_after,
           key, tool, reference, by_actor, '', 0, 0, today, at, clock
    FROM item ORDER BY number
    RETURNING *
  ), summed AS (
    INSERT INTO credits_dailyusage AS sums
      (account_id, day, kind, tool, actor, entries, plan_delta, package_delta)
    SELECT for_account, today, 'spend', tool, by_actor,
           count(*), sum(plan_delta), sum(package_delta)
    FROM written GROUP BY tool
    ON CONFLICT (account_id, day, kind, tool, actor) DO UPDATE SET
      entries = sums.entries + excluded.entries,
      plan_delta = sums.plan_delta + excluded.plan_delta,
      package_delta = sums.package_delta + excluded.package_delta
  )
  SELECT * FROM written ORDER BY sequence;

  UPDATE credits_account SET
    plan_balance = greatest(held.plan_balance - needed, 0),
    package_balance = held.package_balance - greatest(needed - held.plan_balance, 0),
    version = held.version + cardinality(amounts), last_entry_at = at, last_entry_day = today
  WHERE id = for_account;
END $$;
"""

CALL_COMMON_SPEND = """
SELECT {columns} FROM credits_common_spend(
  %s, %s::bigint[], %s::text[], %s::text[], %s::text[], %s, %s::timestamptz, %s::timestamptz
)
"""


def install(using: str, **_kwargs: Any) -> None:
    """Create the function, after every migrate that leaves the ledger's tables in place."""
    connection = connections[using]
    tables = {"credits_ledgerentry", "credits_account", "credits_dailyusage"}
    if connection.vendor == "postgresql" and tables <= set(connection.introspection.table_names()):
        with connection.cursor() as cursor:
            cursor.execute(_COMMON_SPEND)
