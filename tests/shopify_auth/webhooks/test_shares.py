"""Stores that are slow, workers that die: a claim lives as long as its worker, and a store has one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from celery.signals import before_task_publish
from django.db import connection
from django.test import Client

from ecomvance_app import clock
from ecomvance_app.celery import app
from shopify_auth import tasks
from shopify_auth.models import WebhookDelivery
from shopify_auth.webhooks import handlers, inbox
from tests.embedded import SECOND_SHOP, SHOP, open_page
from tests.shopify_auth.webhooks.post import post

WITHIN_SECONDS = 40
pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sent(store_access, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Both stores have the app; the webhooks that a worker was told of."""
    told: list[str] = []
    open_page(Client())
    open_page(Client(), SECOND_SHOP)

    def send(_name: str, kwargs: dict[str, str], **_options: object) -> None:
        told.append(kwargs.get("webhook_id", ""))

    monkeypatch.setattr(app, "send_task", send)
    return told


class SlowStore:
    """Olivia's store, which answers when it is told to; Sam's answers at once."""

    def __init__(self) -> None:
        self.asked, self.answers = threading.Event(), threading.Event()
        self.handled: list[str] = []

    def handle(self, delivery: WebhookDelivery) -> handlers.Result:
        if delivery.subject == SHOP and not self.answers.is_set():
            self.asked.set()
            assert self.answers.wait(2 * WITHIN_SECONDS)
        self.handled.append(delivery.webhook_id)
        return handlers.Result("Done")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowStore]:
    store = SlowStore()
    monkeypatch.setattr(handlers, "handle", store.handle)
    yield store
    store.answers.set()


def apart(webhook_id: str) -> threading.Thread:
    """A worker in a thread of its own."""

    def work() -> None:
        try:
            tasks.handle_webhook(webhook_id=webhook_id)
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    return worker


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_slow_store_takes_one_place_and_another_ones_webhook_goes_on(sent, slow: SlowStore):
    for webhook_id in ("first", "second", "third"):
        post("app/uninstalled", webhook_id=webhook_id)
    post("app/uninstalled", shop=SECOND_SHOP, webhook_id="sam")
    worker = apart("first")
    assert slow.asked.wait(WITHIN_SECONDS)

    tasks.handle_webhook(webhook_id="second")
    tasks.handle_webhook(webhook_id="third")
    tasks.handle_webhook(webhook_id="sam")

    assert slow.handled == ["sam"]
    slow.answers.set()
    worker.join()
    # The worker that is done with the store has sent the next one on, and that one the last.
    assert sent[4:] == ["second"]
    tasks.handle_webhook(webhook_id="second")
    assert sent[5:] == ["third"]
    tasks.handle_webhook(webhook_id="third")
    assert slow.handled == ["sam", "first", "second", "third"]


def test_what_waits_for_its_store_is_found_when_the_worker_has_died(sent, slow: SlowStore):
    post("app/uninstalled", webhook_id="first")
    post("app/uninstalled", webhook_id="second")
    WebhookDelivery.objects.filter(webhook_id="first").update(
        claim="of-a-dead-worker",
        claimed_until=clock.now() + inbox.LEASE,
        due_at=clock.now() + inbox.LEASE,
    )
    slow.answers.set()
    tasks.handle_webhook(webhook_id="second")
    assert slow.handled == []

    within_a_minute = clock.now() + timedelta(seconds=60)
    assert inbox.sweep(within_a_minute) == 2
    WebhookDelivery.objects.filter(webhook_id="first").update(claimed_until=clock.now())
    tasks.handle_webhook(webhook_id="first")
    tasks.handle_webhook(webhook_id="second")
    assert slow.handled == ["first", "second"]


def test_a_claim_is_kept_alive_while_its_handler_works(sent, slow: SlowStore, monkeypatch):
    monkeypatch.setattr(inbox, "BEAT_SECONDS", 0.05)
    post("app/uninstalled", webhook_id="long")
    worker = apart("long")
    assert slow.asked.wait(WITHIN_SECONDS)

    def ends_at() -> object:
        return WebhookDelivery.objects.values_list("claimed_until", "due_at").get()

    first = ends_at()
    until(lambda: ends_at() != first)
    assert inbox.sweep(clock.now()) == 0

    slow.answers.set()
    worker.join()
    assert WebhookDelivery.objects.get().outcome == "Done"


def test_a_handler_that_hangs_loses_its_claim(sent, slow: SlowStore, monkeypatch):
    monkeypatch.setattr(inbox, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(inbox, "LEASE", timedelta(seconds=0.2))
    monkeypatch.setattr(inbox, "LONGEST_HANDLING_SECONDS", 0.1)
    post("app/uninstalled", webhook_id="hung")
    worker = apart("hung")
    assert slow.asked.wait(WITHIN_SECONDS)
    until(lambda: inbox.sweep(clock.now()) == 1)
    slow.answers.set()
    worker.join()


def test_a_nudge_that_came_within_the_second_is_due_when_it_is_over(sent, slow: SlowStore):
    slow.answers.set()
    post("app_subscriptions/update", webhook_id="first")
    tasks.handle_webhook(webhook_id="first")
    post("app_purchases_one_time/update", webhook_id="second")
    assert sent == ["first"]
    assert inbox.sweep(clock.now() + inbox.NUDGES_JOINED) == 1
    assert sent == ["first", "second"]


def test_messages_go_to_the_stores_queue_and_none_waits_in_a_worker(store_access):
    """Celery keeps a message with a time for later in the worker's memory."""
    published: list[tuple[str, str, object]] = []

    def listen(sender: str, headers: dict[str, object], routing_key: str, **_: object) -> None:
        published.append((sender, routing_key, headers["eta"]))

    # A worker of a browser's test may take it from the broker at once, so it is met on its way.
    before_task_publish.connect(listen)
    try:
        post("app_subscriptions/update", webhook_id="now")
    finally:
        before_task_publish.disconnect(listen)
    assert published == [(inbox.HANDLE, "stores", None)]
