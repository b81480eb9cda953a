"""What the operations page, `/metrics` and the deep health check say."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from credits import ledger
from ecomvance_app.celery import app
from ecomvance_app.watching import heartbeats, operations
from generations.models import Generation, UsagePrice
from shopify_auth.models import Person
from tests.merchants import Merchant

TOKEN = "a-token-of-the-test-0123"


class FakeRedis:
    """The one hash that signs of life are kept in."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}

    def hset(self, _hash: str, name: str, at: str) -> None:
        self.values[name.encode()] = at.encode()

    def hgetall(self, _hash: str) -> dict[bytes, bytes]:
        return self.values


@pytest.fixture(autouse=True)
def signs(monkeypatch: pytest.MonkeyPatch) -> FakeRedis:
    redis = FakeRedis()
    monkeypatch.setattr(heartbeats, "_client", lambda: redis)
    monkeypatch.setattr(heartbeats, "_told", {})
    return redis


def make_run(merchant: Merchant, number: int, **fields: Any) -> Generation:
    """A finished run of background removal that took `number` seconds."""
    now = timezone.now()
    spend = ledger.spend(merchant.account.pk, 1, f"run{number}", tool="background-removal")
    values: dict[str, Any] = {
        "state": "succeeded", "outcome": "delivered", "engine": "google", "model": "m",
        "usage": {"images": 1},
    }  # fmt: skip
    return Generation.objects.create(
        account=merchant.account, key=f"k{number}", tool="background-removal", price=1,
        spend=spend, surface="web", enqueued_at=now, created_at=now,
        started_at=now - timedelta(seconds=number), finished_at=now, **values | fields,
    )  # fmt: skip


@pytest.mark.django_db
def test_a_tools_times_failures_and_margin(owner: Merchant) -> None:
    UsagePrice.objects.create(
        engine="google", model="m", unit="images", micro_usd=4000, as_of=timezone.now().date()
    )
    for number in range(1, 11):
        make_run(owner, number)
    make_run(owner, 11, state="failed", outcome="timeout")

    tool = next(row for row in operations.read().tools if row.slug == "background-removal")

    assert (tool.runs, tool.failures) == (10, {"timeout": 1})
    assert [tool.p50, tool.p90] == pytest.approx([5.5, 9.1])
    assert tool.cost == Decimal("0.04")
    assert tool.margin == tool.earned - tool.cost


@pytest.mark.django_db
def test_the_page_takes_as_many_queries_with_many_runs(
    chief_client: Client, owner: Merchant, django_assert_max_num_queries: Any
) -> None:
    for number in range(1, 41):
        make_run(owner, number)
    with django_assert_max_num_queries(45):
        page = chief_client.get("/staff/operations/")
    assert page.status_code == 200
    assert "Background Removal" in page.text


@pytest.fixture
def chief_client(db: None) -> Client:
    client = Client()
    client.force_login(Person.objects.create_superuser("sasha@example.com", "x", name="Sasha"))
    return client


@pytest.mark.django_db
def test_metrics_need_their_token(client: Client, settings: Any, owner: Merchant) -> None:
    assert client.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401


@pytest.mark.django_db
def test_metrics_name_what_waits_and_how_tools_do(
    client: Client, settings: Any, owner: Merchant
) -> None:
    settings.METRICS_TOKEN = TOKEN
    heartbeats.tell("beat")
    make_run(owner, 4)
    make_run(owner, 5, state="failed", outcome="timeout")

    text = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text

    assert 'ecomvance_waiting{what="runs_queued"} 0.0' in text
    assert 'ecomvance_run_seconds{quantile="0.5",tool="background-removal"} 4.0' in text
    assert 'ecomvance_failures_day{outcome="timeout",tool="background-removal"} 1.0' in text
    assert 'ecomvance_last_sign_seconds{process="beat"}' in text
    assert "olivia" not in text.lower()


@pytest.mark.django_db
def test_the_deep_check_asks_for_beat_and_a_worker(client: Client, signs: FakeRedis) -> None:
    def away() -> Any:
        return client.get("/readyz?deep").json().get("away")

    assert away() == ["beat", "workers"]
    heartbeats.tell("beat")
    heartbeats.tell("worker:celery@one")
    assert away() is None
    signs.hset("", "beat", str(time.time() - 61))
    assert away() == ["beat"]
    assert client.get("/readyz").status_code == 200


def test_a_sign_is_told_once_in_a_while(signs: FakeRedis) -> None:
    heartbeats.tell("beat")
    signs.values.clear()
    heartbeats.tell("beat")
    assert signs.values == {}


def test_a_scheduled_task_that_ended_leaves_a_sign(signs: FakeRedis) -> None:
    class Task:
        name = "credits.sweep"

    heartbeats._task_has_ended(Task(), state="FAILURE")
    assert signs.values == {}
    heartbeats._task_has_ended(Task(), state="SUCCESS")
    assert list(heartbeats.read().tasks) == ["credits.sweep"]


def test_a_worker_tells_by_its_own_timer(signs: FakeRedis) -> None:
    calls: list[tuple[float, Any, Any]] = []

    class Timer:
        def call_repeatedly(self, seconds: float, call: Any, args: Any) -> None:
            calls.append((seconds, call, args))

    class Worker:
        hostname = "engines@one"
        timer = Timer()

    heartbeats.WorkerHeartbeat(Worker()).start(Worker())
    assert list(heartbeats.read().workers) == ["engines@one"]
    signs.values.clear()

    [(seconds, call, args)] = calls
    call(*args)
    assert seconds == 10
    assert list(heartbeats.read().workers) == ["engines@one"]
    assert heartbeats.WorkerHeartbeat in app.steps["worker"]
