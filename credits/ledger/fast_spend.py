"""The deduction of `spending` in one statement, for the common case."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone
from psycopg import Cursor

from credits.arguments import MAX_CREDITS
from credits.ledger.journal import announce
from credits.models import LedgerEntry

# A spend in the common case: nothing is due, the credits suffice and are not used up, no threshold is
# crossed, no key is known. In every other case these write nothing and return no row, and the general rule in Python
# decides. They are functions of PostgreSQL because Django sends every statement as text: one of this
# size would be parsed and planned anew for each spend, and that costs more than running it. A single
# item has a function of its own, which needs neither arrays nor running sums.
_IS_COMMON = """
  SELECT * INTO held FROM credits_account WHERE id = for_account FOR UPDATE;
  total := held.plan_balance + held.package_balance;
  at := greatest(now_is, held.last_entry_at);
  IF held.id IS NULL OR held.due_at <= at OR total <= needed
     OR (total > held.low_at AND total - needed <= held.low_at) THEN
    RETURN;
  END IF;
  today := greatest((at AT TIME ZONE held.time_zone)::date, held.last_entry_day);
"""

# One step in the index of keys. Asked for by equality, the planner may take any index that begins
# with the account and read all of a big account.
_KEY_IS_NEW = """
  SELECT entry.account_id, entry.key INTO next.account_id, next.key
  FROM credits_ledgerentry AS entry WHERE (entry.account_id, entry.key) >= (for_account, asked_key)
  ORDER BY entry.account_id, entry.key LIMIT 1;
  IF next.account_id = for_account AND next.key = asked_key THEN
    RETURN;
  END IF;
"""

_COMMON_SPEND = f"""
CREATE OR REPLACE FUNCTION credits_common_spend(
  for_account bigint, needed bigint, asked_key text, asked_tool text, asked_reference text,
  by_actor text, now_is timestamptz, clock timestamptz
) RETURNS SETOF credits_ledgerentry LANGUAGE plpgsql AS $$
DECLARE
  held credits_account;
  next credits_ledgerentry;
  total bigint;
  from_plan bigint;
  from_package bigint;
  at timestamptz;
  today date;
BEGIN
  {_IS_COMMON}
  {_KEY_IS_NEW}
  from_plan := least(needed, held.plan_balance);
  from_package := needed - from_plan;
  RETURN QUERY
  INSERT INTO credits_ledgerentry
    (account_id, sequence, kind, plan_delta, package_delta, plan_after, package_after,
     key, tool, reference, actor, plan, allocation, lapsed, day, created_at, recorded_at)
  VALUES
    (for_account, held.version + 1, 'spend', -from_plan, -from_package,
     held.plan_balance - from_plan, held.package_balance - from_package,
     asked_key, asked_tool, asked_reference, by_actor, '', 0, 0, today, at, clock)
  RETURNING *;
  UPDATE credits_dailyusage SET
    entries = entries + 1, plan_delta = plan_delta - from_plan,
    package_delta = package_delta - from_package
  WHERE account_id = for_account AND day = today AND kind = 'spend' AND tool = asked_tool
    AND actor = by_actor;
  IF NOT FOUND THEN
    INSERT INTO credits_dailyusage
      (account_id, day, kind, tool, actor, entries, plan_delta, package_delta)
    VALUES (for_account, today, 'spend', asked_tool, by_actor, 1, -from_plan, -from_package);
  END IF;
  UPDATE credits_account SET
    plan_balance = plan_balance - from_plan, package_balance = package_balance - from_package,
    version = version + 1, last_entry_at = at, last_entry_day = today
  WHERE id = for_account;
END $$;
"""  # noqa: S608 - all of it is written here.

_COMMON_BATCH = f"""
CREATE OR REPLACE FUNCTION credits_common_batch(
  for_account bigint, amounts bigint[], keys text[], tools text[], asked_references text[],
  by_actor text, now_is timestamptz, clock timestamptz
) RETURNS SETOF credits_ledgerentry LANGUAGE plpgsql AS $$
DECLARE
  held credits_account;
  next credits_ledgerentry;
  total bigint;
  needed bigint := (SELECT sum(amount) FROM unnest(amounts) AS amount);
  asked_key text;
  at timestamptz;
  today date;
