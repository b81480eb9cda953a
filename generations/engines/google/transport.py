"""What lies below the SDK: an answer is bounded in bytes and in time, whatever is sent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx2


class AnswerTooLargeError(httpx2.HTTPError):
    """More came back than is taken. An HTTPError, so that the SDK treats it as one."""


class _BoundedStream(httpx2.SyncByteStream):
    """Passes a body on until it is too large or the request's time is used up.

    httpx's own read time-out starts anew with every byte, so a trickle would hold a worker for ever.
    """

    def __init__(
        self, inner: httpx2.SyncByteStream, request: httpx2.Request, max_bytes: int
    ) -> None:
        self._inner = inner
        self._request = request
        self._max_bytes = max_bytes
        seconds = request.extensions.get("timeout", {}).get("read")
        self._end = None if seconds is None else time.monotonic() + seconds

    def __iter__(self) -> Iterator[bytes]:
        received = 0
        for chunk in self._inner:
            received += len(chunk)
            if received > self._max_bytes:
                raise AnswerTooLargeError(f"More than {self._max_bytes} bytes came back.")
            if self._end is not None and time.monotonic() > self._end:
                raise httpx2.ReadTimeout("The whole answer took too long.", request=self._request)
            yield chunk

    def close(self) -> None:
        """Close the connection's side of it."""
        self._inner.close()


def bounded(max_bytes: int) -> dict[str, Any]:
    """Arguments for the SDK's HTTP client, which then takes at most `max_bytes` of any answer.

    Compressed answers are not asked for: what is counted is what arrives. A hook and not a
    transport of our own, because httpx ignores the environment's proxies once it is given one.
    """

    def bound(response: httpx2.Response) -> None:
        stream = response.stream
        if not isinstance(stream, httpx2.SyncByteStream):
            raise TypeError("The client is synchronous.")
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length) > max_bytes:
            raise AnswerTooLargeError(f"{length} bytes were announced.")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise httpx2.DecodingError(
                "A compressed answer was not asked for.", request=response.request
            )
        response.stream = _BoundedStream(stream, response.request, max_bytes)

    return {
        "headers": {"Accept-Encoding": "identity"},
        "event_hooks": {"response": [bound]},
        "follow_redirects": False,
    }
