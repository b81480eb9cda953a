"""Nudges to open pages. A nudge says what changed, never how: `events` asks the database."""

from __future__ import annotations

import functools
import json
import logging
from typing import Literal

import redis
from django.conf import settings

from ecomvance_app import after_commit

logger = logging.getLogger(__name__)

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
    message = json.dumps({"account": account_id, "kind": kind, "id": object_id})

    def send() -> None:
        try:
            _connection().publish(CHANNEL, message)
        except redis.RedisError:
            logger.warning("Live updates away: %s of account %s not announced", kind, account_id)

    after_commit.tell(send)
