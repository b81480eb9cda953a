"""The workers that `scripts/bench runs` measures: the product's own, with engines that answer at once.

Started as `scripts/run` starts its engine workers, with this module in place of `ecomvance_app`. Whoever
waits for a task's end reads it from a list at the broker.
"""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from signal import SIGTERM
from typing import Any

import redis
from celery.signals import task_postrun, worker_init
from django.conf import settings
from PIL import Image

from ecomvance_app.celery import app
from scripts.servers.processes import die_with_parent, end

TEXT_TOOL, CUT_OUT, VIDEO = "nano-banana-t2i", "background-removal", "veo-t2v"
INSERT = "bench.insert"
POLL_EVERY = timedelta(seconds=10)
# What a provider takes to say that a video is not ready.
POLL_SECONDS = 0.05
WORKERS = 2
WITHIN_SECONDS = 60


def register_engines(**_signal: Any) -> None:
    """Engines that answer at once, and a provider whose videos are never ready."""
    from generations.engines import registry  # noqa: PLC0415  Django has to be set up first.
    from generations.engines.base import (  # noqa: PLC0415
        Job,
        Label,
        Output,
        Pending,
        Result,
        ShortWork,
    )

    stream = io.BytesIO()
    Image.new("RGBA", (300, 300), "red").save(stream, "PNG")
    words = Output("text", text={"title": "A mug"})
    picture = Output("image", stream.getvalue(), "image/png", 300, 300)

    class AtOnce(ShortWork):
        name = "local"

        def unavailable_reason(self, tool: str) -> str | None:
            return None

        def label(self, tool: str) -> Label:
            return "real"

        def model(self, tool: str) -> str:
            return "bench"

        def expected_seconds(self, tool: str, resolution: str, seconds: int | None) -> float:
            return 0.0

        def run(self, job: Job) -> Result | Pending:
            return Result((picture if job.tool == CUT_OUT else words,), "local", "bench", "real")

        def poll(self, tool: str, handle: str) -> Result | Pending:
            time.sleep(POLL_SECONDS)
            return Pending(handle, POLL_EVERY)

    registry.LOCAL[TEXT_TOOL] = registry.LOCAL[CUT_OUT] = AtOnce()
    registry.GOOGLE[VIDEO] = AtOnce()


@app.task(name=INSERT)
def insert(row: str) -> None:
    """What bare Celery would do: one row."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_row (what) VALUES (%s)", [row])


def broker() -> redis.Redis:
    """A client of the broker at which ends are told."""
    return redis.Redis.from_url(settings.REDIS_URL)


def tell_end(kwargs: dict[str, str], **_signal: Any) -> None:
    """Say that the task of this row or run is through."""
    key = kwargs.get("row") or kwargs.get("generation_id")
    if key:
        with broker() as client:
            client.rpush(f"bench:{key}", 1)
            client.expire(f"bench:{key}", WITHIN_SECONDS)


def wait_for_end(client: redis.Redis, key: str) -> None:
    """Wait until a worker is through with it; RuntimeError when none is."""
    if client.blpop([f"bench:{key}"], timeout=WITHIN_SECONDS) is None:
        raise RuntimeError(f"No worker has ended {key}")


@contextmanager
def workers() -> Iterator[None]:
    """Two processes with one thread each, as `scripts/run` starts them for engines."""
    with ExitStack() as at_end:
        for number in range(WORKERS):
            process = subprocess.Popen(
                [
                    *(sys.executable, "-W", "ignore", "-m", "celery", "-A", __name__, "--quiet"),
                    *("worker", "-n", f"bench-{number}@%h", "-Q", "engines,waiting"),
                    *("-P", "threads", "-c", "1", "--loglevel", "ERROR"),
                    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
                ],
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=die_with_parent(SIGTERM),  # noqa: PLW1509  It only calls prctl.
            )
            at_end.callback(end, process, SIGTERM, within_seconds=10)
        yield


worker_init.connect(register_engines)
task_postrun.connect(tell_end)
