"""The database's own word on the ledger, as triggers on PostgreSQL and SQLite.

Entries, and the acts of staff, are only ever added; each entry continues its account's chain (next
sequence, balance after = balance before + delta, never earlier); an account's cached balances are
those of its last entry. The triggers belong to the tables' owner, who alone can take them off
(`remove`).

The last entry is read as the one at or before the account's highest possible number: that is one
step in one index whatever the planner believes. Asked for by the account, and sorted, it looked as
cheap in any index that begins with the account, and then a big account was read from end to end for
every spend.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

from django.db import OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import LockNotAvailable

ENTRY, ACCOUNT = "credits_ledgerentry", "credits_account"
ACT = "credits_staffact"

_POSTGRESQL = """
CREATE OR REPLACE FUNCTION credits_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'Ledger entries are append-only: % refused', TG_OP
    USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE FUNCTION credits_continue_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last credits_ledgerentry;
BEGIN
  SELECT * INTO last FROM (
    SELECT * FROM credits_ledgerentry
    WHERE (account_id, sequence) <= (NEW.account_id, 9223372036854775807)
    ORDER BY account_id DESC, sequence DESC LIMIT 1
  ) AS newest WHERE account_id = NEW.account_id;
  IF NEW.sequence <> coalesce(last.sequence, 0) + 1
     OR NEW.plan_after <> coalesce(last.plan_after, 0) + NEW.plan_delta
     OR NEW.package_after <> coalesce(last.package_after, 0) + NEW.package_delta
     OR NEW.created_at < last.created_at THEN
    RAISE EXCEPTION 'Entry % does not continue the ledger of account %',
      NEW.sequence, NEW.account_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION credits_match_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last credits_ledgerentry;
BEGIN
  SELECT * INTO last FROM (
    SELECT * FROM credits_ledgerentry
    WHERE (account_id, sequence) <= (NEW.id, 9223372036854775807)
    ORDER BY account_id DESC, sequence DESC LIMIT 1
  ) AS newest WHERE account_id = NEW.id;
  IF NEW.version <> coalesce(last.sequence, 0)
     OR NEW.plan_balance <> coalesce(last.plan_after, 0)
     OR NEW.package_balance <> coalesce(last.package_after, 0) THEN
    RAISE EXCEPTION 'Balances of account % are not those of its last entry', NEW.id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION credits_keep_act() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The record of staff is append-only: % refused', TG_OP
    USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE TRIGGER staff_act_unchanged BEFORE UPDATE OR DELETE ON credits_staffact
  FOR EACH ROW EXECUTE FUNCTION credits_keep_act();
CREATE OR REPLACE TRIGGER staff_acts_not_truncated BEFORE TRUNCATE ON credits_staffact
  FOR EACH STATEMENT EXECUTE FUNCTION credits_keep_act();
CREATE OR REPLACE TRIGGER ledger_entry_unchanged BEFORE UPDATE OR DELETE ON credits_ledgerentry
  FOR EACH ROW EXECUTE FUNCTION credits_refuse_change();
CREATE OR REPLACE TRIGGER ledger_not_truncated BEFORE TRUNCATE ON credits_ledgerentry
  FOR EACH STATEMENT EXECUTE FUNCTION credits_refuse_change();
CREATE OR REPLACE TRIGGER ledger_entry_continues BEFORE INSERT ON credits_ledgerentry
  FOR EACH ROW EXECUTE FUNCTION credits_continue_chain();
CREATE OR REPLACE TRIGGER account_matches_ledger
  AFTER INSERT OR UPDATE OF plan_balance, package_balance, version ON credits_account
  FOR EACH ROW EXECUTE FUNCTION credits_match_ledger();
"""

# The balances that an account is left with by its last entry, by its number; 0 before the first.
_LAST = """
  coalesce((SELECT last.{column} FROM credits_ledgerentry AS last
            WHERE last.account_id = {account} ORDER BY last.sequence DESC LIMIT 1), 0)
"""


def _last(column: str, account: str) -> str:
    return _LAST.format(column=column, account=account)


_CHAIN = f"""
  SELECT RAISE(ABORT, 'Entry does not continue the ledger of its account')
  WHERE NEW.sequence <> {_last("sequence", "NEW.account_id")} + 1
     OR NEW.plan_after <> {_last("plan_after", "NEW.account_id")} + NEW.plan_delta
     OR NEW.package_after <> {_last("package_after", "NEW.account_id")} + NEW.package_delta
     OR NEW.created_at < {_last("created_at", "NEW.account_id")};
  SELECT RAISE(ABORT, 'Ledger entries are append-only') WHERE EXISTS (
    SELECT 1 FROM credits_ledgerentry AS old
    WHERE old.id = NEW.id OR old.restores_id = NEW.restores_id
       OR (old.account_id = NEW.account_id AND old.key = NEW.key));
