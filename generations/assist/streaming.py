"""An answer as a response that streams: over ASGI as it is said, over WSGI piece by piece.

An answer reads the database and waits for a model, so over ASGI a thread of its own says it. When the
client goes, by the stop button or otherwise, the thread stops after the piece it is at.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator

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
    content: _Relay | Iterator[str]
    if isinstance(request, ASGIRequest):
        content = _Relay(answer.events)
    else:
        content = (encoded(event) for event in answer.events)
    headers = {
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
        "X-Conversation": answer.conversation,
    }
    return StreamingHttpResponse(content, content_type=MEDIA_TYPE, headers=headers)


class _Relay:
    """Events said by a thread, for the loop that sends them. Django closes it with the response."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._is_gone = threading.Event()
        self._language = translation.get_language()

    def close(self) -> None:
        """Nobody listens any more."""
        self._is_gone.set()

    async def __aiter__(self) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Event | None] = asyncio.Queue()

        def put(event: Event | None) -> None:
            # The loop is closed when the server ends: nobody listens then.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(queue.put_nowait, event)

        threading.Thread(target=self._say, args=[put], name="assist", daemon=True).start()
        try:
            while (event := await queue.get()) is not None:
                yield encoded(event)
        finally:
            self.close()

    def _say(self, put: Callable[[Event | None], None]) -> None:
        try:
            with translation.override(self._language):
                for event in self._events:
                    if self._is_gone.is_set():
                        break
                    put(event)
                self._events.close()
        except Exception:
            logger.exception("An answer broke off")
        finally:
            put(None)
            connections.close_all()
