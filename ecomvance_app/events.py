"""Live updates: server-sent events `balance`, `generation` and others to every open page of an account.

One subscription to Valkey per process fans out to the open streams. A nudge names what changed;
the hub reads it from the database once for all streams, on one connection of its own. A nudge can
get lost, so a quiet stream carries the balance again every 15 seconds, and `again` says that there was
one which nobody heard: between the page and its stream, between two streams, while the broker was away.
EventSource cannot carry a session token, so a page fetches a ticket (by cookie on the web, by
session token in Shopify's admin) and opens the stream with it. Tickets last 60 seconds; the right
they carry is asked again at every keep-alive, and the stream ends with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error as DatabaseError
from django.db import close_old_connections, connections
from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from credits import queries as credit_queries
from credits.representations import balance_json
from ecomvance_app import live
from ecomvance_app.http import MerchantRequest, public, unauthorized
from generations.runs.representations import generation_json
from shopify_auth.identity import stream_rights
from shopify_auth.identity.stream_rights import StreamRight

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 15
# Of one account in one process: more than its people have windows.
MOST_STREAMS = 24
# How long a new stream waits for the broker before it begins without.
SUBSCRIBED_WITHIN_SECONDS = 2
MOST_DIGITS = 16
AGAIN = "event: again\ndata: {}\n\n"


def ticket(request: MerchantRequest) -> JsonResponse:
    """A ticket for this account's stream, good for 60 seconds, and the server's time in milliseconds."""
    right = stream_rights.right_of(request)
    return JsonResponse({"ticket": stream_rights.issue_ticket(right), "now": _milliseconds()})


def balance(request: MerchantRequest) -> JsonResponse:
    """The balance as `/api/v1/balance` gives it: what pages poll while no stream is open."""
    return JsonResponse(balance_json(credit_queries.get_balance(request.account.pk)))


@public
async def stream(request: HttpRequest) -> HttpResponseBase:
    """`GET /events`: the stream of the account that the session token or the ticket names."""
    right = _right(request)
    if right is None or not await sync_to_async(stream_rights.holds)(right):
        return unauthorized()
    if _hub.is_full(right.account_id):
        return _too_many()
    # The middleware's connection would otherwise stay open for the life of the stream.
    await sync_to_async(connections.close_all)()
    return StreamingHttpResponse(
        _hub.listen(right, _since(request)),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _right(request: HttpRequest) -> StreamRight | None:
    if getattr(request, "account", None) is not None:
        return stream_rights.right_of(cast("MerchantRequest", request))
    return stream_rights.read_ticket(request.GET.get("ticket", ""))


def _since(request: HttpRequest) -> int | None:
    """Until when the page has heard everything, by the server's clock in milliseconds."""
    told = request.GET.get("since", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < MOST_DIGITS else None


def _milliseconds() -> int:
    return int(1_000 * time.time())


def _too_many() -> JsonResponse:
    message = _("Too many windows are open. Reload this one to see changes.")
    response = JsonResponse({"error": "too_many_streams", "message": message}, status=429)
    response["Retry-After"] = str(KEEP_ALIVE_SECONDS)
    return response


class _Events(asyncio.Queue[str]):
    """What one stream has yet to say; what does not fit any more is made good by an `again`."""

    def __init__(self) -> None:
        super().__init__(maxsize=100)
        self._has_forgotten = False

    def offer(self, event: str) -> None:
        """Take an event, or note that there was one more than a hundred."""
        if self.full():
            self._has_forgotten = True
        else:
            self.put_nowait(event)

    async def next(self, within_seconds: float) -> str:
        """The next event; nothing when none came in time."""
        if self._has_forgotten and self.empty():
            self._has_forgotten = False
            return AGAIN
        try:
            return await asyncio.wait_for(self.get(), within_seconds)
        except TimeoutError:
            return ""


class _Hub:
    """The process's one subscription and its open streams."""

    def __init__(self) -> None:
        self._streams: dict[int, set[_Events]] = defaultdict(set)
        self._reader: asyncio.Task[None] | None = None
        # Set while the broker's nudges come in; made with the reader, whose loop it belongs to.
        self._subscribed = asyncio.Event()
        self._database = ThreadPoolExecutor(max_workers=1, thread_name_prefix="events")

    def is_full(self, account_id: int) -> bool:
        """Whether the account has as many streams open here as it may have."""
        return len(self._streams.get(account_id, ())) >= MOST_STREAMS

    async def listen(self, right: StreamRight, since: int | None = None) -> AsyncIterator[str]:
        """The account's events for as long as the client stays and may; the balance comes first.

        Before it comes `again`, when the account's pages were told anything from `since` on, until which
        this one has heard all.

        It also comes whenever nothing else did for a while, so that what was said while the broker
        was away, or while this stream's queue was full, is made good.
        """
        account_id = right.account_id
        if self.is_full(account_id):
            # Others were let in beside this one and have begun before it.
            return
        events = self._open(account_id)
        asked_at = time.monotonic()
        try:
            # Before the balance, so that whoever has seen it misses nothing from then on.
            if await self._has_missed(account_id, since):
                yield AGAIN
            yield await self._balance(account_id)
            while True:
                event = await events.next(KEEP_ALIVE_SECONDS)
                if time.monotonic() - asked_at >= KEEP_ALIVE_SECONDS:
                    if not await self._holds(right):
                        return
                    asked_at = time.monotonic()
                yield event or await self._balance(account_id)
        finally:
            self._streams[account_id].discard(events)
            if not self._streams[account_id]:
                del self._streams[account_id]

    def _open(self, account_id: int) -> _Events:
        events = _Events()
        self._streams[account_id].add(events)
        if self._reader is None or self._reader.done():
            self._subscribed = asyncio.Event()
            self._reader = asyncio.create_task(self._read())
        return events

    async def _balance(self, account_id: int) -> str:
        return await self._event({"account": account_id, "kind": "balance", "id": ""})

    async def _has_missed(self, account_id: int, since: int | None) -> bool:
        """Wait for the subscription; whether anything was told from `since` on, as far as is known."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._subscribed.wait(), SUBSCRIBED_WITHIN_SECONDS)
        if since is None:
            return False
        if since < _milliseconds() - 1_000 * live.TOLD_SECONDS:
            return True
        try:
            async with redis.asyncio.Redis.from_url(
                settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1
            ) as client:
                told = await client.get(live.told_key(account_id))
        except (RedisError, OSError):
            return False  # All are told `again` when the broker is back.
        return told is not None and int(told) >= since

    async def _holds(self, right: StreamRight) -> bool:
        """Whether the right still holds; while the database is away nothing is said anyhow."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._database, _read_right, right)
        except DatabaseError:
            logger.warning("A stream's right is asked for later", exc_info=True)
            return True

    async def _read(self) -> None:
        """Relay nudges while anybody listens; a broker that is away is tried again.

        What was told meanwhile is lost, so that afterwards everybody looks for themselves.
        """
        was_away = False
        while self._streams:
            try:
                async with (
                    redis.asyncio.Redis.from_url(settings.REDIS_URL) as client,
                    client.pubsub() as subscription,
                ):
                    await subscription.subscribe(live.CHANNEL)
                    await subscription.get_message(timeout=SUBSCRIBED_WITHIN_SECONDS)
                    self._subscribed.set()
                    if was_away:
                        self._say_again()
                    await self._relay(subscription)
            except (RedisError, OSError):
                was_away = True
                self._subscribed.clear()
                logger.warning("Live updates wait for the broker")
                await asyncio.sleep(1)

    async def _relay(self, subscription: Any) -> None:
        while self._streams:
            message = await subscription.get_message(ignore_subscribe_messages=True, timeout=5)
            if message is None:
                continue
            nudge = json.loads(message["data"])
            streams = self._streams.get(nudge["account"])
            if streams:
                event = await self._event(nudge)
                for events in streams:
                    events.offer(event)

    def _say_again(self) -> None:
        for streams in self._streams.values():
            for events in streams:
                events.offer(AGAIN)

    async def _event(self, nudge: dict[str, Any]) -> str:
        loop = asyncio.get_running_loop()
        try:
            data = await loop.run_in_executor(self._database, _read_state, nudge)
        except DatabaseError:
            logger.warning("Live updates wait for the database", exc_info=True)
            return ": the database is away\n\n"
        if data is None:
            return ": gone\n\n"
        return f"event: {nudge['kind']}\ndata: {json.dumps(data, cls=DjangoJSONEncoder)}\n\n"


def _read_right(right: StreamRight) -> bool:
    close_old_connections()
    try:
        return stream_rights.holds(right)
    finally:
        close_old_connections()


def _read_state(nudge: dict[str, Any]) -> dict[str, Any] | None:
    close_old_connections()
    try:
        if nudge["kind"] == "balance":
            return balance_json(credit_queries.get_balance(nudge["account"]))
        if nudge["kind"] == "generation":
            return generation_json(nudge["account"], nudge["id"])
        return {}  # Pages ask for what they show of it themselves.
    finally:
        close_old_connections()


_hub = _Hub()
