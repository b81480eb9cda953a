"""A spend has two forms: the general rule in Python, and one statement for the common case."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from credits import ledger
from credits.ledger import fast_spend
from credits.models import DailyUsage, LedgerEntry
from tests.credits.ledger.books import (
    CYCLE,
    HOUR,
    OPENED,
    STAFF,
    assert_in_step,
    by_general_rule,
    open_harbor,
    open_loom,
    open_paper,
    spend_by_general_rule,
    written,
)

pytestmark = pytest.mark.django_db


ENTRIES_READ = """
SELECT coalesce(sum(idx_tup_fetch + seq_tup_read), 0) FROM pg_stat_xact_user_tables
WHERE relname = 'credits_ledgerentry'
"""


class TestTwoForms:
    """The one statement of the common case is the general rule, only faster."""

    ITEMS = [(50, "a", "image-enhance", "run:1"), (80, "b"), (30, "c", "ai-shadowing"), (7, "d")]

    @staticmethod
    def rows(account):
        left_out = {"id", "account_id", "recorded_at"}
        entries = LedgerEntry.objects.filter(account=account).order_by("sequence").values()
        return [
            {name: value for name, value in row.items() if name not in left_out} for row in entries
        ]

    @pytest.mark.parametrize("package", [0, 40, 100, 500])
    def test_both_write_the_same(self, package):
        loom, other = open_loom(), open_loom()
        for account in (loom, other):
            ledger.adjust(account.pk, "plan", 70, key="goodwill", now=OPENED, **STAFF)
            if package:
                ledger.add_package(account.pk, package, key="package", now=OPENED)

        asked = {"now": OPENED + HOUR, "actor": "user:1"}
        fast = ledger.spend_many(loom.pk, self.ITEMS, **asked)
        general = spend_by_general_rule(other.pk, self.ITEMS, **asked)

        assert self.rows(loom) == self.rows(other)
        assert [entry.plan_delta for entry in fast] == [entry.plan_delta for entry in general]
        sums = [
            list(
                DailyUsage.objects.filter(account=account)
                .order_by("kind", "tool", "actor")
                .values_list("day", "kind", "tool", "actor", "entries", "plan_delta", "package_delta")
            )
            for account in (loom, other)
        ]  # fmt: skip
        assert sums[0] == sums[1]
        assert_in_step(loom)

    @pytest.mark.parametrize("package", [0, 40])
    def test_a_single_spend_too(self, package):
        loom, other = open_loom(), open_loom()
        for account in (loom, other):
            if package:
                ledger.add_package(account.pk, package, key="package", now=OPENED)
        asked = (30 + package, "run", "image-enhance", "run:1", "user:1", OPENED + HOUR)

        fast = ledger.spend(loom.pk, *asked)
        with by_general_rule():
            general = ledger.spend(other.pk, *asked)

        assert self.rows(loom) == self.rows(other)
        assert (fast.sequence, fast.credits) == (general.sequence, general.credits)

    @pytest.mark.postgresql
    @pytest.mark.parametrize("items", [ITEMS[:1], ITEMS])
    def test_the_common_case_is_one_statement(self, items):
        paper = open_paper()

        # The one statement goes past Django's cursors, which would write the general rule's.
        with CaptureQueriesContext(connection) as others:
            entries = ledger.spend_many(paper.pk, items, now=OPENED)

        assert len(entries) == len(items)
        assert others.captured_queries == []

    @pytest.mark.postgresql
    @pytest.mark.parametrize("items", [ITEMS[:1], ITEMS])
    def test_the_statement_is_prepared(self, items):
        paper = open_paper()
        for turn in range(5):
            again = [(amount, f"{turn}:{key}") for amount, key, *_ in items]
            ledger.spend_many(paper.pk, again, now=OPENED)

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s",
                ["%credits_common_%"],
            )
            assert cursor.fetchone()[0] >= 1

    @pytest.mark.postgresql
    def test_in_a_broken_transaction_it_is_refused_as_any_other_statement(self):
        paper = open_paper()

        with transaction.atomic():
            transaction.set_rollback(True)
            with pytest.raises(TransactionManagementError):
                ledger.spend(paper.pk, 10, "key", now=OPENED)

        assert LedgerEntry.objects.filter(account=paper, kind="spend").count() == 0

    @pytest.mark.postgresql
    @pytest.mark.parametrize(
        "amount_key_now",
        [
            pytest.param((10, "known", OPENED), id="known key"),
            pytest.param((3_000, "new", OPENED), id="not covered"),
            pytest.param((2_900, "new", OPENED), id="crosses the threshold"),
            pytest.param((10, "new", OPENED + CYCLE), id="something is due"),
        ],
    )
    def test_every_other_case_is_left_to_the_general_rule(self, amount_key_now):
        amount, key, now = amount_key_now
        paper = open_paper()
        ledger.spend(paper.pk, 10, "known", now=OPENED)
        before = written(paper)

        written_at_once = fast_spend.attempt(paper.pk, [ledger.SpendItem(amount, key)], "", now)

        assert written_at_once == []
        assert written(paper) == before


@pytest.mark.postgresql
def test_a_big_account_costs_what_a_small_one_does():
    """Also while the planner still believes that every account has a single entry."""
    for _ in range(60):
        ledger.add_package(open_harbor().pk, 500, key="package", now=OPENED)
    paper = open_paper(plan="scale")

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE credits_ledgerentry")
        cursor.execute("SET LOCAL enable_seqscan = off")
        read = []
        for number in range(20):
            cursor.execute(ENTRIES_READ)
            (before,) = cursor.fetchone()
            ledger.spend_many(paper.pk, [(1, f"{number}:{n}") for n in range(50)], now=OPENED)
            cursor.execute(ENTRIES_READ)
            read.append(cursor.fetchone()[0] - before)

    assert max(read[1:]) <= 4 * 50
    assert_in_step(paper)
