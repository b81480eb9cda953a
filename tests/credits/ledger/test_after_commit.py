"""What fails after a commit changes no answer, and what stands beside the ledger changes no sum."""

from __future__ import annotations

import contextlib

import pytest
from kombu.exceptions import OperationalError

from credits import ledger, queries
from credits.accounts import alerts
from credits.ledger import expiring
from credits.models import LowCreditAlert
from credits.signals import balance_changed
from ecomvance_app import live
from ecomvance_app.celery import app
from tests.credits.ledger.books import (
    DAY,
    OPENED,
    STAFF,
    assert_in_step,
    open_loom,
    open_paper,
    written,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listening():
    """Connects listeners of balances for one test."""
    with contextlib.ExitStack() as connected:

        def listen(listener):
            balance_changed.connect(listener, weak=False)
            connected.callback(balance_changed.disconnect, listener)

        yield listen


def test_a_listener_that_fails_takes_back_nothing_and_silences_nobody(listening, caplog):
    loom, heard = open_loom(), []

    def fail(**_):
        raise RuntimeError("The page is gone")

    listening(fail)
    listening(lambda *, version, **_: heard.append(version))

    entry = ledger.spend(loom.pk, 10, "run", now=OPENED)

    assert ledger.spend(loom.pk, 10, "run", now=OPENED).pk == entry.pk
    assert heard == [2]
    assert "The page is gone" in caplog.text
    assert_in_step(loom)


@pytest.mark.parametrize("error", [OperationalError, OSError, RuntimeError])
def test_a_message_that_cannot_be_sent_is_left_to_the_sweep(monkeypatch, error):
    def away(*_arguments, **_options):
        raise error("Connection refused")

    monkeypatch.setattr(app, "send_task", away)
    paper = open_paper()

    crossing = ledger.spend(paper.pk, 2_900, "crossing", now=OPENED)

    assert queries.get_balance(paper.pk, now=OPENED).total == 100
    alert = LowCreditAlert.objects.get(entry=crossing)
    assert alerts.unmailed(OPENED) == [alert.pk]


@pytest.fixture
def without_valkey(settings, monkeypatch):
    """Valkey is away: for live updates at another port, for tasks at the door."""

    def away(*_arguments, **_options):
        raise OperationalError("Connection refused")

    settings.REDIS_URL = "redis://localhost:1/0"
    monkeypatch.setattr(app, "send_task", away)
    yield
    live.flush()


def test_money_does_not_know_whether_valkey_is_there(without_valkey):
    loom = open_loom()

    spent = ledger.spend(loom.pk, 60, "run", now=OPENED)
    assert ledger.spend(loom.pk, 60, "run", now=OPENED).pk == spent.pk
    with pytest.raises(ledger.InsufficientCredits):
        ledger.spend(loom.pk, 41, "too much", now=OPENED)
    ledger.restore(spent.pk, key="back", now=OPENED, **STAFF)
    expiring.book_expiries(now=OPENED + DAY)

    assert written(loom) == [
        ("trial_grant", 100, 0), ("spend", -60, 0), ("restore", 60, 0), ("expire", -100, 0),
    ]  # fmt: skip
    assert_in_step(loom)
