"""The demo store's life: played through real actions, so it keeps all the rules of the ledger."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command

from credits import periods, queries
from credits.accounts import alerts
from credits.models import Account, RestorationCase
from credits.reports import usage
from ecomvance_app import clock, jobs
from ecomvance_app.celery import app
from generations.catalog import CHEAPEST
from generations.models import Generation
from scripts.servers.valkey import free_port
from shopify_auth.models.charges import Subscription
from tests.devstore_fixture import demo_photos

__all__ = ["demo_photos"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo_store(settings, tmp_path: Path, demo_photos: Path) -> Account:
    """A demo store on its first day, with a business clock of its own."""
    (tmp_path / "demo_photos").symlink_to(demo_photos)
    settings.DATA_DIR = tmp_path
    settings.DEBUG, settings.DEV_STORE = True, f"http://127.0.0.1:{free_port()}"
    call_command("demo_store")
    return Account.objects.get()


def balance(account: Account) -> queries.Balance:
    return queries.get_balance(account.pk, clock.now())


@pytest.mark.parametrize("hour", [3, 15], ids=["late in New York", "in the morning"])
def test_three_months_that_add_up(hour, request, time_machine, capsys):
    time_machine.move_to(datetime(2026, 12, 2, hour, 30, tzinfo=UTC))
    demo_store = request.getfixturevalue("demo_store")
    call_command("demo_history")
    call_command("check_ledger")

    now = clock.now()
    lived = now - demo_store.opened_at
    assert timedelta(days=92) < lived < timedelta(days=94)
    today = periods.local_day(now, demo_store.time_zone)
    report = usage.read_days(demo_store.pk, today, today + timedelta(days=1))
    assert [(day.used, day.correction, day.net) for day in report.days] == [(150, -30, 120)]
    states = list(RestorationCase.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["approved", "approved", "declined", "open"]
    assert {run.state for run in Generation.objects.all()} == {"succeeded", "failed", "cancelled"}
    assert all(
        run.pictures.filter(role="output").exists()
        for run in Generation.objects.filter(state="succeeded")
    )


def test_workers_hear_nothing_of_the_story_and_all_that_comes_after_it(
    demo_store, monkeypatch, django_capture_on_commit_callbacks
):
    sent = []
    monkeypatch.setattr(app, "send_task", lambda name, **_options: sent.append(name))

    with django_capture_on_commit_callbacks(execute=True):
        call_command("demo_history", "--state", "trial-day-5")
    assert sent == []

    with django_capture_on_commit_callbacks(execute=True):
        jobs.enqueue("credits.sweep")
    assert sent == ["credits.sweep"]


@pytest.mark.parametrize(("state", "left"), [("low", 50), ("below-cheapest", 10), ("zero", 0)])
def test_states_of_running_out(demo_store, state, left):
    call_command("demo_history", "--state", state, "--days", "9")

    held = balance(demo_store)
    named = {"low": "low", "below-cheapest": "below_cheapest", "zero": "zero"}[state]
    assert held.total == left
    assert alerts.state(held.total, held.low_at, CHEAPEST) == named


@pytest.mark.parametrize(("state", "day"), [("trial-day-5", 5), ("trial-last-day", 7)])
def test_trial_states(demo_store, state, day):
    call_command("demo_history", "--state", state)

    assert balance(demo_store).trial_day == day


def test_a_trial_day_that_is_used_up(demo_store):
    call_command("demo_history", "--state", "trial-zero")

    held = balance(demo_store)
    assert (held.kind, held.total) == ("trial", 0)


def test_a_trial_that_ended_leaves_packages(demo_store):
    call_command("demo_history", "--state", "trial-ended")

    held = balance(demo_store)
    assert (held.kind, held.plan) == ("none", 0)
    assert held.package > 0


def test_a_month_in_which_nothing_happened(demo_store):
    call_command("demo_history", "--state", "quiet-month")

    today = periods.local_day(clock.now(), demo_store.time_zone)
    assert usage.read_month(demo_store.pk, today.year, today.month).lines == ()


def test_a_renewal_that_is_not_confirmed(demo_store):
    call_command("demo_history", "--state", "renewal-pending")

    assert balance(demo_store).renewal_pending

    assert subscription(demo_store).status == "ACTIVE"


def test_a_bill_that_is_not_paid(demo_store):
    call_command("demo_history", "--state", "frozen")

    held = balance(demo_store)
    assert subscription(demo_store).status == "FROZEN"
    assert held.plan == 0
    assert held.package > 0


def test_a_plan_that_was_cancelled_and_still_has_credits(demo_store):
    call_command("demo_history", "--state", "cancelling")

    held = balance(demo_store)
    assert subscription(demo_store).status == "CANCELLED"
    assert held.plan > 0
    assert held.resets_at is not None
    assert held.resets_at > clock.now()


def test_a_fake_shopify_that_runs_is_not_played_against(demo_store, settings):
    port = urlsplit(settings.DEV_STORE).port
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(CommandError, match="is in use"),
    ):
        call_command("demo_history", "--state", "frozen")


def subscription(account: Account) -> Subscription:
    """The demo store's subscription, as it was bought on the fake Shopify."""
    row = account.shops.get().subscriptions.get()
    assert row.gid.startswith("gid://shopify/AppSubscription/")
    return row


def test_is_played_once(demo_store):
    call_command("demo_history", "--state", "trial-day-5")

    with pytest.raises(CommandError, match="has a history already"):
        call_command("demo_history")


def test_needs_the_demo_store(settings):
    settings.DEBUG, settings.DEV_STORE = True, "http://127.0.0.1:9"
    with pytest.raises(CommandError, match="demo_store"):
        call_command("demo_history")

    settings.DEV_STORE = ""
    with pytest.raises(CommandError, match="DEV_STORE"):
        call_command("demo_history")
