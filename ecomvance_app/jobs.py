"""Background jobs are named by string and sent after commit, so writers never import tasks."""

from __future__ import annotations

import logging

from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from ecomvance_app import after_commit
from ecomvance_app.celery import app

logger = logging.getLogger(__name__)


def enqueue(name: str, **ids: str | int) -> None:
    """Send the task `name` once the surrounding transaction has committed, to run at once.

    What is due later is no message but a row with its time, which a sweep finds: messages that wait
    in a worker are lost with it. Which queue takes the task is ruled by the settings. A broker that is away loses the message, not the work: every queued row has a sweep that sends
    it again, so the caller's commit stands and the request is answered, whatever the error.
    """

    def send() -> None:
        try:
            app.send_task(name, kwargs=ids, retry=False)
        except (KombuError, RedisError, OSError):
            logger.warning("Broker away, %s %s waits for the sweep", name, ids)

    after_commit.tell(send)
