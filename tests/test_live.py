"""Nudges leave on a thread of their own: coalesced, never on the caller's time, quiet in an outage."""

from __future__ import annotations

import json
import logging
import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.db import transaction

from ecomvance_app import after_commit, live
from scripts.servers.valkey import PrivateValkey

WITHIN_SECONDS = 20.0


class Broker:
    """A broker that keeps what it was sent; a test may hold it up, or take it away."""

    def __init__(self) -> None:
        self.sent: list[list[tuple[int, str, str]]] = []
        self.attempts = 0
        self.is_away, self.failures = False, 0
        self.reached, self.may_go_on = threading.Semaphore(0), threading.Event()
        self.may_go_on.set()

    def pipeline(self, *, transaction: bool) -> Broker:
        assert not transaction
        self._packed: list[tuple[int, str, str]] = []
        return self

    def __enter__(self) -> Broker:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def set(self, name: str, value: int, *, ex: int) -> None:
        assert name.startswith("live:told:")
        assert value > 0 < ex

    def publish(self, channel: str, message: str) -> None:
        assert channel == live.CHANNEL
        said = json.loads(message)
        self._packed.append((said["account"], said["kind"], said["id"]))

    def execute(self) -> None:
        self.attempts += 1
        self.reached.release()
        assert self.may_go_on.wait(WITHIN_SECONDS)
        self.failures -= 1
        if self.is_away or self.failures >= 0:
            raise redis.ConnectionError("Connection refused")
        self.sent.append(self._packed)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    broker = Broker()
    monkeypatch.setattr(live, "connect", lambda: broker)
    monkeypatch.setattr(live, "_sender", live.Sender())
    yield broker
    broker.is_away = False
    broker.may_go_on.set()
    live.flush(WITHIN_SECONDS)


def flush() -> None:
    assert live.flush(WITHIN_SECONDS)


def hold_up(broker: Broker) -> None:
    """Let the sender take a nudge of account 1 and wait at the broker."""
    broker.may_go_on.clear()
    live._sender.add((1, "balance", ""))
    assert broker.reached.acquire(timeout=WITHIN_SECONDS)


