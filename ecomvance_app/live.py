"""Nudges to open pages. A nudge says what changed, never how: `events` asks the database.

They leave by one thread per process, so whoever spends never waits for the broker. What is told
again before it has left is told once.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import threading
import time
from typing import Literal

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from ecomvance_app import after_commit

logger = logging.getLogger(__name__)

CHANNEL = "live"
Kind = Literal["balance", "generation", "plan", "cases", "approvals"]
Nudge = tuple[int, Kind, str]

GATHER_SECONDS = 0.02  # Long enough to coalesce a burst, too short to be seen.
QUIET_SECONDS = 1.0  # After a failure, before the broker is tried again.
EXIT_SECONDS = 1.0
MOST_WAITING = 10_000
TOLD_SECONDS = 3600  # How long the last nudge of an account is remembered.


def publish(account_id: int, kind: Kind, object_id: str = "") -> None:
    """Tell open pages of this account, after commit, that something changed.

    Never raises and never waits: open streams say the balance again every 15 seconds, and a page
    that has missed a nudge is told when its stream is open again (`told_key`).
    """
    nudge = (account_id, kind, object_id)
    after_commit.tell(lambda: _sender.add(nudge))


def told_key(account_id: int) -> str:
    """Where the broker keeps when this account's pages were last told anything, for an hour.

    In milliseconds of the real clock. A page asks it for what was said before its stream was open.
    """
    return f"live:told:{account_id}"


def flush(timeout: float = EXIT_SECONDS) -> bool:
    """Wait until what was told so far has left, or was given up; False when that takes too long."""
    return _sender.flush(timeout)


def connect() -> redis.Redis:
    """A client of the broker. Its time-outs are short: a dead one must not hold up an exit.

    One more try, at once: the connection may be of a broker that was started anew since.
    """
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=0.25,
        socket_connect_timeout=0.25,
        retry=Retry(NoBackoff(), 1),
    )


class Sender:
    """The nudges that wait and the thread that sends them, begun with the first one.

    After a failure the broker is left alone for a second, while nudges gather. What was being sent is
    sent once more then, for a broker that was slow once; a second failure loses it. An outage is
    logged once, however long it lasts.
    """

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._waiting: dict[Nudge, None] = {}
        self._is_sending = False
        self._hurries = False
        self._thread: threading.Thread | None = None
        self._is_away = False
        self._tried: set[Nudge] = set()

    def add(self, nudge: Nudge) -> None:
        """Take a nudge and return at once; beyond 10,000 that wait, a further one is lost."""
        with self._lock:
            is_first = not self._waiting
            if len(self._waiting) < MOST_WAITING:
                self._waiting[nudge] = None
            if self._thread is None or not self._thread.is_alive():
                self._start()
            elif is_first:
                self._lock.notify_all()

    def flush(self, timeout: float) -> bool:
        """Send without gathering; True once nothing waits and nothing is on its way."""
        with self._lock:
            if self._thread is None:
                return True
            self._hurries = True
            self._lock.notify_all()
            done = self._lock.wait_for(lambda: not self._waiting and not self._is_sending, timeout)
            self._hurries = False
            return done

    def _start(self) -> None:
        # A daemon, or the process would wait for it for ever; `flush` runs at the exit.
        self._thread = threading.Thread(target=self._run, name="live-nudges", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # The interpreter is shutting down, or out of threads.
            self._thread = None
            self._waiting.clear()

    def _run(self) -> None:
        client: redis.Redis | None = None
        url = ""
        while True:
            nudges = self._take()
            try:
                if client is None or url != settings.REDIS_URL:
                    client, url = connect(), settings.REDIS_URL
                self._send(client, nudges)
            except Exception as error:  # noqa: BLE001 - no thread takes over from this one.
                self._note_outage(error)
                self._put_back(nudges)
                quiet = True
            else:
                self._tried.clear()
                self._is_away = quiet = False
            with self._lock:
                self._is_sending = False
                self._lock.notify_all()
                if quiet:
                    self._lock.wait_for(lambda: self._hurries, QUIET_SECONDS)

    def _take(self) -> list[Nudge]:
        """What waits, after a moment in which more may come."""
        with self._lock:
            self._lock.wait_for(lambda: bool(self._waiting))
            self._lock.wait_for(lambda: self._hurries, GATHER_SECONDS)
            nudges = list(self._waiting)
            self._waiting.clear()
            self._is_sending = True
            return nudges

    def _put_back(self, nudges: list[Nudge]) -> None:
        """Let what has failed for the first time wait again, before what came meanwhile."""
        again = [nudge for nudge in nudges if nudge not in self._tried]
        self._tried = set(again)
        with self._lock:
            waiting = [*again, *(nudge for nudge in self._waiting if nudge not in self._tried)]
            self._waiting = dict.fromkeys(waiting[:MOST_WAITING])

    @staticmethod
    def _send(client: redis.Redis, nudges: list[Nudge]) -> None:
        with client.pipeline(transaction=False) as pipeline:
            now = int(1_000 * time.time())
            for account_id in {account_id for account_id, _kind, _id in nudges}:
                pipeline.set(told_key(account_id), now, ex=TOLD_SECONDS)
            for account_id, kind, object_id in nudges:
                message = {"account": account_id, "kind": kind, "id": object_id}
                pipeline.publish(CHANNEL, json.dumps(message))
            pipeline.execute()

    def _note_outage(self, error: Exception) -> None:
        if not self._is_away:
            logger.warning("Live updates away, pages are told later: %s", error)
        self._is_away = True


def _start_anew() -> None:
    """A forked process has neither the thread nor the right to what its parent was about to send."""
    global _sender  # noqa: PLW0603 - one per process.
    _sender = Sender()


_sender = Sender()
os.register_at_fork(after_in_child=_start_anew)
atexit.register(flush)
