"""Live updates through `GET /events`: whose they are, what they say, what outages do to them."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import time_machine
from asgiref.sync import async_to_sync, sync_to_async
from django.core import signing
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from django.test import AsyncClient, Client
from django.utils import timezone

from credits import ledger
from ecomvance_app import events, live
from ecomvance_app.celery import app
from generations.engines import registry
from generations.media.reading import read_picture
from generations.models import Generation
from generations.runs import lifecycle
from generations.runs.request import Order, Requester, place
from scripts.servers.valkey import PrivateValkey
from shopify_auth.models import Shop
from tests.generations import sample_pictures as samples
from tests.generations.engine import Engine
from tests.merchants import Merchant, open_store
from tests.plugins.browser import Product

pytestmark = pytest.mark.django_db(transaction=True)
Stream = AsyncIterator[bytes]
WITHIN_SECONDS = 20


def ticket_of(merchant: Merchant) -> str:
    """A ticket as a page of the web dashboard fetches it."""
    return str(merchant.client.post("/dashboard/live").json()["ticket"])


@asynccontextmanager
async def stream_of(ticket: str, **since: int) -> AsyncIterator[Stream]:
    """The stream of a ticket. It begins when it is first read, as the server reads it."""
    response: Any = await AsyncClient().get("/events", {"ticket": ticket, **since})
    assert response.status_code == 200
    assert response["Content-Type"] == "text/event-stream"
    yield response.streaming_content
    await response.streaming_content.aclose()


async def next_of(stream: Stream, kind: str) -> dict[str, Any]:
    """The next event of this kind."""
    async with asyncio.timeout(WITHIN_SECONDS):
        async for message in stream:
            lines = dict(line.split(": ", 1) for line in message.decode().strip().splitlines())
            if lines.get("event") == kind:
                found: dict[str, Any] = json.loads(lines["data"])
                return found
    raise AssertionError("The stream has ended")


async def total_becomes(stream: Stream, total: int) -> None:
    """Wait for a balance event with this total."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while (await next_of(stream, "balance"))["total"] != total:
            pass


async def subscribed() -> None:
    """Wait until the hub listens at the broker."""
    client = live.connect()
    async with asyncio.timeout(WITHIN_SECONDS):
        while not await sync_to_async(_listeners)(client):
            await asyncio.sleep(0.02)


def _listeners(client: redis.Redis) -> int:
    try:
        channels: Any = client.pubsub_numsub(live.CHANNEL)
    except redis.RedisError:
        return 0
    return int(channels[0][1])


async def spend(merchant: Merchant, credits: int, key: str) -> None:
    await sync_to_async(ledger.spend)(merchant.account.pk, credits, key)


@pytest.fixture
def broker(settings: Any) -> Iterator[PrivateValkey]:
    """A broker of live updates that the test may stop."""
    valkey = PrivateValkey()
    valkey.start()
    settings.REDIS_URL = valkey.url()
    yield valkey
    live.flush()
    valkey.stop()


class TestTickets:
    def test_open_the_stream_of_their_account_for_a_minute(self, owner: Merchant) -> None:
        @async_to_sync
        async def scenario(ticket: str) -> int:
            async with stream_of(ticket) as stream:
                return int((await next_of(stream, "balance"))["total"])

        assert scenario(ticket_of(owner)) == 100

    @pytest.mark.parametrize("seconds", [61, 3600])
    def test_end_after_a_minute(self, owner: Merchant, client: Client, seconds: int) -> None:
        ticket = ticket_of(owner)

        with time_machine.travel(timezone.now() + timedelta(seconds=seconds)):
            response = client.get("/events", {"ticket": ticket})

        assert response.status_code == 401
        assert response.json()["error"] == "unauthorized"

    @pytest.mark.parametrize("ticket", ["", "1", "MQ:1tXyz0:not-a-signature"])
    def test_cannot_be_made_up(self, owner: Merchant, client: Client, ticket: str) -> None:
        assert client.get("/events", {"ticket": ticket}).status_code == 401

    def test_are_refused_to_people_without_an_account(self, stranger: Client) -> None:
        assert stranger.post("/dashboard/live").status_code == 403

    def test_of_another_account_show_nothing_of_this_one(
        self, owner: Merchant, second_shop: Merchant
    ) -> None:
        @async_to_sync
        async def scenario(ticket: str) -> list[int]:
            async with stream_of(ticket) as stream:
                seen = [int((await next_of(stream, "balance"))["total"])]
                await subscribed()
                await spend(owner, 20, "olivias")
                await spend(second_shop, 5, "sams")
                seen.append(int((await next_of(stream, "balance"))["total"]))
                return seen

        assert scenario(ticket_of(second_shop)) == [100, 95]


