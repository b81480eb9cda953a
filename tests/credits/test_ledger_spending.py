"""Spends: the split, the idempotency key, the refusals, and several at once."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from itertools import permutations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from credits import ledger, queries, spending
from credits.models import DailyUsage, LedgerEntry
from credits.signals import balance_changed
from tests.credits.books import (
    CYCLE,
    DAY,
    HOUR,
    OPENED,
    STAFF,
    assert_in_step,
    held,
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


def test_an_entry_says_what_it_was_for():
    paper = open_paper()

    spent = ledger.spend(
        paper.pk, 50, "run-1", tool="image-enhance", reference="generation:1", actor="user:3",
        now=OPENED + HOUR,
    )  # fmt: skip

    stored = LedgerEntry.objects.get(pk=spent.pk)
    for entry in (spent, stored):
        assert (entry.account_id, entry.sequence, entry.kind) == (paper.pk, 2, "spend")
        assert (entry.plan_delta, entry.package_delta) == (-50, 0)
        assert (entry.plan_after, entry.package_after) == (2_950, 0)
        assert (entry.key, entry.tool, entry.reference) == (
            "run-1",
            "image-enhance",
            "generation:1",
        )
        assert (entry.actor, entry.created_at) == ("user:3", OPENED + HOUR)
        assert str(entry) == f"{paper.pk}/2 spend -50"


@pytest.mark.parametrize(
    ("plan", "package", "amount", "split"),
    [
        (100, 0, 100, (-100, 0)),
        (100, 50, 100, (-100, 0)),
        (100, 50, 101, (-100, -1)),
        (100, 50, 150, (-100, -50)),
        (0, 50, 50, (0, -50)),
        (1, 1, 1, (-1, 0)),
    ],
)
def test_plan_credits_go_first(plan, package, amount, split):
    harbor = open_harbor()
    for bucket, credits in (("plan", plan), ("package", package)):
        if credits:
            ledger.adjust(harbor.pk, bucket, credits, key=bucket, now=OPENED, **STAFF)

    spent = ledger.spend(harbor.pk, amount, "run", now=OPENED)

    assert (spent.plan_delta, spent.package_delta) == split
    assert held(harbor, OPENED) == (plan + split[0], package + split[1])
    assert_in_step(harbor)


def test_two_shops_know_nothing_of_each_other():
    loom, harbor = open_loom(), open_harbor()
    ledger.add_package(harbor.pk, 500, key="package", now=OPENED)

    first = ledger.spend(loom.pk, 40, "run-1", now=OPENED)
    second = ledger.spend(harbor.pk, 60, "run-1", now=OPENED)

    assert first.pk != second.pk
    assert (held(loom, OPENED), held(harbor, OPENED)) == ((60, 0), (0, 440))


class TestInsufficientCredits:
    @pytest.mark.parametrize(
        ("amount", "short_by"), [(151, 1), (400, 250), (10**9, 10**9 - 150), (10**30, 10**30 - 150)]
    )
    def test_it_says_how_much_is_missing(self, amount, short_by):
        loom = open_loom()
        ledger.add_package(loom.pk, 50, key="package", now=OPENED)
        before = written(loom)

        with pytest.raises(ledger.InsufficientCredits) as refused:
            ledger.spend(loom.pk, amount, "run", now=OPENED)

        error = refused.value
        assert (error.needed, error.available, error.short_by) == (amount, 150, short_by)
        assert written(loom) == before
        assert not isinstance(error, ValueError)

    def test_the_key_stays_free(self):
        harbor = open_harbor()
        with pytest.raises(ledger.InsufficientCredits):
            ledger.spend(harbor.pk, 50, "run", tool="image-enhance", now=OPENED)

        ledger.add_package(harbor.pk, 500, key="package", now=OPENED)

        assert ledger.spend(harbor.pk, 60, "run", tool="ai-shadowing", now=OPENED).credits == -60

    def test_a_callers_transaction_goes_on(self):
        harbor = open_harbor()
        with transaction.atomic():
            with pytest.raises(ledger.InsufficientCredits):
                ledger.spend(harbor.pk, 50, "run", now=OPENED)
            ledger.add_package(harbor.pk, 500, key="package", now=OPENED)

        assert held(harbor, OPENED) == (0, 500)


def make(loom, spend):
    """One of each verb, under the key "first"."""
    now = OPENED + HOUR
    return {
        "spend": lambda: ledger.spend(loom.pk, 20, "first", "image-enhance", "run:1", now=now),
        "spend_many": lambda: ledger.spend_many(
            loom.pk, [(20, "first", "image-enhance", "run:1")], now=now
        )[0],
        "package": lambda: ledger.add_package(loom.pk, 20, key="first", now=now),
        "paid": lambda: ledger.start_plan_period(
            loom.pk, "starter", OPENED, OPENED + CYCLE, key="first", now=now
        ),
        "staff": lambda: ledger.grant_plan(
            loom.pk, "starter", anchor=OPENED, key="first", now=now, **STAFF
        ),
        "adjust": lambda: ledger.adjust(loom.pk, "plan", 20, key="first", now=now, **STAFF),
        "restore": lambda: ledger.restore(spend.pk, key="first", now=now, **STAFF),
    }


VERBS = ["spend", "spend_many", "package", "paid", "staff", "adjust", "restore"]
# One spend, and several that are one, are the same thing.
DIFFERENT = [
    (first, second)
    for first, second in permutations(VERBS, 2)
    if {first, second} != {"spend", "spend_many"}
]


class TestKeys:
    @pytest.mark.parametrize("verb", VERBS)
    def test_the_same_call_again_is_the_first_entry(self, verb):
        loom = open_loom()
        spend = ledger.spend(loom.pk, 30, "other", now=OPENED)
        call = make(loom, spend)[verb]
        first = call()
        before = written(loom)

        again = call()

        assert again.pk == first.pk
        assert again.created_at == first.created_at
        assert written(loom) == before

    @pytest.mark.parametrize(("first", "second"), DIFFERENT)
    def test_a_key_used_for_something_else_is_a_conflict(self, first, second):
        loom = open_loom()
        spend = ledger.spend(loom.pk, 30, "other", now=OPENED)
        verbs = make(loom, spend)
        verbs[first]()
        before = written(loom)

        with pytest.raises(ledger.KeyConflict):
            verbs[second]()

        assert written(loom) == before

    @pytest.mark.parametrize(
        ("amount", "tool", "reference"),
        [
            (21, "image-enhance", "run:1"),
            (20, "ai-shadowing", "run:1"),
            (20, "image-enhance", "run:2"),
            (20, "", "run:1"),
            (10**12, "image-enhance", "run:1"),
        ],
    )
    def test_another_amount_tool_or_reference_is_a_conflict(self, amount, tool, reference):
        loom = open_loom()
        ledger.spend(loom.pk, 20, "run", "image-enhance", "run:1", now=OPENED)

        with pytest.raises(ledger.KeyConflict):
            ledger.spend(loom.pk, amount, "run", tool, reference, now=OPENED)

        assert held(loom, OPENED) == (80, 0)

    def test_actor_and_time_are_not_compared(self):
        loom = open_loom()
        first = ledger.spend(loom.pk, 20, "run", actor="user:1", now=OPENED)

        again = ledger.spend(loom.pk, 20, "run", actor="user:2", now=OPENED + 40 * DAY)

        assert again.pk == first.pk
        assert len(written(loom)) == 2

    def test_a_known_key_is_answered_though_nothing_is_left(self):
        loom = open_loom()
        first = ledger.spend(loom.pk, 100, "run", now=OPENED)

        assert ledger.spend(loom.pk, 100, "run", now=OPENED).pk == first.pk

    @pytest.mark.parametrize(("credits", "reference"), [(501, "gid:1"), (500, "gid:2")])
    def test_a_package_of_another_size_or_purchase_is_a_conflict(self, credits, reference):
        harbor = open_harbor()
        ledger.add_package(harbor.pk, 500, key="purchase", now=OPENED, reference="gid:1")

        with pytest.raises(ledger.KeyConflict):
            ledger.add_package(harbor.pk, credits, key="purchase", now=OPENED, reference=reference)

    def test_an_adjustment_of_the_other_bucket_is_a_conflict(self):
        harbor = open_harbor()
        ledger.adjust(harbor.pk, "plan", 20, key="goodwill", now=OPENED, **STAFF)

        with pytest.raises(ledger.KeyConflict):
            ledger.adjust(harbor.pk, "package", 20, key="goodwill", now=OPENED, **STAFF)

    def test_a_restoration_of_another_spend_is_a_conflict(self):
        loom = open_loom()
        spends = [ledger.spend(loom.pk, 20, f"run-{n}", now=OPENED) for n in range(2)]
        ledger.restore(spends[0].pk, key="back", now=OPENED, **STAFF)

        with pytest.raises(ledger.KeyConflict):
            ledger.restore(spends[1].pk, key="back", now=OPENED, **STAFF)


class TestManyAtOnce:
    def test_one_entry_each_in_order(self):
        loom = open_loom()
        ledger.add_package(loom.pk, 100, key="package", now=OPENED)

        entries = ledger.spend_many(
            loom.pk,
            [(50, f"batch:{n}", "ai-shadowing", f"run:{n}") for n in range(4)],
            now=OPENED,
            actor="user:1",
        )

        assert [(entry.plan_delta, entry.package_delta) for entry in entries] == [
            (-50, 0), (-50, 0), (0, -50), (0, -50),
        ]  # fmt: skip
        assert [entry.sequence for entry in entries] == [3, 4, 5, 6]
        assert [entry.reference for entry in entries] == [f"run:{n}" for n in range(4)]
        assert {entry.actor for entry in entries} == {"user:1"}
        assert all(entry.pk for entry in entries)
        assert_in_step(loom)

    def test_an_item_may_straddle_the_buckets(self):
        loom = open_loom()
        ledger.add_package(loom.pk, 100, key="package", now=OPENED)

        entries = ledger.spend_many(loom.pk, [(80, "a"), (80, "b")], now=OPENED)

        assert [(entry.plan_delta, entry.package_delta) for entry in entries] == [
            (-80, 0), (-20, -60),
        ]  # fmt: skip

    def test_all_or_nothing(self):
        loom = open_loom()

        with pytest.raises(ledger.InsufficientCredits) as refused:
            ledger.spend_many(loom.pk, [(50, "a"), (50, "b"), (1, "c")], now=OPENED)

        assert (refused.value.needed, refused.value.available) == (101, 100)
        assert len(written(loom)) == 1
        assert ledger.spend(loom.pk, 1, "c", now=OPENED).credits == -1

    def test_known_keys_are_the_same_entries_again(self):
        loom = open_loom()
        items = [(30, "a", "ai-shadowing", "run:a"), (40, "b", "ai-shadowing", "run:b")]
        first = ledger.spend_many(loom.pk, items, now=OPENED)

        again = ledger.spend_many(loom.pk, reversed(items), now=OPENED + 9 * DAY)

        assert [entry.pk for entry in again] == [entry.pk for entry in reversed(first)]
        assert len(written(loom)) == 3

    @pytest.mark.parametrize(
        "items",
        [
            pytest.param([(30, "known"), (10, "new")], id="known, then new"),
            pytest.param([(10, "new"), (30, "known")], id="new, then known"),
            pytest.param([(31, "known")], id="another amount"),
            pytest.param([(10, "new"), (10, "new")], id="a key twice"),
            pytest.param([(30, "known", "image-enhance")], id="another tool"),
        ],
    )
    def test_anything_mixed_is_a_conflict(self, items):
        loom = open_loom()
        ledger.spend(loom.pk, 30, "known", now=OPENED)

        with pytest.raises(ledger.KeyConflict):
            ledger.spend_many(loom.pk, items, now=OPENED)

        assert len(written(loom)) == 2

    def test_nothing_asked_is_nothing_done(self):
        loom = open_loom()

        assert ledger.spend_many(loom.pk, [], now=OPENED) == []
        assert len(written(loom)) == 1

    def test_a_batch_on_a_new_day_books_what_is_due_once(self):
        loom = open_loom()

        entries = ledger.spend_many(loom.pk, [(40, "a"), (50, "b")], now=OPENED + 2 * DAY)

        assert [entry.key for entry in entries] == ["a", "b"]
        assert written(loom)[1:] == [
            ("expire", -100, 0),
            ("trial_grant", 100, 0),
            ("spend", -40, 0),
            ("spend", -50, 0),
        ]
        assert_in_step(loom)


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

    @pytest.mark.postgresql
    @pytest.mark.parametrize("items", [ITEMS[:1], ITEMS])
    def test_the_common_case_is_one_statement(self, items):
        paper = open_paper()

        with CaptureQueriesContext(connection) as statements:
            ledger.spend_many(paper.pk, items, now=OPENED)

        assert len(statements) == 1

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

        written_at_once = spending._common_spend(
            paper.pk, [spending.SpendItem(amount, key)], "", now
        )

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


class TestClock:
    def test_now_going_backwards_counts_as_the_last_entrys_time(self):
        paper = open_paper()
        ledger.spend(paper.pk, 50, "late", now=OPENED + 5 * DAY)

        early = ledger.spend(paper.pk, 50, "early", now=OPENED + DAY)

        assert early.created_at == OPENED + 5 * DAY
        assert_in_step(paper)

    def test_an_earlier_now_never_revives_a_period(self):
        loom = open_loom()
        ledger.spend(loom.pk, 10, "day-3", now=OPENED + 2 * DAY)

        again = ledger.spend(loom.pk, 90, "day-1", now=OPENED)

        assert (again.plan_after, again.created_at) == (0, OPENED + 2 * DAY)
        assert held(loom, OPENED) == (0, 0)

    def test_created_at_is_business_time_and_recorded_at_the_clock(self, time_machine):
        clock = OPENED + 100 * DAY
        time_machine.move_to(clock, tick=False)
        paper = open_paper()

        spent = ledger.spend(paper.pk, 50, "run", now=OPENED + DAY)
        (general,) = spend_by_general_rule(paper.pk, [(50, "other")], now=OPENED + DAY)

        for entry in (spent, general):
            assert (entry.created_at, entry.recorded_at) == (OPENED + DAY, clock)

    def test_now_defaults_to_the_clock(self, time_machine):
        paper = open_paper()
        time_machine.move_to(OPENED + 2 * DAY, tick=False)

        assert ledger.spend(paper.pk, 50, "run").created_at == OPENED + 2 * DAY
        assert queries.get_balance(paper.pk).plan == 2_950

    def test_an_instant_is_the_same_in_every_zone(self):
        loom = open_loom()
        tokyo = timezone(timedelta(hours=9))

        entry = ledger.spend(loom.pk, 50, "run", now=(OPENED + DAY).astimezone(tokyo))

        stored = LedgerEntry.objects.get(pk=entry.pk)
        assert (stored.created_at, stored.sequence) == (OPENED + DAY, 4)
        assert entry.created_at.astimezone(UTC) == stored.created_at


def test_listeners_hear_of_a_balance_after_commit_only(django_capture_on_commit_callbacks):
    heard = []

    def listen(*, account_id, version, **_):
        heard.append((account_id, version))

    loom = open_loom()
    balance_changed.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            ledger.spend(loom.pk, 10, "run", now=OPENED)
            ledger.spend(loom.pk, 10, "run", now=OPENED)
            ledger.spend_many(loom.pk, [(10, "a"), (10, "b")], now=OPENED)
            assert heard == []
    finally:
        balance_changed.disconnect(listen)

    assert heard == [(loom.pk, 2), (loom.pk, 4)]
