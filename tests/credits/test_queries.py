"""The balance at an instant that has passed, is now or lies ahead: one answer for all."""

from __future__ import annotations

import pytest

from credits import ledger, queries
from tests.credits.ledger.books import (
    DAY,
    END,
    HOUR,
    INSTANT,
    OPENED,
    open_harbor,
    open_loom,
    open_paper,
)

pytestmark = pytest.mark.django_db


def test_as_the_last_entry_up_to_the_instant_left_it():
    paper = open_paper()
    ledger.add_package(paper.pk, 500, key="package", now=OPENED + DAY)
    ledger.spend(paper.pk, 3_100, "run", now=OPENED + 2 * DAY)

    balances = {
        OPENED - INSTANT: (0, 0),
        OPENED: (3_000, 0),
        OPENED + DAY - INSTANT: (3_000, 0),
        OPENED + DAY: (3_000, 500),
        OPENED + 2 * DAY: (0, 400),
        OPENED + 9 * DAY: (0, 400),
    }
    for instant, expected in balances.items():
        assert queries.balance_at(paper.pk, instant) == expected


@pytest.mark.parametrize("booked", [False, True])
def test_an_expiry_counts_from_its_instant_whether_it_is_booked_or_not(booked):
    paper = open_paper()
    ledger.add_package(paper.pk, 500, key="package", now=OPENED)
    if booked:
        ledger.settle(paper.pk, now=END + 3 * DAY)

    assert queries.balance_at(paper.pk, END - INSTANT) == (3_000, 500)
    for later in (END, END + DAY, END + 40 * DAY):
        assert queries.balance_at(paper.pk, later) == (0, 500)
        balance = queries.get_balance(paper.pk, now=later)
        assert queries.balance_at(paper.pk, later) == (balance.plan, balance.package)


def test_a_trial_day_that_nobody_has_used_yet():
    loom = open_loom()
    ledger.spend(loom.pk, 70, "run", now=OPENED)

    assert queries.balance_at(loom.pk, OPENED + DAY - INSTANT) == (30, 0)
    assert queries.balance_at(loom.pk, OPENED + DAY + HOUR) == (100, 0)
    assert queries.balance_at(loom.pk, OPENED + 7 * DAY) == (0, 0)


def test_an_account_without_an_entry():
    assert queries.balance_at(open_harbor().pk, OPENED + DAY) == (0, 0)
