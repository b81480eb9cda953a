"""check_ledger recomputes everything from the entries: silent when in step, exit 1 when not.

Each fault is planted by the tables' owner with the triggers off, as no other hand could.
"""

from __future__ import annotations

import logging

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from credits import ledger, tasks
from credits.ledger import checks, triggers
from credits.models import Account, LedgerEntry, LedgerPass
from ecomvance_app import clock
from tests.credits.ledger.books import (
    CYCLE,
    DAY,
    OPENED,
    STAFF,
    open_harbor,
    open_loom,
    open_paper,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def loom():
    """A shop with every kind of entry, beside another that is always in step."""
    account = open_loom()
    spent = ledger.spend(account.pk, 30, "run-1", "image-enhance", now=OPENED)
    ledger.restore(spent.pk, key="back", now=OPENED, **STAFF)
    ledger.adjust(account.pk, "plan", 5, key="goodwill", now=OPENED, **STAFF)
    ledger.add_package(account.pk, 500, key="package", now=OPENED + DAY)
    ledger.start_plan_period(
        account.pk, "starter", OPENED + DAY, OPENED + CYCLE, key="cycle", now=OPENED + DAY
    )
    ledger.spend(account.pk, 40, "run-2", "ai-shadowing", now=OPENED + 2 * DAY)
    ledger.spend(open_paper().pk, 30, "elsewhere", now=OPENED)
    open_harbor()
    return account


def plant(statement: str, account_id: int) -> None:
    triggers.remove(connection)
    with connection.cursor() as cursor:
        cursor.execute(statement, [account_id])
    triggers.install(connection)


def test_a_ledger_in_step(loom, capsys):
    assert list(checks.problems()) == []

    call_command("check_ledger")

    assert "3 accounts" in capsys.readouterr().out


FAULTS = [
    pytest.param(
        "UPDATE credits_account SET plan_balance = plan_balance + 1 WHERE id = %s",
        ["cached balances are not the sums of the entries"],
        id="cached plan balance",
    ),
    pytest.param(
        "UPDATE credits_account SET package_balance = package_balance - 1 WHERE id = %s",
        ["cached balances are not the sums of the entries"],
        id="cached package balance",
    ),
    pytest.param(
        "UPDATE credits_account SET version = version + 1 WHERE id = %s",
        ["the sequence has holes or does not end at the account's version"],
        id="version",
    ),
    pytest.param(
        "UPDATE credits_account SET last_entry_at = opened_at WHERE id = %s",
        ["the last entry's time is not the account's"],
        id="time of the last entry",
    ),
    pytest.param(
        "UPDATE credits_ledgerentry SET sequence = 99 WHERE sequence = 2 AND account_id = %s",
        ["the sequence has holes or does not end at the account's version"],
        id="hole",
    ),
    pytest.param(
        "UPDATE credits_ledgerentry SET package_after = package_after + 7"
        " WHERE sequence = 5 AND account_id = %s",
        ["an entry's balance is not the one before plus its change"],
        id="balance after",
    ),
    pytest.param(
        "UPDATE credits_ledgerentry SET plan_delta = plan_delta - 1, plan_after = plan_after - 1"
        " WHERE key = 'run-2' AND account_id = %s",
        ["cached balances are not the sums of the entries", "the daily sums are not those"],
        id="a larger spend",
    ),
    pytest.param(
        "UPDATE credits_ledgerentry SET allocation = 100 WHERE kind = 'plan_grant'"
        " AND account_id = %s",
        ["a billing period was granted more than its highest allocation"],
        id="granted twice",
    ),
    pytest.param(
        "UPDATE credits_ledgerentry SET created_at = created_at + interval '40 days'"
        " WHERE sequence = 3 AND account_id = %s",
        ["an entry is earlier than the one before"],
        id="time goes back",
        marks=pytest.mark.postgresql,
    ),
    pytest.param(
        "UPDATE credits_account SET due_at = NULL WHERE id = %s",
        ["plan credits are held in no period"],
        id="credits that never expire",
    ),
    pytest.param(
        "UPDATE credits_account SET due_at = period_start WHERE id = %s",
        ["its end is not the one to be booked"],
        id="credits that expire too early",
    ),
    pytest.param(
        "UPDATE credits_ledgerentry SET lapsed = lapsed + 1"
        " WHERE kind = 'restore' AND account_id = %s",
        ["a restoration is not what its spend took"],
        id="another split restored",
    ),
    pytest.param(
        "UPDATE credits_ledgerentry SET restores_id ="
        " (SELECT id FROM credits_ledgerentry WHERE key = 'elsewhere')"
        " WHERE kind = 'restore' AND account_id = %s",
        ["a restoration is not what its spend took"],
        id="another shop's spend restored",
    ),
    pytest.param(
        "INSERT INTO credits_ledgerentry (account_id, sequence, kind, plan_delta, package_delta,"
        " plan_after, package_after, key, tool, reference, actor, plan, allocation, lapsed, day,"
        " created_at, recorded_at)"
        " SELECT account_id, sequence + 100, 'trial_grant', 100, 0, 100, 0, 'day ' || sequence, '',"
        " '', '', '', 100, 0, day, created_at, recorded_at"
        " FROM credits_ledgerentry WHERE account_id = %s",
        ["a trial was granted more than seven days"],
        id="trial without end",
    ),
    pytest.param(
        "UPDATE credits_dailyusage SET plan_delta = plan_delta - 1"
        " WHERE tool = 'ai-shadowing' AND account_id = %s",
        ["the daily sums are not those of the entries"],
        id="daily sum",
    ),
    pytest.param(
        "UPDATE credits_dailyusage SET entries = entries + 1"
        " WHERE tool = 'ai-shadowing' AND account_id = %s",
        ["the daily sums are not those of the entries"],
        id="daily count",
    ),
    pytest.param(
        "DELETE FROM credits_dailyusage WHERE account_id = %s",
        ["the daily sums are not those of the entries"],
        id="daily sums lost",
    ),
    pytest.param(
        "INSERT INTO credits_dailyusage (account_id, day, kind, tool, actor, entries, plan_delta,"
        " package_delta) VALUES (%s, '2026-01-01', 'spend', '', '', 1, -5, 0)",
        ["the daily sums are not those of the entries"],
        id="daily sum of nothing",
    ),
]


@pytest.mark.parametrize(("statement", "expected"), FAULTS)
def test_a_fault_is_found_and_never_repaired(loom, capsys, caplog, statement, expected):
    plant(statement, loom.pk)
    before = list(LedgerEntry.objects.order_by("pk").values())

    with pytest.raises(CommandError) as ended:
        call_command("check_ledger")

    assert ended.value.returncode == 1
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(f"account {loom.pk}: ") for line in lines)
    for problem in expected:
        assert any(problem in line for line in lines), (problem, lines)
    with caplog.at_level(logging.ERROR):
        tasks.check_ledger()
    assert len(caplog.records) == len(lines)
    assert list(LedgerEntry.objects.order_by("pk").values()) == before