class TestSending:
    def test_nobody_waits_for_a_broker_that_does_not_answer(self, broker: Broker) -> None:
        hold_up(broker)

        live._sender.add((2, "balance", ""))

        assert not live.flush(0.01)
        assert broker.sent == []

    def test_an_accounts_nudges_are_told_once_until_they_leave(self, broker: Broker) -> None:
        hold_up(broker)
        for _ in range(50):
            live._sender.add((1, "balance", ""))
            live._sender.add((2, "balance", ""))
        live._sender.add((2, "generation", "run"))

        broker.may_go_on.set()
        flush()

        # What comes while the same is on its way is news again.
        assert broker.sent == [
            [(1, "balance", "")],
            [(1, "balance", ""), (2, "balance", ""), (2, "generation", "run")],
        ]

    def test_from_many_threads_nothing_is_lost(self, broker: Broker) -> None:
        def tell(first: int) -> None:
            for number in range(200):
                live._sender.add((first + number, "balance", ""))

        threads = [threading.Thread(target=tell, args=(1_000 * n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        flush()

        told = {account for nudges in broker.sent for account, _kind, _id in nudges}
        assert told == {1_000 * n + number for n in range(8) for number in range(200)}

    def test_beyond_so_many_further_ones_are_lost(
        self, broker: Broker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(live, "MOST_WAITING", 3)
        hold_up(broker)

        for account in range(2, 9):
            live._sender.add((account, "balance", ""))
        broker.may_go_on.set()
        flush()

        assert [account for account, _kind, _id in broker.sent[1]] == [2, 3, 4]

    def test_with_nothing_to_send_there_is_no_thread(self, broker: Broker) -> None:
        flush()

        assert live._sender._thread is None


class TestOutages:
    def test_of_a_moment_lose_nothing(self, broker: Broker) -> None:
        broker.failures = 1
        live._sender.add((1, "balance", ""))
        flush()

        assert broker.attempts == 2
        assert broker.sent == [[(1, "balance", "")]]

    def test_that_last_lose_what_failed_twice(self, broker: Broker) -> None:
        broker.is_away = True
        live._sender.add((1, "balance", ""))
        flush()
        broker.is_away = False
        live._sender.add((2, "balance", ""))
        flush()

        assert broker.sent == [[(2, "balance", "")]]

    def test_after_one_failure_it_is_quiet_until_the_time_has_passed(
        self, broker: Broker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(live, "QUIET_SECONDS", 3_600)
        broker.is_away = True
        live._sender.add((1, "balance", ""))
        assert broker.reached.acquire(timeout=WITHIN_SECONDS)

        live._sender.add((2, "balance", ""))

        assert not broker.reached.acquire(timeout=0.1)
        assert broker.attempts == 1

    def test_each_is_logged_once(self, broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING, "ecomvance_app.live"):
            for is_away in (True, True, True, False, True, True):
                broker.is_away = is_away
                live._sender.add((1, "balance", ""))
                flush()

        assert caplog.text.count("Live updates away") == 2

    def test_what_gathers_in_the_quiet_is_told_afterwards(
        self, broker: Broker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(live, "QUIET_SECONDS", 0.05)
        broker.is_away = True
        live._sender.add((1, "balance", ""))
        assert broker.reached.acquire(timeout=WITHIN_SECONDS)
        live._sender.add((2, "balance", ""))
        broker.is_away = False

        flush()

        assert broker.sent[-1][-1] == (2, "balance", "")


@pytest.mark.django_db(transaction=True)
class TestAfterCommit:
    def test_a_change_that_is_rolled_back_is_not_told(self, broker: Broker) -> None:
        with transaction.atomic():
            live.publish(1, "balance")
            transaction.set_rollback(True)
        live.publish(2, "balance")
        flush()

        assert broker.sent == [[(2, "balance", "")]]

    def test_what_is_withheld_is_not_told(self, broker: Broker) -> None:
        with after_commit.withheld():
            live.publish(1, "balance")
        flush()

        assert broker.sent == []


@pytest.fixture
def valkey() -> Iterator[PrivateValkey]:
    server = PrivateValkey()
    server.start()
    yield server
    server.stop()


def _tell_from_a_fork(heard: Any) -> None:
    live._sender.add((2, "balance", ""))
    heard.send(live.flush(WITHIN_SECONDS))


def heard_by(subscription: Any, number: int) -> set[int]:
    """The accounts of the next messages."""
    accounts: set[int] = set()
    for message in subscription.listen():
        if message["type"] == "message":
            accounts.add(json.loads(message["data"])["account"])
        if len(accounts) == number:
            break
    return accounts


class TestProcesses:
    def test_a_forked_one_has_a_sender_of_its_own(
        self, valkey: PrivateValkey, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.REDIS_URL = valkey.url()
        monkeypatch.setattr(live, "_sender", live.Sender())
        with redis.Redis.from_url(valkey.url()) as client, client.pubsub() as subscription:
            subscription.subscribe(live.CHANNEL)
            live._sender.add((1, "balance", ""))
            flush()
            fork = multiprocessing.get_context("fork")
            receiver, sender = fork.Pipe(duplex=False)
            process = fork.Process(target=_tell_from_a_fork, args=(sender,))
            process.start()

            assert receiver.recv() is True
            process.join(WITHIN_SECONDS)
            assert heard_by(subscription, 2) == {1, 2}

    def test_one_that_ends_sends_what_waits(self, valkey: PrivateValkey) -> None:
        program = (
            "import os, django; django.setup();"
            "from ecomvance_app import live; live.GATHER_SECONDS = 3600;"
            "live._sender.add((7, 'balance', ''))"
        )
        with redis.Redis.from_url(valkey.url()) as client, client.pubsub() as subscription:
            subscription.subscribe(live.CHANNEL)
            environment = {
                "DEBUG": "on",
                "DATABASE_URL": "sqlite://:memory:",
                "DJANGO_SETTINGS_MODULE": "ecomvance_app.settings",
                "REDIS_URL": valkey.url(),
            }
            subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)

            assert heard_by(subscription, 1) == {7}
