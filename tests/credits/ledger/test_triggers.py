"""The database's own word: entries stand, continue their chain, and balances are their sum.

What these tests write goes past the ledger on purpose, in plain SQL, as a careless script or a
stranger with the application's connection would.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from credits import ledger
from credits.ledger import fast_spend, triggers
from credits.models import Account, DailyUsage, LedgerClosedError, LedgerEntry
from tests.credits.ledger.books import (
    DAY,
    INSTANT,
    OPENED,
    STAFF,
    assert_in_step,
    open_harbor,
    open_loom,
    written,
)

pytestmark = pytest.mark.django_db


def run(statement: str, parameters: tuple[object, ...] = ()) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def insert(like: LedgerEntry, verb: str = "INSERT", **changed: object) -> None:
    """A row like this entry, as its successor unless told otherwise."""
    values = {
        field.column: getattr(like, field.attname)
        for field in LedgerEntry._meta.concrete_fields
        if field.column != "id"
    }
    values |= {"sequence": like.sequence + 1, "key": "forged", "kind": "adjust"} | changed
    columns, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    run(f"{verb} INTO credits_ledgerentry ({columns}) VALUES ({marks})", tuple(values.values()))


def change_account(account: Account, columns: str) -> None:
    run(f"UPDATE credits_account SET {columns} WHERE id = %s", (account.pk,))  # noqa: S608


@pytest.fixture
def loom():
    """A shop with three entries: 100 granted, 30 and 20 spent."""
    account = open_loom()
    ledger.spend(account.pk, 30, "run-1", now=OPENED)
    ledger.spend(account.pk, 20, "run-2", now=OPENED)
    return account


def last_of(account: Account) -> LedgerEntry:
    return LedgerEntry.objects.filter(account=account).latest("sequence")


class TestNothingChanges:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE credits_ledgerentry SET plan_delta = -1",
            "UPDATE credits_ledgerentry SET reference = 'other' WHERE sequence = 2",
            "UPDATE credits_ledgerentry SET key = key",
            "DELETE FROM credits_ledgerentry",
            "DELETE FROM credits_ledgerentry WHERE sequence = 3",
        ],
    )
    def test_update_and_delete_are_refused(self, loom, statement):
        before = list(LedgerEntry.objects.values())

        with pytest.raises(DatabaseError, match="append-only"):
            run(statement)

        assert list(LedgerEntry.objects.values()) == before

    @pytest.mark.postgresql
    @pytest.mark.parametrize("tables", ["credits_ledgerentry", "credits_account"])
    def test_truncate_is_refused(self, loom, tables):
        run("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(DatabaseError, match="append-only"):
            run(f"TRUNCATE {tables} CASCADE")

        assert len(written(loom)) == 3

    @pytest.mark.postgresql
    def test_an_upsert_is_refused(self, loom):
        with pytest.raises(DatabaseError, match="does not continue"):
            run(
                "INSERT INTO credits_ledgerentry SELECT * FROM credits_ledgerentry "
                "WHERE sequence = 1 ON CONFLICT (id) DO UPDATE SET plan_delta = 1"
            )

    def test_the_model_refuses_before_the_database_does(self, loom):
        entry = last_of(loom)
        for change in (
            entry.save,
            entry.delete,
            lambda: LedgerEntry.objects.create(account=loom),
            lambda: LedgerEntry.objects.bulk_create([entry]),
            lambda: LedgerEntry.objects.bulk_update([entry], ["key"]),
            lambda: LedgerEntry.objects.filter(pk=entry.pk).update(key="other"),
            lambda: LedgerEntry.objects.all().delete(),
            lambda: LedgerEntry.objects.get_or_create(key="other"),
            lambda: LedgerEntry.objects.update_or_create(key="other"),
        ):
            with pytest.raises(LedgerClosedError, match="never changed"):
                change()

    def test_an_account_with_entries_cannot_be_deleted(self, loom):
        with pytest.raises(IntegrityError, match="protected foreign keys"):
            loom.delete()
        assert len(written(loom)) == 3


class TestTheChainGoesOn:
    def test_an_entry_that_continues_it_is_taken(self, loom):
        insert(last_of(loom), plan_delta=-10, plan_after=40)
        run("UPDATE credits_account SET plan_balance = 40, version = 4 WHERE id = %s", (loom.pk,))

        assert len(written(loom)) == 4

    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param({"plan_after": 41}, id="wrong plan balance"),
            pytest.param({"package_after": 1}, id="wrong package balance"),
            pytest.param({"sequence": 5}, id="a hole"),
            pytest.param({"created_at": OPENED - INSTANT}, id="earlier than the last"),
        ],
    )
    def test_an_entry_that_does_not_is_refused(self, loom, changed):
        with pytest.raises(IntegrityError, match="continue"):
            insert(last_of(loom), **{"plan_delta": -10, "plan_after": 40} | changed)

        assert len(written(loom)) == 3

    @pytest.mark.parametrize("sequence", [1, 2, 3])
    def test_a_number_is_given_once(self, loom, sequence):
        like = LedgerEntry.objects.get(account=loom, sequence=sequence)
        with pytest.raises(IntegrityError, match="continue"):
            insert(like, sequence=sequence, kind=like.kind)

    def test_the_first_entry_starts_at_nothing(self):
        harbor = open_harbor()
        like = last_of(open_loom())

        with pytest.raises(IntegrityError, match="continue"):
            insert(like, account_id=harbor.pk, sequence=1, plan_delta=10, plan_after=11)
        with pytest.raises(IntegrityError, match="continue"):
            insert(like, account_id=harbor.pk, sequence=2, plan_delta=10, plan_after=10)

    @pytest.mark.parametrize(
        "columns",
        ["plan_balance = 51", "package_balance = 1", "version = 2", "version = 4", "version = 0",
         "plan_balance = 49, package_balance = 1", "plan_balance = 0, version = 0", "plan_balance = 70, version = 2"],
    )  # fmt: skip
    def test_a_balance_that_is_not_the_last_entrys_is_refused(self, loom, columns):
        with pytest.raises(IntegrityError, match="last entry"):
            change_account(loom, columns)

    def test_an_account_is_opened_empty(self):
        with pytest.raises(IntegrityError, match="last entry"):
            Account.objects.create(opened_at=OPENED, plan_balance=100)


NEVER_NEGATIVE = "(plan|package)_after"


class TestConstraints:
    """The last line of defence: each check constraint refuses on its own."""

    @pytest.mark.parametrize(
        ("constraint", "changed"),
        [
            (NEVER_NEGATIVE, {"plan_delta": -60, "plan_after": -10}),
            (NEVER_NEGATIVE,
             {"plan_delta": 0, "package_delta": -1, "package_after": -1}),
            ("entry_changes_something", {"plan_delta": 0, "plan_after": 50}),
            ("entry_deltas_match_kind", {"kind": "trial_grant", "plan_delta": -1, "plan_after": 49}),
            ("entry_deltas_match_kind", {"kind": "plan_grant", "plan_delta": -1, "plan_after": 49}),
            ("entry_deltas_match_kind", {"kind": "expire", "plan_delta": 1, "plan_after": 51}),
            ("entry_deltas_match_kind", {"kind": "spend", "plan_delta": 1, "plan_after": 51}),
            ("entry_deltas_match_kind", {"kind": "package", "plan_delta": 1, "plan_after": 51}),
            ("entry_deltas_match_kind", {"kind": "restore", "plan_delta": 1, "plan_after": 51}),
            ("entry_deltas_match_kind", {"kind": "gift", "plan_delta": 1, "plan_after": 51}),
            ("entry_deltas_match_kind",
             {"plan_delta": 1, "plan_after": 51, "package_delta": 1, "package_after": 1}),
        ],
    )  # fmt: skip
    def test_of_an_entry(self, loom, constraint, changed):
        with pytest.raises(IntegrityError, match=constraint):
            insert(last_of(loom), **changed)

    def test_only_a_restoration_restores(self, loom):
        entry = last_of(loom)
        with pytest.raises(IntegrityError, match="entry_only_restorations_restore"):
            insert(entry, plan_delta=1, plan_after=51, restores_id=entry.pk)

    def test_a_spend_is_restored_once(self, loom):
        spent = last_of(loom)
        back = ledger.restore(spent.pk, key="back", now=OPENED, **STAFF)
        # SQLite's trigger, which keeps a REPLACE from deleting, is asked before its index.
        with pytest.raises(IntegrityError, match=r"restores_id|append-only"):
            insert(back, kind="restore", plan_after=back.plan_after + back.plan_delta)

    def test_a_key_is_used_once(self, loom):
        with pytest.raises(IntegrityError, match=r"entry_key|append-only"):
            insert(last_of(loom), plan_delta=-1, plan_after=49, key="run-1")

    @pytest.mark.parametrize("column", ["plan_balance", "package_balance"])
    def test_a_balance_is_never_negative(self, loom, column):
        triggers.remove(connection)
        with pytest.raises(IntegrityError, match=r"(plan|package)_balance"):
            change_account(loom, f"{column} = -1")

    @pytest.mark.parametrize("length", [timedelta(), -DAY])
    def test_a_period_has_a_length(self, loom, length):
        with pytest.raises(IntegrityError, match="account_period_has_a_length"):
            Account.objects.filter(pk=loom.pk).update(
                period_start=OPENED, period_end=OPENED + length
            )

    def test_a_line_of_a_days_sums_is_there_once(self, loom):
        line = DailyUsage.objects.filter(account=loom).first()
        line.pk = None
        # PostgreSQL names the index, SQLite its columns.
        unique = pytest.raises(IntegrityError, match=r"daily_usage_line|UNIQUE.*dailyusage")
        with unique, transaction.atomic():
            line.save(force_insert=True)


class TestOwner:
    def test_laying_the_triggers_again_changes_nothing(self, loom):
        triggers.install(connection)
        ledger.spend(loom.pk, 5, "run-3", now=OPENED)

        with pytest.raises(DatabaseError, match="append-only"):
            run("DELETE FROM credits_ledgerentry")
        assert_in_step(loom)

    def test_the_owner_can_take_them_off_and_migrate_lays_them_again(self, loom):
        triggers.remove(connection)
        run("UPDATE credits_ledgerentry SET reference = 'moved' WHERE sequence = 2")

        triggers.before_migrate(using="default")
        triggers.after_migrate(using="default")

        with pytest.raises(DatabaseError, match="append-only"):
            run("UPDATE credits_ledgerentry SET reference = 'again'")


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
class TestMigratingABusyLedger:
    """`migrate` while others write: it locks nothing that stands, and waits for nobody for long."""

    @staticmethod
    def migrate() -> None:
        triggers.after_migrate(using="default")
        fast_spend.install(using="default")

    def test_what_stands_already_is_not_laid_again(self):
        with others_transaction(
            "LOCK TABLE credits_account, credits_ledgerentry IN EXCLUSIVE MODE"
        ):
            self.migrate()

    @pytest.mark.parametrize(
        "damage",
        [
            "DROP TRIGGER account_matches_ledger ON credits_account",
            "ALTER TABLE credits_account DISABLE TRIGGER account_matches_ledger",
            "COMMENT ON TRIGGER account_matches_ledger ON credits_account IS 'of another version'",
        ],
    )
    def test_what_is_missing_off_or_old_is_laid(self, damage: str):
        run(damage)
        self.migrate()
        account = open_loom()
        with pytest.raises(DatabaseError, match="not those of its last entry"):
            run("UPDATE credits_account SET version = 9 WHERE id = %s", (account.pk,))

    def test_a_busy_table_is_waited_for_in_short_tries(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(triggers, "LOCK_MILLISECONDS", 50)
        waits: list[float] = []
        run("COMMENT ON TRIGGER account_matches_ledger ON credits_account IS 'old'")
        busy = others_transaction("LOCK TABLE credits_account IN ROW EXCLUSIVE MODE")
        busy.__enter__()

        def until_it_is_over(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 2:
                busy.__exit__(None, None, None)

        monkeypatch.setattr("credits.ledger.triggers.time.sleep", until_it_is_over)
        self.migrate()

        assert len(waits) == 2
        assert triggers._are_installed(connection)

    def test_a_table_that_stays_busy_ends_it(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(triggers, "LOCK_MILLISECONDS", 20)
        monkeypatch.setattr(triggers, "TRIES", 2)
        monkeypatch.setattr(triggers, "PAUSE_SECONDS", 0.0)
        run("COMMENT ON TRIGGER account_matches_ledger ON credits_account IS 'old'")
        busy = others_transaction("LOCK TABLE credits_account IN ROW EXCLUSIVE MODE")
        with busy, pytest.raises(OperationalError, match="lock timeout"):
            self.migrate()
        self.migrate()


@contextmanager
def others_transaction(statement: str) -> Iterator[None]:
    """Somebody else's transaction, which ends with the block."""
    other = connection.copy()
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute(statement)
        yield
    finally:
        other.rollback()
        other.close()