def test_entries_of_an_account_that_lost_its_last_one(loom):
    plant("DELETE FROM credits_ledgerentry WHERE key = 'run-2' AND account_id = %s", loom.pk)

    problems = list(checks.problems())

    assert len(problems) >= 3
    assert {line.split(":")[0] for line in problems} == {f"account {loom.pk}"}


class TestRanges:
    """However the accounts are divided, and wherever a check is cut off, each is looked at once."""

    @pytest.fixture(autouse=True)
    def _one_account_at_once(self, monkeypatch):
        monkeypatch.setattr(checks, "ENTRIES_AT_ONCE", 1)

    def test_cover_every_account_once(self, loom):
        walked = list(checks.ranges())

        assert [last for _after, last, _entries in walked] == sorted(
            Account.objects.values_list("pk", flat=True)
        )
        assert sum(entries for *_range, entries in walked) == LedgerEntry.objects.count()

    @pytest.mark.parametrize(("statement", "expected"), FAULTS)
    def test_find_the_same_faults(self, loom, statement, expected):
        plant(statement, loom.pk)
        assert {line.split(":")[0] for line in checks.problems()} == {f"account {loom.pk}"}

    def test_a_task_stops_in_time_and_the_next_goes_on(self, loom, monkeypatch, caplog):
        sent = []
        monkeypatch.setattr("ecomvance_app.jobs.enqueue", lambda name, **_ids: sent.append(name))
        monkeypatch.setattr(checks, "SECONDS_AT_ONCE", -1.0)
        plant("DELETE FROM credits_dailyusage WHERE account_id = %s", loom.pk)
        with caplog.at_level(logging.ERROR):
            for number in range(1, 4):
                tasks.check_ledger()
                assert len(sent) == number
            tasks.check_ledger()

        assert sent == ["credits.check_ledger"] * 3
        walk = LedgerPass.objects.get()
        assert walk.finished_at is not None
        assert (walk.found, walk.entries) == (1, LedgerEntry.objects.count())
        assert len(caplog.records) == 1
        tasks.check_ledger()
        assert LedgerPass.objects.count() == 2

    def test_a_pass_whose_message_was_lost_is_sent_on(self, loom, monkeypatch):
        sent = []
        monkeypatch.setattr("ecomvance_app.jobs.enqueue", lambda name, **_ids: sent.append(name))
        monkeypatch.setattr(checks, "SECONDS_AT_ONCE", -1.0)
        tasks.check_ledger()
        tasks.sweep()
        assert sent == ["credits.check_ledger"]
        LedgerPass.objects.update(moved_at=clock.now() - checks.SILENT_FOR * 1.01)
        tasks.sweep()
        assert sent == ["credits.check_ledger"] * 2

    def test_the_command_goes_on_behind_an_account_and_tells_how_far_it_is(
        self, loom, capsys, monkeypatch
    ):
        monkeypatch.setattr(checks, "ACCOUNTS_AT_ONCE", 1)
        first, second, third = sorted(Account.objects.values_list("pk", flat=True))
        call_command("check_ledger", after=first)
        said = capsys.readouterr()
        assert "2 accounts" in said.out
        assert [line.split(":")[0] for line in said.err.splitlines()] == [
            f"Up to account {second}",
            f"Up to account {third}",
        ]
