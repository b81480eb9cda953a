"""What one request has read and reads again: kept for that request, a few seconds at most.

Outside of requests (workers, commands) nothing is kept, so that a change counts from the next
reading on in every process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from django.core.signals import request_finished, request_started

T = TypeVar("T")
# A stream is a request of hours.
KEPT_SECONDS = 5.0
_kept: ContextVar[dict[str, tuple[float, Any]] | None] = ContextVar("_kept", default=None)


def remembered(name: str, read: Callable[[], T]) -> T:
    """What `read` gives, or gave this request under this name a moment ago."""
    kept = _kept.get()
    if kept is None:
        return read()
    found = kept.get(name)
    if found is None or time.monotonic() - found[0] > KEPT_SECONDS:
        found = kept[name] = (time.monotonic(), read())
    value: T = found[1]
    return value


def _begin(**_signal: Any) -> None:
    _kept.set({})


def _end(**_signal: Any) -> None:
    _kept.set(None)


request_started.connect(_begin, dispatch_uid="request memory")
request_finished.connect(_end, dispatch_uid="request memory")
