"""An answer as a response that streams: over ASGI as it is said, over WSGI piece by piece.

An answer reads the database and waits for a model, so over ASGI a thread of its own says it. When the
client goes, by the stop button or otherwise, the thread stops after the piece it is at.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Generator, Iterator

from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import translation

from generations.assist.answers import Answer
from generations.assist.events import MEDIA_TYPE, Event, encoded

logger = logging.getLogger(__name__)
Events = Generator[Event, None, None]


def respond(request: HttpRequest, answer: Answer) -> StreamingHttpResponse:
    """The answer as server-sent events; closed when it ends or the client goes.

    The header names the conversation from the start, for whoever stops the answer before its end.
    """
    events = answer.events
    if isinstance(request, ASGIRequest):
        content: AsyncIterator[str] | Iterator[str] = _relayed(events)
    else:
        content = (encoded(event) for event in events)
    headers = {
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
        "X-Conversation": answer.conversation,
    }
    return StreamingHttpResponse(content, content_type=MEDIA_TYPE, headers=headers)


async def _relayed(events: Events) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Event | None] = asyncio.Queue()
    is_gone = threading.Event()
    language = translation.get_language()

    def put(event: Event | None) -> None:
        # The loop is closed when the server ends: nobody listens then.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(queue.put_nowait, event)

    def say() -> None:
        try:
            with translation.override(language):
                for event in events:
                    if is_gone.is_set():
                        break
                    put(event)
                events.close()
        except Exception:
            logger.exception("An answer broke off")
        finally:
            put(None)
            connections.close_all()

    threading.Thread(target=say, name="assist", daemon=True).start()
    try:
        while (event := await queue.get()) is not None:
            yield encoded(event)
    finally:
        is_gone.set()
