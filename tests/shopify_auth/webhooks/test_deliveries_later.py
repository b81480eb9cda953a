"""Deliveries that were lost, failed, replayed or kept: what becomes of them later."""

from __future__ import annotations

import logging
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ecomvance_app import clock
from shopify_auth import tasks
from shopify_auth.models import WebhookDelivery
from shopify_auth.webhooks import inbox
from tests.shopify_auth.webhooks.post import HANDLE, outcome, post, work

pytestmark = pytest.mark.django_db


def test_a_message_that_was_lost_is_found_by_the_sweep(shop):
    post("app/scopes_update", webhook_id="lost")
    now = clock.now()
    assert inbox.sweep(now) == 0
    assert inbox.sweep(now + inbox.FIRST_TRY_WITHIN) == 1
    assert inbox.sweep(now + inbox.FIRST_TRY_WITHIN) == 0


def test_a_failure_is_tried_again_later_and_later(shop, store_access, monkeypatch):
    monkeypatch.setattr("shopify_auth.admin_api.client.FIRST_WAIT_SECONDS", 0.01)
    store_access.misbehave(handle=HANDLE, server_error=-1)
    post("app/scopes_update", webhook_id="failing")
    waits = []
    for _ in range(3):
        work()
        waits.append((WebhookDelivery.objects.get().due_at - clock.now()).total_seconds())
    assert WebhookDelivery.objects.get().attempts == 3
    assert waits[0] < waits[1] < waits[2]
    store_access.misbehave(handle=HANDLE, server_error=0)
    work()
    assert outcome("app/scopes_update") == "Scopes read"


def test_staff_replay_a_webhook_by_command(shop, store_access, capsys):
    post("app/scopes_update", webhook_id="one")
    work()
    call_command("replay_webhook", "one")
    assert "1 to be handled again" in capsys.readouterr().out
    assert WebhookDelivery.objects.get().handled_at is None
    work()
    assert WebhookDelivery.objects.get().handled_at is not None
    with pytest.raises(CommandError, match="unknown-id"):
        call_command("replay_webhook", "unknown-id")


def test_old_deliveries_are_forgotten(shop):
    post("app/uninstalled")
    post("orders/create", {"id": 1})
    work()
    now = clock.now()
    inbox.forget_old(now + inbox.BODIES_KEPT * 1.01)
    assert set(WebhookDelivery.objects.values_list("body", flat=True)) == {""}
    inbox.forget_old(now + inbox.DELIVERIES_KEPT * 1.01)
    assert not WebhookDelivery.objects.exists()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_workers_that_take_the_same_delivery_at_once_handle_it_once(shop, caplog):
    post("app/scopes_update", webhook_id="contested")
    caplog.set_level(logging.INFO, "shopify_auth.admin_api.client")
    caplog.clear()
    start = threading.Barrier(6)

    def handle():
        start.wait()
        try:
            tasks.handle_webhook(webhook_id="contested")
        finally:
            connection.close()

    workers = [threading.Thread(target=handle) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert caplog.text.count("AccessScopes for") == 1
    delivery = WebhookDelivery.objects.get()
    assert (delivery.attempts, delivery.outcome) == (1, "Scopes read")