class TestRights:
    """A stream ends with what has opened it."""

    @staticmethod
    def ends(monkeypatch: pytest.MonkeyPatch, ticket: str, change: Callable[[], object]) -> bool:
        monkeypatch.setattr(events, "KEEP_ALIVE_SECONDS", 0.1)

        @async_to_sync
        async def scenario() -> bool:
            async with stream_of(ticket) as stream:
                await next_of(stream, "balance")
                await sync_to_async(change)()
                async with asyncio.timeout(WITHIN_SECONDS):
                    said = [event async for event in stream]
                return len(said) <= 1

        return scenario()

    def test_of_a_member_end_with_the_membership(
        self, owner: Merchant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert self.ends(monkeypatch, ticket_of(owner), owner.person.memberships.all().delete)

    def test_of_a_person_end_with_the_person(
        self, owner: Merchant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def close() -> None:
            owner.person.is_active = False
            owner.person.save()

        assert self.ends(monkeypatch, ticket_of(owner), close)

    def test_of_a_session_end_with_the_session(
        self, owner: Merchant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert self.ends(monkeypatch, ticket_of(owner), owner.client.logout)

    def test_of_a_store_end_when_it_leaves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        store = open_store("olivia.myshopify.com")
        headers = store.headers
        ticket = str(Client().post("/live", headers=headers).json()["ticket"])
        shops = Shop.objects.filter(domain=store.domain)

        assert self.ends(monkeypatch, ticket, lambda: shops.update(state="uninstalled"))

    def test_are_asked_before_the_first_event_too(self, owner: Merchant, client: Client) -> None:
        ticket = ticket_of(owner)
        owner.client.logout()

        assert client.get("/events", {"ticket": ticket}).status_code == 401

    def test_no_ticket_shows_the_sessions_key(self, owner: Merchant) -> None:
        ticket = ticket_of(owner)
        readable = signing.loads(ticket, salt="live-ticket")

        assert str(owner.client.session.session_key) not in ticket + readable

    def test_of_one_account_are_counted(
        self, owner: Merchant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(events, "MOST_STREAMS", 2)

        @async_to_sync
        async def scenario(ticket: str) -> int:
            async with stream_of(ticket) as first, stream_of(ticket) as second:
                for stream in (first, second):
                    await next_of(stream, "balance")
                response: Any = await AsyncClient().get("/events", {"ticket": ticket})
                return int(response.status_code)

        assert scenario(ticket_of(owner)) == 429


def test_a_run_is_said_with_its_state_and_the_version_of_the_balance(
    owner: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.LOCAL, "background-removal", Engine())
    # A worker that browser tests have started must not take the run.
    monkeypatch.setattr(app, "send_task", lambda *_arguments, **_options: None)
    picture = read_picture(samples.encoded(samples.quarters(), "JPEG"))
    order = Order("background-removal", uploads=(picture,))
    requester = Requester(owner.account.pk, owner.person.pk, "web")

    @async_to_sync
    async def scenario(ticket: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        async with stream_of(ticket) as stream:
            await next_of(stream, "balance")
            await subscribed()
            run, _created = await sync_to_async(place)(requester, order, "k")
            waiting = await next_of(stream, "generation")
            await sync_to_async(lifecycle.cancel)(owner.account.pk, str(run.pk))
            cancelled = await next_of(stream, "generation")
        async with stream_of(ticket) as stream:
            return waiting, cancelled, await next_of(stream, "balance")

    waiting, cancelled, balance = scenario(ticket_of(owner))

    run = Generation.objects.get()
    assert (waiting["id"], waiting["state"], waiting["cost"]) == (str(run.pk), "queued", 20)
    assert (cancelled["id"], cancelled["state"]) == (str(run.pk), "cancelled")
    assert waiting["version"] < cancelled["version"] == balance["version"]
    assert balance["total"] == 100


def test_what_is_said_right_after_the_first_balance_is_not_lost(
    owner: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slowly the first stream of a process subscribes at the broker."""
    subscribe = redis.asyncio.client.PubSub.subscribe

    async def subscribe_slowly(pubsub: Any, *channels: str) -> None:
        await asyncio.sleep(0.5)
        await subscribe(pubsub, *channels)

    monkeypatch.setattr(redis.asyncio.client.PubSub, "subscribe", subscribe_slowly)
    # No balance that is said for want of anything else may make the loss good.
    monkeypatch.setattr(events, "KEEP_ALIVE_SECONDS", 3_600)

    @async_to_sync
    async def scenario(ticket: str) -> int:
        async with stream_of(ticket) as stream:
            await next_of(stream, "balance")
            await spend(owner, 20, "at once")
            return int((await next_of(stream, "balance"))["total"])

    assert scenario(ticket_of(owner)) == 80


class TestWhatNobodyHeard:
    """A stream begins with `again` when its page was told something before it listened."""

    @staticmethod
    def first_kind(ticket: str, since: int) -> str:
        @async_to_sync
        async def scenario() -> str:
            async with stream_of(ticket, since=since) as stream, asyncio.timeout(WITHIN_SECONDS):
                return (await anext(stream)).decode().split("\n")[0]

        return scenario()

    def test_is_made_good(self, owner: Merchant) -> None:
        since = owner.client.post("/dashboard/live").json()["now"]
        live.publish(owner.account.pk, "plan")
        assert live.flush(WITHIN_SECONDS)

        assert self.first_kind(ticket_of(owner), since) == "event: again"
        # What was said before the page was asked for is in the page.
        assert self.first_kind(ticket_of(owner), since + 600_000) == "event: balance"

    def test_of_others_is_not_ours(self, owner: Merchant, second_shop: Merchant) -> None:
        live.flush(WITHIN_SECONDS)
        since = owner.client.post("/dashboard/live").json()["now"] + 1
        live.publish(second_shop.account.pk, "plan")
        assert live.flush(WITHIN_SECONDS)

        assert self.first_kind(ticket_of(owner), since) == "event: balance"

    def test_of_a_page_older_than_is_remembered_counts_as_missed(self, owner: Merchant) -> None:
        since = owner.client.post("/dashboard/live").json()["now"] - 2 * 3_600_000

        assert self.first_kind(ticket_of(owner), since) == "event: again"

    @pytest.mark.parametrize("since", ["-5", "soon", "9" * 40, "²"])
    def test_a_since_that_is_no_time_is_none(self, owner: Merchant, since: Any) -> None:
        assert self.first_kind(ticket_of(owner), since) == "event: balance"


class TestOutages:
    def test_of_the_broker_delay_the_balance_and_lose_nothing(
        self, owner: Merchant, broker: PrivateValkey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(events, "KEEP_ALIVE_SECONDS", 0.5)

        @async_to_sync
        async def scenario(ticket: str) -> None:
            async with stream_of(ticket) as stream:
                await next_of(stream, "balance")
                await subscribed()
                await sync_to_async(broker.stop)()
                await spend(owner, 20, "while away")
                await total_becomes(stream, 80)

        scenario(ticket_of(owner))

    def test_of_the_broker_end_with_a_new_subscription(
        self, owner: Merchant, broker: PrivateValkey
    ) -> None:
        @async_to_sync
        async def scenario(ticket: str) -> None:
            async with stream_of(ticket) as stream:
                await next_of(stream, "balance")
                await subscribed()
                await sync_to_async(broker.stop)()
                await spend(owner, 20, "while away")
                await sync_to_async(broker.start)()
                await next_of(stream, "again")
                await spend(owner, 10, "afterwards")
                await total_becomes(stream, 70)

        scenario(ticket_of(owner))

    @pytest.mark.postgresql  # SQLite has no connection to lose.
    def test_of_the_database_cost_one_event(self, owner: Merchant) -> None:
        refused: list[str] = []

        def refuse_once(**_signal: Any) -> None:
            name = threading.current_thread().name
            if name.startswith("events") and not refused:
                refused.append(name)
                raise OperationalError("the server closed the connection unexpectedly")

        @async_to_sync
        async def scenario(ticket: str) -> None:
            async with stream_of(ticket) as stream:
                await next_of(stream, "balance")
                await subscribed()
                connection_created.connect(refuse_once)
                await spend(owner, 20, "while away")
                async with asyncio.timeout(WITHIN_SECONDS):
                    while not refused:
                        await asyncio.sleep(0.02)
                await spend(owner, 10, "afterwards")
                await total_becomes(stream, 70)

        try:
            scenario(ticket_of(owner))
        finally:
            connection_created.disconnect(refuse_once)


@pytest.mark.postgresql
def test_twenty_open_streams_hold_no_database_connection_each(
    product: Product, owner: Merchant
) -> None:
    address = urlsplit(product.url)
    before = _connections()

    with ExitStack() as streams:
        for _ in range(20):
            stream = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
            streams.enter_context(closing(stream))
            stream.request("GET", f"/events?ticket={ticket_of(owner)}")
            assert stream.getresponse().readline() == b"event: balance\n"

        _until(lambda: _connections() <= before + 10)


def _connections() -> int:
    """The database's connections but this test's own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
