"""The short way for webhooks past the pages' middleware, as the ASGI server takes it."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from asgiref.testing import ApplicationCommunicator
from kombu.exceptions import OperationalError
from redis.exceptions import ResponseError

from ecomvance_app.asgi import application
from ecomvance_app.celery import app
from shopify_auth.models import WebhookDelivery
from tests.embedded import SHOP
from tests.shopify_auth.webhooks.post import PATH, body_of, post, signed

pytestmark = pytest.mark.django_db(transaction=True)


def scope(headers, method="POST", path=PATH):
    """What uvicorn hands over."""
    raw = [(name.lower().encode(), text.encode("latin-1")) for name, text in headers.items()]
    common = {"type": "http", "query_string": b"", "root_path": "", "http_version": "1.1"}
    return common | {"method": method, "path": path, "headers": [(b"host", b"localhost"), *raw]}


def headers_of(body, webhook_id, topic="app/scopes_update"):
    return {
        "X-Shopify-Topic": topic,
        "X-Shopify-Webhook-Id": webhook_id,
        "X-Shopify-Hmac-Sha256": signed(body),
    }


async def send(headers, *parts, **changes):
    """One request in as many parts as given; its status."""
    communicator = ApplicationCommunicator(application, scope(headers, **changes))
    for number, part in enumerate(parts, start=1):
        await communicator.send_input(
            {"type": "http.request", "body": part, "more_body": number < len(parts)}
        )
    start = await communicator.receive_output(10)
    while (await communicator.receive_output(10)).get("more_body"):
        pass
    await communicator.wait(60)
    return start["status"]


def test_deliveries_that_come_together_are_all_stored_once():
    body = json.dumps(body_of("app/scopes_update")).encode()

    async def burst():
        ids = [f"burst-{number % 40}" for number in range(60)]
        return await asyncio.gather(*(send(headers_of(body, one), body) for one in ids))

    assert asyncio.run(burst()) == [200] * 60
    assert WebhookDelivery.objects.count() == 40


def uninstallations(count):
    """Deliveries each of which sends a message of its own."""
    body = json.dumps(body_of("app/uninstalled")).encode()
    ids = [f"number-{number}" for number in range(count)]
    return [send(headers_of(body, one, "app/uninstalled"), body) for one in ids]


def test_shopify_does_not_wait_for_a_broker_that_hangs(monkeypatch):
    broker_answers = threading.Event()
    sent = []

    def hang(name, **options):
        broker_answers.wait(30)
        sent.append(options["kwargs"]["webhook_id"])

    monkeypatch.setattr(app, "send_task", hang)

    async def burst(deliveries):
        statuses = [await one for one in deliveries]
        assert sent == []
        broker_answers.set()
        while len(sent) < 5:
            await asyncio.sleep(0.01)
        return statuses

    assert asyncio.run(burst(uninstallations(5))) == [200] * 5
    assert WebhookDelivery.objects.count() == 5
    assert sorted(sent) == [f"number-{number}" for number in range(5)]


@pytest.mark.parametrize(
    "error", [OperationalError("away"), ResponseError("OOM command not allowed"), OSError()]
)
def test_a_broker_that_takes_no_message_costs_no_delivery(monkeypatch, caplog, error):
    def refuse(*_arguments, **_options):
        raise error

    monkeypatch.setattr(app, "send_task", refuse)

    async def burst(deliveries):
        statuses = [await one for one in deliveries]
        while caplog.text.count("waits for the sweep") < 2:
            await asyncio.sleep(0.01)
        return statuses

    assert asyncio.run(burst(uninstallations(2))) == [200, 200]
    assert post("shop/redact").status_code == 200
    assert WebhookDelivery.objects.count() == 3


def test_whatever_keeps_deliveries_from_being_stored_is_answered_with_500(monkeypatch):
    def fail(*_arguments, **_options):
        raise RuntimeError("no connection is left in the pool")

    with monkeypatch.context() as outage:
        outage.setattr(WebhookDelivery.objects, "bulk_create", fail)
        assert asyncio.run(uninstallations(1)[0]) == 500
    assert asyncio.run(uninstallations(1)[0]) == 200


def test_a_body_that_comes_in_parts_is_one_body():
    body = json.dumps(body_of("shop/redact")).encode()
    status = asyncio.run(send(headers_of(body, "parts", "shop/redact"), body[:7], body[7:]))
    assert status == 200
    assert WebhookDelivery.objects.get().subject == SHOP


def test_a_forged_delivery_is_401_and_a_huge_one_413():
    forged = {"X-Shopify-Hmac-Sha256": signed(b"{}", "somebody-else")}
    assert asyncio.run(send(forged, b"{}")) == 401
    assert asyncio.run(send({}, b"{}")) == 401
    huge = [b" " * 1024 * 1024] * 3
    assert asyncio.run(send({}, *huge)) == 413
    assert not WebhookDelivery.objects.exists()


def test_a_sender_that_hangs_up_leaves_nothing():
    async def hang_up():
        communicator = ApplicationCommunicator(application, scope({}))
        await communicator.send_input({"type": "http.request", "body": b"{", "more_body": True})
        await communicator.send_input({"type": "http.disconnect"})
        await communicator.wait(60)

    asyncio.run(hang_up())
    assert not WebhookDelivery.objects.exists()


def test_everything_else_takes_the_usual_way():
    assert asyncio.run(send({}, b"", method="GET")) == 405
    assert asyncio.run(send({}, b"", method="GET", path="/healthz")) == 200