"""  # noqa: S608 - all of it is written above.

_MATCH = f"""
  SELECT RAISE(ABORT, 'Balances of an account are not those of its last entry')
  WHERE NEW.version <> {_last("sequence", "NEW.id")}
     OR NEW.plan_balance <> {_last("plan_after", "NEW.id")}
     OR NEW.package_balance <> {_last("package_after", "NEW.id")};
"""

_REFUSE = "SELECT RAISE(ABORT, 'Ledger entries are append-only');"
_KEEP_ACT = "SELECT RAISE(ABORT, 'The record of staff is append-only');"

# SQLite has no TRUNCATE. A REPLACE deletes without firing the DELETE trigger, unless the connection
# has set PRAGMA recursive_triggers; so no entry may take the place of another.
_SQLITE = {
    "ledger_entry_not_updated": f"BEFORE UPDATE ON {ENTRY} BEGIN {_REFUSE} END",
    "ledger_entry_not_deleted": f"BEFORE DELETE ON {ENTRY} BEGIN {_REFUSE} END",
    "ledger_entry_continues": f"BEFORE INSERT ON {ENTRY} BEGIN {_CHAIN} END",
    "staff_act_not_updated": f"BEFORE UPDATE ON {ACT} BEGIN {_KEEP_ACT} END",
    "staff_act_not_deleted": f"BEFORE DELETE ON {ACT} BEGIN {_KEEP_ACT} END",
    "account_opens_empty": f"AFTER INSERT ON {ACCOUNT} BEGIN {_MATCH} END",
    "account_matches_ledger": (
        f"AFTER UPDATE OF plan_balance, package_balance, version ON {ACCOUNT} BEGIN {_MATCH} END"
    ),
}

_TRIGGERS = {
    ENTRY: ("ledger_entry_unchanged", "ledger_not_truncated", "ledger_entry_continues"),
    ACCOUNT: ("account_matches_ledger",),
    ACT: ("staff_act_unchanged", "staff_acts_not_truncated"),
}


_NAMES = [name for names in _TRIGGERS.values() for name in names]
_DIGEST = hashlib.sha256(_POSTGRESQL.encode()).hexdigest()

# Laying a trigger locks the table for a moment, and whoever writes waits behind whoever waits for
# the lock. So we wait this long at most, let the writers through, and try again.
LOCK_MILLISECONDS = 2_000
TRIES = 30
PAUSE_SECONDS = 1.0


def install(connection: BaseDatabaseWrapper) -> None:
    """Lay the triggers on the ledger's tables; where they lie already nothing is locked.

    Raises OperationalError when the tables are too busy for a minute and a half.
    """
    if connection.vendor == "postgresql":
        if not _are_installed(connection):
            _lay_patiently(connection)
        return
    with connection.cursor() as cursor:
        for name, body in _SQLITE.items():
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            cursor.execute(f"CREATE TRIGGER {name} {body}")


def _are_installed(connection: BaseDatabaseWrapper) -> bool:
    """Whether all triggers stand, switched on, with this text: each has its digest as a comment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgname = ANY(%s) AND tgenabled <> 'D'"
            " AND tgrelid = ANY(%s::regclass[])"
            " AND obj_description(oid, 'pg_trigger') = %s",
            [_NAMES, list(_TRIGGERS), _DIGEST],
        )
        return bool(cursor.fetchone()[0] == len(_NAMES))


def _lay_patiently(connection: BaseDatabaseWrapper) -> None:
    for tries_left in reversed(range(TRIES)):
        try:
            with transaction.atomic(using=connection.alias):
                _lay(connection)
        except OperationalError as error:
            if not tries_left or not isinstance(error.__cause__, LockNotAvailable):
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return


def _lay(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_MILLISECONDS}ms"])
        cursor.execute(_POSTGRESQL)
        for table, triggers in _TRIGGERS.items():
            for name in triggers:
                cursor.execute(f"COMMENT ON TRIGGER {name} ON {table} IS '{_DIGEST}'")
        # In a surrounding transaction the limit would go on.
        cursor.execute("SELECT set_config('lock_timeout', '0', true)")


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take the triggers off. Only the tables' owner can; tests do it to empty their database."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for table, triggers in _TRIGGERS.items():
                for name in triggers:
                    cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
            return
        for name in _SQLITE:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


def before_migrate(using: str, **_kwargs: Any) -> None:
    """Lift the triggers on SQLite, which rebuilds a table to change it and refuses to do so while
    another table's trigger names it; `after_migrate` lays them again.
    """
    if connections[using].vendor == "sqlite":
        remove(connections[using])


def after_migrate(using: str, **_kwargs: Any) -> None:
    """Lay the triggers after every migrate that leaves the ledger's tables in place."""
    connection = connections[using]
    if {ENTRY, ACCOUNT, ACT} <= set(connection.introspection.table_names()):
        install(connection)
