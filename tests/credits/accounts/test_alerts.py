"""The low-credit warning: a crossing is told once, armed again, and never caused by a reset."""

from __future__ import annotations

import contextlib

import pytest
from django.db import transaction

from credits import ledger, queries
from credits.accounts import alerts
from credits.models import LowCreditAlert
from ecomvance_app.celery import app
from tests.credits.ledger.books import (
    CYCLE,
    DAY,
    HOUR,
    OPENED,
    STAFF,
    assert_in_step,
    open_harbor,
    open_loom,
    open_paper,
)

pytestmark = pytest.mark.django_db


def alerts_of(account):
    return [
        (alert.remaining, alert.threshold, alert.to_mail)
        for alert in LowCreditAlert.objects.filter(account=account).order_by("pk")
    ]


def test_a_spend_that_crosses_the_threshold_tells_once():
    paper = open_paper()  # 3,000 credits: low at 300
    ledger.spend(paper.pk, 2_699, "above", now=OPENED)
    assert alerts_of(paper) == []

    crossing = ledger.spend(paper.pk, 1, "crossing", now=OPENED)
    ledger.spend(paper.pk, 100, "below", now=OPENED)
    ledger.spend(paper.pk, 200, "to zero", now=OPENED)

    assert alerts_of(paper) == [(300, 300, True)]
    alert = LowCreditAlert.objects.get(account=paper)
    assert (alert.entry_id, alert.created_at) == (crossing.pk, OPENED)
    assert queries.get_balance(paper.pk, now=OPENED).low
    assert_in_step(paper)


def test_the_least_threshold_is_50():
    loom = open_loom()
    ledger.spend(loom.pk, 49, "above", now=OPENED)
    assert not queries.get_balance(loom.pk, now=OPENED).low

    ledger.spend(loom.pk, 1, "crossing", now=OPENED)

    assert alerts_of(loom) == [(50, 50, True)]


def test_a_batch_tells_once():
    paper = open_paper()

    ledger.spend_many(paper.pk, [(1_000, "a"), (1_000, "b"), (900, "c")], now=OPENED)

    assert alerts_of(paper) == [(100, 300, True)]


def test_it_is_armed_again_but_mailed_once_in_a_period():
    paper = open_paper()
    for n in range(3):
        ledger.spend(paper.pk, 2_900, f"down-{n}", now=OPENED + n * DAY)
        ledger.add_package(paper.pk, 2_900, key=f"up-{n}", now=OPENED + n * DAY)
    assert alerts_of(paper) == [(100, 300, True), (100, 300, False), (100, 300, False)]

    end = OPENED + CYCLE
    ledger.start_plan_period(paper.pk, "starter", end, end + CYCLE, key="cycle-2", now=end)
    ledger.spend(paper.pk, 5_900, "next period", now=end)

    assert alerts_of(paper)[3:] == [(100, 300, True)]


def test_without_a_period_one_mail_in_a_billing_cycle():
    harbor = open_harbor()
    for n in range(3):
        now = OPENED + n * 20 * DAY
        ledger.add_package(harbor.pk, 500, key=f"up-{n}", now=now)
        ledger.spend(harbor.pk, 500, f"down-{n}", now=now)

    assert alerts_of(harbor) == [(0, 50, True), (0, 50, False), (0, 50, True)]


def test_after_a_cancellation_one_mail_in_a_billing_cycle():
    paper = open_paper()
    ledger.spend(paper.pk, 2_900, "in the period", now=OPENED)
    ended = OPENED + CYCLE
    for n in range(1, 4):
        now = ended + n * 20 * DAY
        ledger.add_package(paper.pk, 500, key=f"up-{n}", now=now)
        ledger.spend(paper.pk, 500, f"down-{n}", now=now)

    mailed = [to_mail for _remaining, _threshold, to_mail in alerts_of(paper)]
    assert mailed == [True, True, False, True]


@pytest.mark.parametrize("booked_first", [True, False])
def test_the_threshold_of_a_plan_ends_with_it(booked_first):
    paper = open_paper()  # 3,000 credits: low at 300
    ledger.add_package(paper.pk, 500, key="package", now=OPENED)
    ended = OPENED + CYCLE
    if booked_first:
        ledger.settle(paper.pk, now=ended)

    balance = queries.get_balance(paper.pk, now=ended)
    assert (balance.total, balance.low_at, balance.low) == (500, 50, False)
    ledger.spend(paper.pk, 449, "above", now=ended)
    assert alerts_of(paper) == []
    ledger.spend(paper.pk, 1, "crossing", now=ended)

    assert alerts_of(paper) == [(50, 50, True)]


def test_the_merchants_threshold_stays_after_the_plan():
    paper = open_paper()
    alerts.set_threshold(paper.pk, 1_000)

    assert queries.get_balance(paper.pk, now=OPENED + CYCLE).low_at == 1_000


def test_a_reset_never_tells():
    paper = open_paper()
    ledger.add_package(paper.pk, 200, key="package", now=OPENED)

    ledger.spend(paper.pk, 20, "after the end", now=OPENED + CYCLE)

    # 3,200 fell to 200 by the reset; the spend found it low already.
    assert alerts_of(paper) == []


