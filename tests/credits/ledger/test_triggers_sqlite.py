"""The ledger's triggers on SQLite, which `scripts/run` uses, against a stranger's connection."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from credits.ledger import triggers
from credits.models import Account, LedgerEntry

ON_SQLITE = "ledger-on-sqlite"


@contextmanager
def sqlite_at(path: Path) -> Iterator[BaseDatabaseWrapper]:
    """A database of the same settings as on `scripts/run`, beside the test's own."""
    connections.settings[ON_SQLITE] = {
        **connections.settings["default"],
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": settings.SQLITE_OPTIONS,
    }
    try:
        yield connections[ON_SQLITE]
    finally:
        connections[ON_SQLITE].close()
        del connections[ON_SQLITE], connections.settings[ON_SQLITE]


@pytest.fixture(scope="module")
def migrated_file(tmp_path_factory, django_db_setup, django_db_blocker):
    path = tmp_path_factory.mktemp("sqlite") / "ledger.sqlite3"
    with django_db_blocker.unblock(), sqlite_at(path):
        call_command("migrate", database=ON_SQLITE, verbosity=0)
    return path


@pytest.fixture
def sqlite_ledger(migrated_file, tmp_path, django_db_blocker):
    """A migrated and empty SQLite database in a file of the test's own."""
    path = Path(shutil.copy(migrated_file, tmp_path))
    with django_db_blocker.unblock(), sqlite_at(path) as database:
        yield path, database


ACCOUNT_ROW = """
INSERT INTO credits_account
  (id, name, time_zone, opened_at, plan_balance, package_balance, version, period_kind, allocation,
   period_sequence, low_at, time_zone_chosen)
VALUES (1, '', 'UTC', '2026-03-02', 0, 0, 0, 'none', 0, 0, 50, false)
"""
ENTRY_ROW = """
INSERT{how} INTO credits_ledgerentry
  ({id}account_id, sequence, kind, plan_delta, package_delta, plan_after, package_after, key, tool,
   reference, actor, plan, allocation, lapsed, day, created_at, recorded_at)
VALUES ({value}1, {sequence}, 'package', 0, {credits}, 0, {after}, '{key}', '', '', '', '', 0, 0,
        '2026-03-02', '2026-03-02 09:30:00', '2026-03-02 09:30:00')
"""


def entry_row(sequence: int, credits: int, after: int, key: str, how: str = "", pk: int = 0) -> str:
    return ENTRY_ROW.format(
        how=how, sequence=sequence, credits=credits, after=after, key=key,
        id="id, " if pk else "", value=f"{pk}, " if pk else "",
    )  # fmt: skip


@pytest.fixture
def stranger(sqlite_ledger):
    """A connection that has set none of our PRAGMAs, on a ledger with two entries."""
    path, _ = sqlite_ledger
    with sqlite3.connect(path, isolation_level=None) as raw:
        raw.execute(ACCOUNT_ROW)
        raw.execute(entry_row(1, 500, 500, "purchase-1"))
        raw.execute(entry_row(2, 500, 1_000, "purchase-2"))
        raw.execute("UPDATE credits_account SET package_balance = 1000, version = 2")
        yield raw
    raw.close()


FORGERIES = [
    pytest.param("UPDATE credits_ledgerentry SET package_delta = 1", id="update"),
    pytest.param("UPDATE OR REPLACE credits_ledgerentry SET key = 'x' WHERE id = 1", id="replace"),
    pytest.param("DELETE FROM credits_ledgerentry", id="delete"),
    pytest.param(entry_row(2, 900, 1_400, "other", " OR REPLACE"), id="replace the last"),
    pytest.param(entry_row(3, 1, 1_001, "purchase-2", " OR REPLACE"), id="replace by key"),
    pytest.param(entry_row(3, 1, 1_001, "other", " OR REPLACE", pk=1), id="replace by id"),
    pytest.param(entry_row(1, 900, 900, "purchase-1", " OR REPLACE"), id="replace the first"),
    pytest.param(entry_row(4, 1, 1_001, "other"), id="a hole"),
    pytest.param(entry_row(3, 1, 1_002, "other"), id="a wrong balance"),
    pytest.param("UPDATE credits_account SET package_balance = 1001", id="a balance"),
]


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_stranger_is_refused(stranger, forgery):
    before = stranger.execute("SELECT * FROM credits_ledgerentry").fetchall()

    with pytest.raises(sqlite3.IntegrityError, match=r"append-only|continue|last entry"):
        stranger.execute(forgery)

    assert stranger.execute("SELECT * FROM credits_ledgerentry").fetchall() == before


@pytest.mark.parametrize("forgery", FORGERIES)
def test_also_after_a_migration_has_rebuilt_the_tables(sqlite_ledger, stranger, forgery):
    _, database = sqlite_ledger
    # What Django does on SQLite for nearly every change of a table.
    triggers.before_migrate(using=database.alias)
    with database.schema_editor() as editor:
        editor._remake_table(LedgerEntry)
        editor._remake_table(Account)
    triggers.after_migrate(using=database.alias)

    with pytest.raises(sqlite3.IntegrityError, match=r"append-only|continue|last entry"):
        stranger.execute(forgery)


def test_migrate_itself_brings_the_triggers_back(sqlite_ledger, stranger):
    _, database = sqlite_ledger
    triggers.remove(database)

    call_command("migrate", database=database.alias, verbosity=0)

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        stranger.execute("DELETE FROM credits_ledgerentry")


def test_the_chain_goes_on(stranger):
    stranger.execute(entry_row(3, 500, 1_500, "purchase-3"))
    stranger.execute("UPDATE credits_account SET package_balance = 1500, version = 3")

    assert stranger.execute("SELECT count(*) FROM credits_ledgerentry").fetchone() == (3,)
