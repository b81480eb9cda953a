"""An idempotency key makes each call happen once, and never stands for another one."""

from __future__ import annotations

from itertools import permutations

import pytest

from credits import ledger
from tests.credits.ledger.books import (
    CYCLE,
    DAY,
    HOUR,
    OPENED,
    STAFF,
    held,
    open_harbor,
    open_loom,
    written,
)

pytestmark = pytest.mark.django_db


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
