"""SQL of the ledger's hot path; `ledger` alone runs it."""

from __future__ import annotations

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

# `ledger.spend` in one statement for the common case: nothing is due, the credits suffice, no
# threshold is crossed, the key is new. In every other case it writes nothing and returns no row,
# and the general rule in Python decides. FOR UPDATE returns the row's newest version after
# waiting for its lock; a key that was used meanwhile is caught by ON CONFLICT DO NOTHING.
COMMON_SPEND = """
WITH account AS MATERIALIZED (
  SELECT id, plan_balance, package_balance, version, time_zone, last_entry_day,
         greatest(%(now)s::timestamptz, last_entry_at) AS at,
         least(plan_balance, %(amount)s::bigint) AS plan_part
  FROM credits_account
  WHERE id = %(account_id)s
    AND (due_at IS NULL OR due_at > greatest(%(now)s::timestamptz, last_entry_at))
    AND plan_balance + package_balance >= %(amount)s
    AND NOT (plan_balance + package_balance > low_at
             AND plan_balance + package_balance - %(amount)s <= low_at)
  FOR UPDATE
), entry AS (
  INSERT INTO credits_ledgerentry
    (account_id, sequence, kind, plan_delta, package_delta, plan_after, package_after,
     key, tool, reference, actor, plan, allocation, lapsed, day, created_at, recorded_at)
  SELECT id, version + 1, 'spend', -plan_part, plan_part - %(amount)s,
         plan_balance - plan_part, package_balance - (%(amount)s - plan_part),
         %(key)s, %(tool)s, %(reference)s, %(actor)s, '', 0, 0,
         greatest((at AT TIME ZONE time_zone)::date, last_entry_day), at, %(recorded_at)s
  FROM account
  ON CONFLICT (account_id, key) DO NOTHING
  RETURNING id, account_id, sequence, plan_delta, package_delta, plan_after, package_after,
            day, created_at
), booked AS (
  UPDATE credits_account SET
    plan_balance = entry.plan_after, package_balance = entry.package_after,
    version = entry.sequence, last_entry_at = entry.created_at, last_entry_day = entry.day
  FROM entry WHERE credits_account.id = entry.account_id
), summed AS (
  INSERT INTO credits_dailyusage
    (account_id, day, kind, tool, actor, entries, plan_delta, package_delta)
  SELECT account_id, day, 'spend', %(tool)s, %(actor)s, 1, plan_delta, package_delta FROM entry
  ON CONFLICT (account_id, day, kind, tool, actor) DO UPDATE SET
    entries = credits_dailyusage.entries + 1,
    plan_delta = credits_dailyusage.plan_delta + excluded.plan_delta,
    package_delta = credits_dailyusage.package_delta + excluded.package_delta
)
SELECT id, sequence, plan_delta, package_delta, plan_after, package_after, day, created_at
FROM entry
"""
COMMON_SPEND_RETURNS = (
    "id", "sequence", "plan_delta", "package_delta", "plan_after", "package_after", "day",
    "created_at",
)  # fmt: skip
