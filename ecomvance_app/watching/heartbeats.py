"""Signs of life: when beat and each worker were last seen, and when each scheduled task last ended.

They are kept in Redis, in one hash. Without Redis nothing is known, and nothing else suffers.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis
from celery.bootsteps import StartStopStep
from celery.signals import task_postrun
from django.conf import settings

from ecomvance_app import live

logger = logging.getLogger(__name__)

HASH = "heartbeats"
EVERY_SECONDS = 10.0
# Longer than that without a sign is as good as dead.
DEAD_AFTER = 60.0
_FORGOTTEN_AFTER = 24 * 60 * 60
_told: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """Seconds since the last sign; beat is None when there was none."""

    beat: float | None
    workers: dict[str, float]
    tasks: dict[str, float]

    @property
    def dead(self) -> list[str]:
        """Which of beat and workers nobody has seen for a minute."""
        found = [] if self.beat is not None and self.beat < DEAD_AFTER else ["beat"]
        is_alive = any(age < DEAD_AFTER for age in self.workers.values())
        return found if is_alive else [*found, "workers"]


def tell(name: str, every: float = EVERY_SECONDS) -> None:
    """Write that `name` is alive, at most every so many seconds. Never raises."""
    now = time.monotonic()
    if now - _told.get(name, -every) < every:
        return
    _told[name] = now
    try:
        _client().hset(HASH, name, str(time.time()))
    except redis.RedisError:
        logger.debug("No sign of %s: Redis is away", name)


def read() -> Heartbeats:
    """What is known now. Raises redis.RedisError."""
    found: Any = _client().hgetall(HASH)
    now = time.time()
    ages = {name.decode(): max(0.0, now - float(at)) for name, at in found.items()}
    workers = _named(ages, "worker:")
    return Heartbeats(
        ages.get("beat"),
        {name: age for name, age in workers.items() if age < _FORGOTTEN_AFTER},
        _named(ages, "task:"),
    )


def _named(ages: dict[str, float], prefix: str) -> dict[str, float]:
    return {
        name.removeprefix(prefix): age
        for name, age in sorted(ages.items())
        if name.startswith(prefix)
    }


@cache
def _client() -> redis.Redis:
    return live.connect()


class WorkerHeartbeat(StartStopStep):
    """Tells by the worker's own timer, whether or not the worker sends Celery's events."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **_options: Any) -> None:
        self._entry: Any = None

    def start(self, worker: Any) -> None:
        """From now on every ten seconds."""
        name = f"worker:{worker.hostname}"
        tell(name, 0.0)
        self._entry = worker.timer.call_repeatedly(EVERY_SECONDS, tell, (name, 0.0))

    def stop(self, worker: Any) -> None:
        """It is silent from now on."""
        if self._entry is not None:
            self._entry.cancel()


@task_postrun.connect
def _task_has_ended(task: Any = None, state: str = "", **_about: Any) -> None:
    if state == "SUCCESS" and task is not None and task.name in _scheduled():
        tell(f"task:{task.name}")


@cache
def _scheduled() -> frozenset[str]:
    return frozenset(str(entry["task"]) for entry in settings.CELERY_BEAT_SCHEDULE.values())
