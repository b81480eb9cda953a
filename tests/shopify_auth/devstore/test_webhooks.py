"""The fake's webhooks: signed like Shopify's, and lost, doubled or late when told to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from shopify_auth.devstore import courier
from shopify_auth.devstore.state import DeliveryStatus
from tests.devstore_fixture import DevStore

DOCUMENTED = Path(__file__).resolve().parents[4] / "shared" / "shopify" / "webhooks"
COMPLIANCE = ["customers/data_request", "customers/redact", "shop/redact"]


class Receiver:
    """An app that keeps what it is sent and answers with the statuses it was given, then 200."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((dict(self.headers), body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def topics(self) -> list[str]:
        return [headers["X-Shopify-Topic"] for headers, _ in self.received]

    def last_body(self) -> Any:
        return json.loads(self.received[-1][1])


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, args=(0.05,))
    thread.start()
    settings.APP_URL = receiver.url
    yield receiver
    receiver.server.shutdown()
    thread.join()
    receiver.server.server_close()


@pytest.fixture
def devstore(receiver: Receiver, devstore: DevStore) -> Iterator[DevStore]:
    """The fake, ended before the app it delivers to."""
    yield devstore
    devstore.wait_for_webhooks()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat a failed delivery at once."""
    monkeypatch.setattr(courier, "BACK_OFF_SECONDS", (0.01,) * 8)


def shape(value: Any) -> Any:
    """The keys of a body, all the way down."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return type(value).__name__ if isinstance(value, list) else None


class TestTransport:
    def test_the_signature_covers_the_raw_body(
        self, devstore: DevStore, receiver: Receiver, settings: Settings
    ):
        devstore.press("uninstall")
        devstore.wait_for_webhooks()

        headers, body = receiver.received[0]
        digest = hmac.new(settings.SHOPIFY_API_SECRET.encode(), body, hashlib.sha256).digest()
        assert headers["X-Shopify-Hmac-Sha256"] == base64.b64encode(digest).decode()
        assert headers["X-Shopify-Topic"] == "app/uninstalled"
        assert headers["X-Shopify-Shop-Domain"] == "ecomvance-demo.myshopify.com"
        assert headers["X-Shopify-API-Version"] == "2026-10"
        assert {"X-Shopify-Webhook-Id", "X-Shopify-Event-Id", "X-Shopify-Triggered-At"} <= set(
            headers
        )

    def test_a_failed_delivery_is_repeated_with_its_id(
        self, devstore: DevStore, receiver: Receiver, hurried
    ):
        receiver.statuses = [500, 302]

        devstore.press("uninstall")
        devstore.wait_for_webhooks()

        ids = {headers["X-Shopify-Webhook-Id"] for headers, _ in receiver.received}
        assert len(receiver.received) == 3
        assert len(ids) == 1

    def test_it_gives_up_after_eight_repetitions(
        self, devstore: DevStore, receiver: Receiver, hurried
    ):
        receiver.statuses = [500] * 20

        devstore.press("uninstall")
        devstore.wait_for_webhooks()

        assert len(receiver.received) == 9
        assert devstore.deliveries()[0].status is DeliveryStatus.FAILED

    def test_sent_again_from_the_page_it_keeps_its_id(self, devstore: DevStore, receiver: Receiver):
        devstore.press("uninstall")
        devstore.wait_for_webhooks()
        devstore.press("resend", webhook_id=devstore.deliveries()[0].webhook_id)
        devstore.wait_for_webhooks()

        first, second = (headers["X-Shopify-Webhook-Id"] for headers, _ in receiver.received)
        assert first == second


class TestBodies:
    @pytest.mark.parametrize("topic", COMPLIANCE)
    def test_compliance_bodies_have_the_documented_shape(
        self, devstore: DevStore, receiver: Receiver, topic: str
    ):
        devstore.press("compliance", topic=topic)
        devstore.wait_for_webhooks()

        assert shape(receiver.last_body()) == shape(documented(topic))
        assert receiver.last_body()["shop_domain"] == "ecomvance-demo.myshopify.com"

    def test_uninstalled_describes_the_shop(self, devstore: DevStore, receiver: Receiver):
        devstore.press("uninstall")
        devstore.wait_for_webhooks()

        assert receiver.last_body().keys() == documented("app/uninstalled").keys()
        assert receiver.last_body()["myshopify_domain"] == "ecomvance-demo.myshopify.com"


def documented(topic: str) -> Any:
    file = DOCUMENTED / f"{topic.replace('/', '__')}.json"
    if not file.exists():
        pytest.skip(f"Put Shopify's documented example of {topic} at {file} to compare with it.")
    return json.loads(file.read_text())


class TestMisbehaviour:
    def test_a_lost_one_never_arrives(self, devstore: DevStore, receiver: Receiver):
        devstore.misbehave(webhook_lost=1)

        devstore.press("compliance", topic="customers/redact")
        devstore.press("compliance", topic="shop/redact")
        devstore.wait_for_webhooks()

        assert receiver.topics() == ["shop/redact"]

    def test_a_doubled_one_comes_twice_with_one_id(self, devstore: DevStore, receiver: Receiver):
        devstore.misbehave(webhook_twice=1)

        devstore.press("compliance", topic="shop/redact")
        devstore.wait_for_webhooks()

        ids = [headers["X-Shopify-Webhook-Id"] for headers, _ in receiver.received]
        assert len(ids) == 2
        assert ids[0] == ids[1]

    def test_a_held_one_comes_after_its_successor(self, devstore: DevStore, receiver: Receiver):
        devstore.misbehave(webhook_reordered=1)

        devstore.press("compliance", topic="customers/redact")
        devstore.press("compliance", topic="shop/redact")
        devstore.wait_for_webhooks()

        assert receiver.topics() == ["shop/redact", "customers/redact"]

    def test_a_late_one_waits(self, devstore: DevStore, receiver: Receiver, monkeypatch):
        monkeypatch.setattr("shopify_auth.devstore.webhooks.LATE_SECONDS", 1)
        devstore.misbehave(webhook_late=1)

        devstore.press("compliance", topic="customers/redact")
        devstore.press("compliance", topic="shop/redact")
        devstore.wait_for_webhooks()

        assert receiver.topics() == ["shop/redact", "customers/redact"]

    def test_a_forged_one_has_a_wrong_signature(
        self, devstore: DevStore, receiver: Receiver, settings: Settings
    ):
        devstore.misbehave(webhook_forged=1)

        devstore.press("compliance", topic="shop/redact")
        devstore.wait_for_webhooks()

        headers, body = receiver.received[0]
        digest = hmac.new(settings.SHOPIFY_API_SECRET.encode(), body, hashlib.sha256).digest()
        assert headers["X-Shopify-Hmac-Sha256"] != base64.b64encode(digest).decode()


class TestUninstall:
    def test_redaction_follows_after_48_hours(self, devstore: DevStore, receiver: Receiver):
        devstore.press("uninstall")
        devstore.move_clock(hours=47)
        devstore.wait_for_webhooks()
        assert receiver.topics() == ["app/uninstalled"]

        devstore.move_clock(hours=1)
        devstore.move_clock(days=30)
        devstore.wait_for_webhooks()
        assert receiver.topics() == ["app/uninstalled", "shop/redact"]

    def test_a_reinstall_prevents_the_redaction(self, devstore: DevStore, receiver: Receiver):
        devstore.press("uninstall")
        devstore.press("install")
        devstore.move_clock(days=3)
        devstore.wait_for_webhooks()

        assert receiver.topics() == ["app/uninstalled"]
        assert devstore.shop().installed
