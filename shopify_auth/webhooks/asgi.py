"""A short way from the ASGI server to the webhook inbox, past the middleware of pages.

Shopify sends webhooks in bursts, and sessions, languages, identity and CSRF have no say in them:
their signature is all that counts. Deliveries that come while others are being written are written
together, so that a burst costs few transactions (see scripts/benches/webhooks.py). Shopify is
answered as soon as they are committed; a worker is told afterwards, because a broker may be slow.
Everything but POST takes the usual way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connections
from django.utils.datastructures import CaseInsensitiveMapping

from shopify_auth.models import WebhookDelivery
from shopify_auth.webhooks import inbox, receiving

logger = logging.getLogger(__name__)

PATH = "/webhooks/shopify"
LARGEST_BATCH = 200
# While the broker hangs no more than these wait for it; the sweep finds the others.
MOST_UNTOLD = 1_000
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[Any]]


class WebhookDoor:
    """The ASGI application around `pages` that takes webhooks itself."""

    def __init__(self, pages: Application) -> None:
        self._pages = pages
        self._waiting: list[tuple[WebhookDelivery, asyncio.Future[int]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._untold: list[WebhookDelivery] = []
        self._teller: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", PATH):
            await self._pages(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            return
        headers = CaseInsensitiveMapping(
            {name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]}
        )
        status = receiving.check(body, headers)
        if status == 200:
            status = await self._store(inbox.delivery_from(headers, body))
        empty = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": status, "headers": empty})
        await send({"type": "http.response.body", "body": b""})

    async def _store(self, delivery: WebhookDelivery) -> int:
        """200 once the delivery is committed; 500 makes Shopify send it again."""
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, stored))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return int(await stored)

    async def _write(self) -> None:
        """Write what waits, all at once, until nothing does."""
        while self._waiting:
            batch = self._waiting[:LARGEST_BATCH]
            del self._waiting[:LARGEST_BATCH]
            deliveries = [delivery for delivery, _stored in batch]
            try:
                await _commit(deliveries)
                status = 200
            except Exception:
                # Whatever it was, everybody who waits here needs an answer.
                logger.exception("%s webhooks could not be stored", len(batch))
                status = 500
            for _delivery, stored in batch:
                if not stored.done():
                    stored.set_result(status)
            if status == 200:
                self._tell_later(deliveries)

    def _tell_later(self, deliveries: list[WebhookDelivery]) -> None:
        self._untold += deliveries[: MOST_UNTOLD - len(self._untold)]
        if self._teller is None or self._teller.done():
            self._teller = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        """Tell a worker of what is stored, in one thread, until there is nothing to tell."""
        while self._untold:
            deliveries, self._untold = self._untold, []
            try:
                await _tell_worker(deliveries)
            except Exception:
                logger.exception("%s webhooks wait for the sweep", len(deliveries))


async def _read(receive: Receive) -> bytes | None:
    """The body, at most one byte more than is allowed; None when the sender hung up."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > receiving.LARGEST_BODY or not message.get("more_body"):
            return bytes(body[: receiving.LARGEST_BODY + 1])


@sync_to_async(thread_sensitive=False)
def _commit(deliveries: list[WebhookDelivery]) -> None:
    close_old_connections()
    try:
        inbox.store(deliveries)
    finally:
        connections.close_all()


@sync_to_async(thread_sensitive=False)
def _tell_worker(deliveries: list[WebhookDelivery]) -> None:
    close_old_connections()
    try:
        inbox.tell_worker(deliveries)
    finally:
        connections.close_all()
