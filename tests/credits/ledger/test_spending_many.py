"""Several spends at once: one entry each, all or nothing."""

from __future__ import annotations

import pytest

from credits import ledger
from tests.credits.ledger.books import DAY, OPENED, assert_in_step, open_loom, written

pytestmark = pytest.mark.django_db


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
