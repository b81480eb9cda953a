"""The database's own word on the ledger, as triggers on PostgreSQL and SQLite.

Entries are only ever added; each continues its account's chain (next sequence, balance after =
balance before + delta, never earlier); an account's cached balances are those of its last entry.
The triggers belong to the tables' owner, who alone can take them off (`remove`).
"""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

ENTRY, ACCOUNT = "credits_ledgerentry", "credits_account"

_POSTGRESQL = """
CREATE OR REPLACE FUNCTION credits_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'Ledger entries are append-only: % refused', TG_OP
    USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE FUNCTION credits_continue_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.sequence = 1 AND NEW.plan_after = NEW.plan_delta
     AND NEW.package_after = NEW.package_delta THEN
    RETURN NEW;
  END IF;
  PERFORM 1 FROM credits_ledgerentry AS last
    WHERE last.account_id = NEW.account_id AND last.sequence = NEW.sequence - 1
      AND last.plan_after + NEW.plan_delta = NEW.plan_after
      AND last.package_after + NEW.package_delta = NEW.package_after
      AND last.created_at <= NEW.created_at;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'Entry % does not continue the ledger of account %',
      NEW.sequence, NEW.account_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION credits_match_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.version = 0 AND NEW.plan_balance = 0 AND NEW.package_balance = 0
     AND (TG_OP = 'INSERT' OR OLD.version = 0) THEN
    RETURN NULL;
  END IF;
  PERFORM 1 FROM credits_ledgerentry AS last
    WHERE last.account_id = NEW.id AND last.sequence = NEW.version
      AND last.plan_after = NEW.plan_balance AND last.package_after = NEW.package_balance;
  IF NOT FOUND OR (TG_OP = 'UPDATE' AND NEW.version < OLD.version) THEN
    RAISE EXCEPTION 'Balances of account % are not those of its last entry', NEW.id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

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

_CHAIN = """
  SELECT RAISE(ABORT, 'Entry does not continue the ledger of its account')
  WHERE NOT (NEW.sequence = 1 AND NEW.plan_after = NEW.plan_delta
             AND NEW.package_after = NEW.package_delta)
    AND NOT EXISTS (
      SELECT 1 FROM credits_ledgerentry AS last
      WHERE last.account_id = NEW.account_id AND last.sequence = NEW.sequence - 1
        AND last.plan_after + NEW.plan_delta = NEW.plan_after
        AND last.package_after + NEW.package_delta = NEW.package_after
        AND last.created_at <= NEW.created_at);
  SELECT RAISE(ABORT, 'Ledger entries are append-only') WHERE EXISTS (
    SELECT 1 FROM credits_ledgerentry AS old
    WHERE old.id = NEW.id OR old.restores_id = NEW.restores_id
       OR (old.account_id = NEW.account_id
           AND (old.sequence = NEW.sequence OR old.key = NEW.key)));
"""

_MATCH = """
  SELECT RAISE(ABORT, 'Balances of an account are not those of its last entry')
  WHERE NOT (NEW.version = 0 AND NEW.plan_balance = 0 AND NEW.package_balance = 0)
    AND NOT EXISTS (
      SELECT 1 FROM credits_ledgerentry AS last
      WHERE last.account_id = NEW.id AND last.sequence = NEW.version
        AND last.plan_after = NEW.plan_balance AND last.package_after = NEW.package_balance);
"""
_NO_WAY_BACK = """
  SELECT RAISE(ABORT, 'Balances of an account are not those of its last entry')
  WHERE NEW.version < OLD.version;
"""

_REFUSE = "SELECT RAISE(ABORT, 'Ledger entries are append-only');"

# SQLite has no TRUNCATE. A REPLACE deletes without firing the DELETE trigger, unless the connection
# has set PRAGMA recursive_triggers; so no entry may take the place of another.
_SQLITE = {
    "ledger_entry_not_updated": f"BEFORE UPDATE ON {ENTRY} BEGIN {_REFUSE} END",
    "ledger_entry_not_deleted": f"BEFORE DELETE ON {ENTRY} BEGIN {_REFUSE} END",
    "ledger_entry_continues": f"BEFORE INSERT ON {ENTRY} BEGIN {_CHAIN} END",
    "account_opens_empty": f"AFTER INSERT ON {ACCOUNT} BEGIN {_MATCH} END",
    "account_matches_ledger": (
        f"AFTER UPDATE OF plan_balance, package_balance, version ON {ACCOUNT} "
        f"BEGIN {_MATCH} {_NO_WAY_BACK} END"
    ),
}

_TRIGGERS = {
    ENTRY: ("ledger_entry_unchanged", "ledger_not_truncated", "ledger_entry_continues"),
    ACCOUNT: ("account_matches_ledger",),
}


def install(connection: BaseDatabaseWrapper) -> None:
    """Lay the triggers on the ledger's tables; laying them twice changes nothing."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL)
            return
        for name, body in _SQLITE.items():
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            cursor.execute(f"CREATE TRIGGER {name} {body}")


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
    if {ENTRY, ACCOUNT} <= set(connection.introspection.table_names()):
        install(connection)
