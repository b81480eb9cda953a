"""The scheduled sweep books expiries of idle accounts, and nothing else."""

from __future__ import annotations

import pytest
from django.db import connection

from credits import ledger, queries, tasks
from credits.ledger import expiring, triggers
from credits.models import Account, LedgerEntry, LowCreditAlert
from ecomvance_app.celery import app
from tests.credits.ledger.books import (
    CYCLE,
    DAY,
    HOUR,
    INSTANT,
    OPENED,
    STAFF,
    assert_in_step,
    held,
    open_harbor,
    open_loom,
    open_paper,
    written,
)

pytestmark = pytest.mark.django_db


def test_what_is_not_due_is_left_alone():
    loom, paper = open_loom(), open_paper()

    assert expiring.book_expiries(now=OPENED + DAY - INSTANT) == 0
    assert (len(written(loom)), len(written(paper))) == (1, 1)


def test_a_trial_day_expires_and_the_next_waits_for_a_write():
    loom = open_loom()

    assert expiring.book_expiries(now=OPENED + DAY) == 1
    assert written(loom) == [("trial_grant", 100, 0), ("expire", -100, 0)]
    assert expiring.book_expiries(now=OPENED + DAY + HOUR) == 0
    assert held(loom, OPENED + DAY + HOUR) == (100, 0)

    ledger.spend(loom.pk, 30, "run", now=OPENED + DAY + HOUR)
    assert written(loom)[2:] == [("trial_grant", 100, 0), ("spend", -30, 0)]
    assert_in_step(loom)


def test_a_paid_period_expires_and_waits_for_its_renewal():
    paper = open_paper()
    end = OPENED + CYCLE

    assert expiring.book_expiries(now=end + 3 * HOUR) == 1

    assert LedgerEntry.objects.get(account=paper, kind="expire").created_at == end
    balance = queries.get_balance(paper.pk, now=end + 3 * HOUR)
    assert (balance.plan, balance.resets_at, balance.renewal_pending) == (0, None, True)
    assert expiring.book_expiries(now=end + DAY) == 0


def test_a_staff_plan_expires_and_the_next_month_waits_for_a_write():
    harbor = open_harbor()
    ledger.grant_plan(harbor.pk, "starter", OPENED, key="staff", now=OPENED, **STAFF)

    for days in (31, 32, 70, 100):
        expiring.book_expiries(now=OPENED + days * DAY)

    assert written(harbor) == [("plan_grant", 3_000, 0), ("expire", -3_000, 0)]
    assert held(harbor, OPENED + 100 * DAY) == (3_000, 0)


def test_a_remainder_and_a_trial_that_is_over_end_for_good():
    loom, harbor = open_loom(), open_harbor()
    ledger.adjust(harbor.pk, "plan", 70, key="goodwill", now=OPENED, **STAFF)

    assert expiring.book_expiries(now=OPENED + 40 * DAY) == 2
    assert expiring.book_expiries(now=OPENED + 400 * DAY) == 0

    for account in (loom, harbor):
        account.refresh_from_db()
        assert (account.period_kind, account.due_at) == ("none", None)
        assert held(account, OPENED + 40 * DAY) == (0, 0)
        assert_in_step(account)


def test_an_emptied_remainder_is_closed():
    harbor = open_harbor()
    ledger.adjust(harbor.pk, "plan", 70, key="goodwill", now=OPENED, **STAFF)
    ledger.spend(harbor.pk, 70, "run", now=OPENED)

    assert expiring.book_expiries(now=OPENED + 40 * DAY) == 1
    harbor.refresh_from_db()
    assert (harbor.period_kind, harbor.due_at) == ("none", None)
    assert len(written(harbor)) == 2


def test_an_emptied_trial_is_closed_when_it_is_over():
    loom = open_loom()
    ledger.spend(loom.pk, 100, "run", now=OPENED)

    assert expiring.book_expiries(now=OPENED + 3 * DAY) == 0
    assert expiring.book_expiries(now=OPENED + 7 * DAY) == 1
    loom.refresh_from_db()
    assert loom.due_at is None
    assert len(written(loom)) == 2


def test_packages_are_never_touched():
    paper = open_paper()
    ledger.add_package(paper.pk, 500, key="package", now=OPENED)

    expiring.book_expiries(now=OPENED + 400 * DAY)

    assert held(paper, OPENED + 400 * DAY) == (0, 500)


def test_more_accounts_than_one_batch(monkeypatch):
    monkeypatch.setattr(expiring, "BATCH", 3)
    shops = [open_loom() for _ in range(10)]

    assert expiring.book_expiries(now=OPENED + DAY) == 10
    for shop in shops:
        assert written(shop) == [("trial_grant", 100, 0), ("expire", -100, 0)]


def open_bakery():
    """A shop with a plan that staff granted."""
    account = open_harbor()
    ledger.grant_plan(account.pk, "starter", OPENED, key="staff", now=OPENED, **STAFF)
    return account


def test_an_account_that_is_out_of_step_does_not_hold_up_the_others(monkeypatch, caplog):
    monkeypatch.setattr(expiring, "BATCH", 2)
    shops = [open_loom() for _ in range(5)]
    broken = shops[1]
    triggers.remove(connection)
    Account.objects.filter(pk=broken.pk).update(version=7)
    triggers.install(connection)

    assert expiring.book_expiries(now=OPENED + DAY) == 4

    for shop in shops:
        expired = [] if shop == broken else [("expire", -100, 0)]
        assert written(shop) == [("trial_grant", 100, 0), *expired]
    (record,) = caplog.records
    assert record.getMessage() == f"The expiry of account {broken.pk} cannot be booked"


@pytest.mark.parametrize("days", [1, 2, 7, 8, 40])
@pytest.mark.parametrize("opened", [open_loom, open_paper, open_bakery])
def test_swept_or_not_the_decisions_are_the_same(days, opened):
    """The sweep and the first write agree: one account is swept every six hours, one never."""
    swept = opened()
    ledger.add_package(swept.pk, 500, key="package", now=OPENED)
    for quarter in range(days * 4 + 1):
        expiring.book_expiries(now=OPENED + quarter * 6 * HOUR)
    idle = opened()
    ledger.add_package(idle.pk, 500, key="package", now=OPENED)

    now = OPENED + days * DAY + HOUR
    assert held(swept, now) == held(idle, now)
    splits = [
        (entry.plan_delta, entry.package_delta)
        for entry in (ledger.spend(account.pk, 120, "run", now=now) for account in (swept, idle))
    ]

    assert splits[0] == splits[1]
    assert written(swept) == written(idle)


def test_the_task_sweeps_by_the_business_clock_and_sends_off_what_was_left(
    time_machine, monkeypatch, django_capture_on_commit_callbacks
):
    loom = open_loom()
    ledger.spend(loom.pk, 60, "run", now=OPENED)
    alert = LowCreditAlert.objects.get()
    sent = []
    monkeypatch.setattr(app, "send_task", lambda *name, kwargs, **_: sent.append((*name, kwargs)))
    time_machine.move_to(OPENED + DAY, tick=False)

    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep()
    tasks.mail_alert(alert_id=alert.pk)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep()

    assert written(loom)[-1] == ("expire", -40, 0)
    assert sent == [("credits.mail_alert", {"alert_id": alert.pk})]
    alert.refresh_from_db()
    assert alert.mailed_at == OPENED + DAY