@pytest.mark.parametrize("at", [OPENED + DAY, OPENED + CYCLE], ids=["before the end", "at the end"])
def test_a_renewal_below_the_merchants_threshold_tells_nobody(at):
    """The new period brings less than the merchant likes to have; that is no news of a spend."""
    paper = open_paper(plan="growth")
    ledger.add_package(paper.pk, 1_000, key="package", now=OPENED)
    alerts.set_threshold(paper.pk, 5_000)

    ledger.start_plan_period(paper.pk, "starter", at, at + CYCLE, key="cycle-2", now=at)

    balance = queries.get_balance(paper.pk, now=at)
    assert (balance.total, balance.low_at, balance.low) == (4_000, 5_000, True)
    ledger.spend(paper.pk, 10, "after it", now=at)
    assert alerts_of(paper) == []


def test_a_day_of_the_trial_below_the_merchants_threshold_tells_nobody():
    loom = open_loom()
    ledger.add_package(loom.pk, 400, key="package", now=OPENED)
    alerts.set_threshold(loom.pk, 450)

    for day in range(1, 9):
        ledger.settle(loom.pk, now=OPENED + day * DAY)

    assert queries.get_balance(loom.pk, now=OPENED + 8 * DAY).total == 400
    assert alerts_of(loom) == []


def test_an_adjustment_tells_when_it_takes():
    paper = open_paper()
    ledger.adjust(paper.pk, "plan", -2_800, key="correction", now=OPENED, **STAFF)
    ledger.adjust(paper.pk, "plan", 10, key="goodwill", now=OPENED, **STAFF)

    assert alerts_of(paper) == [(200, 300, True)]


def test_the_merchants_threshold():
    paper = open_paper()
    alerts.set_threshold(paper.pk, 1_000)

    ledger.spend(paper.pk, 1_999, "above", now=OPENED)
    ledger.spend(paper.pk, 1, "crossing", now=OPENED)

    assert alerts_of(paper) == [(1_000, 1_000, True)]


@pytest.mark.parametrize("chosen", [0, 1, 10, 49])
def test_a_chosen_threshold_below_50_is_honoured(chosen):
    paper = open_paper()
    alerts.set_threshold(paper.pk, chosen)

    ledger.spend(paper.pk, 2_999 - chosen, "above", now=OPENED)
    balance = queries.get_balance(paper.pk, now=OPENED)
    assert (balance.total, balance.low_at, balance.low) == (chosen + 1, chosen, False)
    assert alerts_of(paper) == []
    ledger.spend(paper.pk, 1, "crossing", now=OPENED)

    assert alerts_of(paper) == [(chosen, chosen, True)]


def test_a_chosen_threshold_below_50_outlives_a_renewal():
    paper = open_paper()
    alerts.set_threshold(paper.pk, 10)
    end = OPENED + CYCLE
    ledger.start_plan_period(paper.pk, "starter", end, end + CYCLE, key="cycle-2", now=end)

    ledger.spend(paper.pk, 2_980, "above", now=end)

    assert alerts_of(paper) == []
    assert queries.get_balance(paper.pk, now=end).low_at == 10


def test_a_refused_spend_tells_nothing():
    paper = open_paper()

    with pytest.raises(ledger.InsufficientCredits):
        ledger.spend(paper.pk, 3_001, "too much", now=OPENED)

    assert alerts_of(paper) == []


@pytest.fixture
def sent(monkeypatch):
    """The messages that reach the broker, as (task, alert id)."""
    messages = []
    monkeypatch.setattr(
        app, "send_task", lambda *name, kwargs, **_: messages.append((*name, kwargs))
    )
    return messages


@pytest.mark.django_db(transaction=True)
def test_the_warning_is_mailed_after_commit(sent):
    paper = open_paper()

    with transaction.atomic():
        ledger.spend(paper.pk, 2_800, "crossing", now=OPENED + HOUR)
        assert sent == []

    alert = LowCreditAlert.objects.get(account=paper)
    assert sent == [("credits.mail_alert", {"alert_id": alert.pk})]


@pytest.mark.django_db(transaction=True)
def test_a_crossing_that_is_rolled_back_is_told_to_nobody(sent):
    paper = open_paper()

    with contextlib.suppress(ledger.InsufficientCredits), transaction.atomic():
        ledger.spend(paper.pk, 2_800, "crossing", now=OPENED + HOUR)
        ledger.spend(paper.pk, 2_800, "too much", now=OPENED + HOUR)

    assert sent == []
    assert alerts_of(paper) == []


@pytest.mark.parametrize(
    ("total", "expected"),
    [(0, "zero"), (1, "below_cheapest"), (19, "below_cheapest"), (20, "low"), (50, "low"), (51, "fine")],
)  # fmt: skip
def test_the_most_pressing_state_is_shown(total, expected):
    assert alerts.state(total, low_at=50, cheapest=20) == expected
