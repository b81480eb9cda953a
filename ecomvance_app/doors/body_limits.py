"""Refuses bodies from unknown senders before they come, and too large ones while they come.

Django puts the whole body of a request on disk before it looks at who sends it, so a check further
in would come too late. 413 is the answer as soon as the announced length, or what has come of a body
without one, is too much. Who sends to the API, or pictures to any address, proves before the first
byte who they are.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections, connections
from django.http import HttpResponse

from ecomvance_app.api.schemas import MAX_IMAGES
from generations.catalog import TOOLS
from generations.media.reading import MAX_BYTES
from generations.runs.batches import MAX_ITEMS
from shopify_auth.identity import senders

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[Any]]

_TOOL_PAGE = re.compile(r"(?:/dashboard)?/tools/([\w-]+)")
# Beside the pictures themselves a run may have a mask and a reference.
_MORE = 2
_NEW_BATCH = ("/batches/new", "/dashboard/batches/new")
_MANY_PICTURES = {
    "/api/v1/generations": MAX_IMAGES + _MORE,
    "/api/v1/quotes": MAX_IMAGES + _MORE,
    "/api/v1/batches": MAX_ITEMS,
    **dict.fromkeys(_NEW_BATCH, MAX_ITEMS),
    "/batches/preview": 1,
    "/dashboard/batches/preview": 1,
}
_SENTENCE = "The request is larger than this address takes."


class BodyLimit:
    """The ASGI application around `pages` that lets no more of a body in than can be used."""

    def __init__(self, pages: Application) -> None:
        self._pages = pages

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
            return
        most, come = _most_bytes(scope["path"]), 0

        async def receive_within_limit() -> Message:
            nonlocal come
            message = await receive()
            come += len(message.get("body", b""))
            # Django gives up reading, and answers nothing, when the sender has gone.
            return message if come <= most else {"type": "http.disconnect"}

        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if int(announced) <= most:
            await self._pages(scope, receive_within_limit, send)
        if int(announced) > most or come > most:
            await _refuse(scope["path"], send)


class SenderCheck:
    """The ASGI application around `pages` that takes no body for the API, and no pictures, from
    somebody who proves nothing. Such a body is not read: the connection ends with the answer."""

    def __init__(self, pages: Application) -> None:
        self._pages = pages

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        refusal = await _refusal(scope) if _must_prove(scope) else None
        if refusal is None:
            await self._pages(scope, receive, send)
            return
        named = {"Connection": "close", "Content-Length": str(len(refusal.content))}
        headers = [*refusal.items(), *named.items(), ("Cache-Control", "no-store")]
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": refusal.status_code, "headers": raw})
        await send({"type": "http.response.body", "body": refusal.content})


def _must_prove(scope: Message) -> bool:
    if scope["type"] != "http" or not _has_body(scope):
        return False
    return scope["path"].startswith("/api/") or _pictures(scope["path"]) > 0


def _has_body(scope: Message) -> bool:
    headers = dict(scope["headers"])
    if b"content-length" in headers:
        return int(headers[b"content-length"]) > 0
    return b"transfer-encoding" in headers or scope["method"] not in ("GET", "HEAD", "OPTIONS")


@sync_to_async(thread_sensitive=False)
def _refusal(scope: Message) -> HttpResponse | None:
    close_old_connections()
    try:
        return senders.refuse(ASGIRequest(scope, io.BytesIO()))
    finally:
        connections.close_all()


def _most_bytes(path: str) -> int:
    """Form fields, and as many pictures as the address takes."""
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE + _pictures(path) * MAX_BYTES


def takes_batch(path: str) -> bool:
    """Whether this is the page that makes batches, on either surface."""
    return path in _NEW_BATCH


def _pictures(path: str) -> int:
    """How many pictures the address takes."""
    tool_page = _TOOL_PAGE.fullmatch(path)
    tool = TOOLS.get(tool_page[1]) if tool_page else None
    if tool is None:
        return _MANY_PICTURES.get(path, 0)
    return tool.max_images + tool.sources.mask + tool.sources.reference


async def _refuse(path: str, send: Send) -> None:
    kind, body = "text/plain; charset=utf-8", _SENTENCE
    if path.startswith("/api/"):
        kind, body = "application/json", json.dumps({"error": "too_large", "message": _SENTENCE})
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})
