"""Several threads at one place at the same instant, each with a connection of its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

MEETING_SECONDS = 0.5
Wrapper = Callable[..., Any]


def at_once(*calls: Callable[[], object], wrapper: Wrapper | None = None) -> list[Exception]:
    """Run the calls in threads that are released together, under `wrapper`; what they raised."""
    raised: list[Exception] = []
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        try:
            # Connecting takes longer than most calls: late ones would find the first one done.
            connection.ensure_connection()
            start.wait()
            with connection.execute_wrapper(wrapper) if wrapper else contextlib.nullcontext():
                call()
        except Exception as error:  # noqa: BLE001  Told by the caller's assertions.
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def meeting_after(*words: str) -> Wrapper:
    """Whoever has sent a statement with these words waits until a second one has, for half a second.

    Two that nothing keeps apart have then both looked before either of them writes. Where a lock
    keeps them apart, nobody comes and the first one goes on.
    """
    meeting = threading.Barrier(2, timeout=MEETING_SECONDS)

    def wrap(execute: Any, sql: str, *arguments: Any) -> Any:
        answer = execute(sql, *arguments)
        if all(word in sql for word in words):
            with contextlib.suppress(threading.BrokenBarrierError):
                meeting.wait()
        return answer

    return wrap
