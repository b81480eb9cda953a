"""Nudges to open pages. A nudge says what changed, never how: `events` asks the database."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

import redis
from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)
_withheld = ContextVar("_withheld", default=False)

CHANNEL = "live"
Kind = Literal["balance", "generation"]


@functools.cache
def _connection() -> redis.Redis:
    # A short time-out: a page that updates late is better than a spend that waits.
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.25, socket_connect_timeout=0.25
    )


def publish(account_id: int, kind: Kind, object_id: str = "") -> None:
    """Tell open pages of this account, after commit, that something changed.

    Never raises and never stores: open streams say the balance again every 15 seconds, so a lost
    nudge costs seconds, not truth.
    """
    if _withheld.get():
        return
    message = json.dumps({"account": account_id, "kind": kind, "id": object_id})

    def send() -> None:
        try:
            _connection().publish(CHANNEL, message)
        except redis.RedisError:
            logger.warning("Live updates away: %s of account %s not announced", kind, account_id)

    transaction.on_commit(send)


@contextmanager
def withheld() -> Iterator[None]:
    """Within it nobody is told: open pages see what changed when they next ask."""
    token = _withheld.set(True)
    try:
        yield
    finally:
        _withheld.reset(token)