BEGIN
  {_IS_COMMON}
  FOREACH asked_key IN ARRAY keys LOOP
    {_KEY_IS_NEW}
  END LOOP;

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
"""  # noqa: S608 - all of it is written here.

_FUNCTIONS = ("credits_common_spend", "credits_common_batch")
_COLUMNS = [str(field.column) for field in LedgerEntry._meta.concrete_fields]
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM "  # noqa: S608 - the model's own columns.
_ONE = f"{_SELECT} credits_common_spend(%s, %s, %s, %s, %s, %s, %s::timestamptz, %s::timestamptz)"
_MANY = (
    f"{_SELECT} credits_common_batch("
    "%s, %s::bigint[], %s::text[], %s::text[], %s::text[], %s, %s::timestamptz, %s::timestamptz)"
)

# Where a connection keeps its cursor for spends.
_KEPT = "cursor_for_spends"


def attempt(
    account_id: int, items: Sequence[tuple[int, str, str, str]], actor: str, now: datetime
) -> list[LedgerEntry]:
    """Write one entry for each (amount, key, tool, reference), if the case is a common one.

    Nothing is written otherwise, nor returned, and the rule in Python has to decide.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "postgresql" or not items:
        return []
    if any(item[0] > MAX_CREDITS for item in items):  # SQL's integers would not hold it.
        return []
    call, asked = _ONE, list[Any](items[0])
    if len(items) > 1:
        call, asked = _MANY, [list(column) for column in zip(*items, strict=True)]
    rows = _ask(database, call, [account_id, *asked, actor, now, timezone.now()])
    entries = [LedgerEntry.from_db(database.alias, _COLUMNS, row) for row in rows]
    if entries:
        announce(account_id, entries[-1].sequence)
    return entries


def _ask(database: BaseDatabaseWrapper, call: str, values: list[Any]) -> list[tuple[Any, ...]]:
    """What a function answers, asked by the driver's own cursor.

    Django's writes the values into the statement, which PostgreSQL then parses and plans anew for
    each spend. The driver's sends them beside it, and prepares the statement where the settings
    allow it (`prepare_threshold`). Errors and broken transactions are told as by Django's.
    """
    database.ensure_connection()
    database.validate_no_broken_transaction()
    with database.wrap_database_errors:
        return _cursor(database.connection).execute(call, values, binary=True).fetchall()


def _cursor(connection: Any) -> Cursor[Any]:
    """The connection's cursor for spends: one that asks the same again need not learn it again.

    A new one looks up how each value and column is written and read: a fifth of the call's time.
    """
    kept: Cursor[Any] | None = getattr(connection, _KEPT, None)
    if kept is None or kept.closed:
        kept = Cursor(connection)
        setattr(connection, _KEPT, kept)
    return kept


def install(using: str, **_kwargs: Any) -> None:
    """Create the functions, after a migrate that leaves the ledger's tables in place.

    Those that stand with this text, whose digest is their comment, are left alone.
    """
    connection = connections[using]
    tables = {"credits_ledgerentry", "credits_account", "credits_dailyusage"}
    if connection.vendor != "postgresql":
        return
    if not tables <= set(connection.introspection.table_names()):
        return
    digest = hashlib.sha256((_COMMON_SPEND + _COMMON_BATCH).encode()).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_proc WHERE proname = ANY(%s)"
            " AND pronamespace = current_schema()::regnamespace"
            " AND obj_description(oid, 'pg_proc') = %s",
            [list(_FUNCTIONS), digest],
        )
        if cursor.fetchone()[0] == len(_FUNCTIONS):
            return
        cursor.execute(_COMMON_SPEND + _COMMON_BATCH)
        for function in _FUNCTIONS:
            cursor.execute(f"COMMENT ON FUNCTION {function} IS '{digest}'")
