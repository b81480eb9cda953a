"""What the frame around the engines takes of a run, from accepted to result stored.

Run by `scripts/bench runs`. Two processes each ask for runs and work them off with an engine that
answers at once with a small picture; the floor is one INSERT and its commit by the same processes,
which is what bare Celery with a row would write. The transport is Celery's for both and left out.
Then again while fifty videos wait at a provider that is asked after all the time.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from statistics import median

from django.db import connection, connections
from django.utils import timezone
from PIL import Image

from scripts.measuring.clients import Measured, measure
from scripts.measuring.database import benchmark_database
from scripts.servers.valkey import PrivateValkey

TOOL, VIDEO = "nano-banana-t2i", "veo-t2v"
CLIENTS = 2
VIDEOS = 50
# What is asked for to get a text, which has no file and no preview.
WORDS = "words"
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))

Call = Callable[[int], None]


def register_engines() -> None:
    """An engine that answers at once, and a provider whose videos are never ready."""
    from generations.engines import registry
    from generations.engines.base import Job, Label, Output, Pending, Result, ShortWork

    stream = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(stream, "PNG")
    words = Output("text", text={"title": "A mug"})
    picture = Output("image", stream.getvalue(), "image/png", 64, 64)

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
            output = words if job.prompt == WORDS else picture
            return Result((output,), "local", "bench", "real")

        def poll(self, tool: str, handle: str) -> Result | Pending:
            time.sleep(0.05)
            return Pending(handle, timedelta())

    registry.LOCAL[TOOL] = AtOnce()
    registry.GOOGLE[VIDEO] = AtOnce()


def open_account() -> int:
    """An account that can pay for all of it."""
    from credits import ledger

    account = ledger.open_account("Bench")
    ledger.add_package(account.pk, 100_000_000, "bench")
    return int(account.pk)


def picture_client(number: int) -> Call:
    """Runs of small pictures, whose previews a process apart makes."""
    return frame_client("A mug")


def words_client(number: int) -> Call:
    """Runs that come out as text."""
    return frame_client(WORDS)


def frame_client(prompt: str) -> Call:
    """Ask for a run and work it off."""
    from generations.runs import request, worker
    from generations.runs.orders import Order, Requester

    requester = Requester(open_account(), None, "web")

    def run(_turn: int) -> None:
        placed, _created = request.place(
            requester, Order(TOOL, "1K", prompt=prompt), uuid.uuid4().hex
        )
        worker.run(str(placed.pk))

    return run


def floor_client(number: int) -> Call:
    """One INSERT and its commit."""

    def insert(turn: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO bench_row (owner, what) VALUES (%s, %s)", [number, turn])

    return insert


@contextmanager
def videos_that_wait() -> Iterator[None]:
    """Fifty videos at their provider, asked after by a process of its own."""
    from generations.models import Generation

    now = timezone.now()
    account = open_account()
    rows = [
        Generation(
            account_id=account, key=f"video {n}", tool=VIDEO, seconds=4, price=0, engine="google",
            label="real", state="running", step="submitted", handle=f"video-{n}", poll_at=now,
            deadline_at=now + timedelta(hours=1), submitted_at=now, enqueued_at=now,
            created_at=now,
        )
        for n in range(VIDEOS)
    ]  # fmt: skip
    Generation.objects.bulk_create(rows)
    connections.close_all()
    asking = multiprocessing.get_context("fork").Process(
        target=ask_after, args=([str(row.pk) for row in rows],), daemon=True
    )
    asking.start()
    try:
        yield
    finally:
        asking.terminate()
        asking.join()
        Generation.objects.filter(account_id=account).delete()


def ask_after(ids: list[str]) -> None:
    """Poll one after the other, for as long as the process lives."""
    from generations.runs import long_work

    while True:
        for generation_id in ids:
            long_work.poll(generation_id)


def told(name: str, rounds: list[Measured], floor: float) -> str:
    """A row of the table: runs a second, the mean and p99 of one in milliseconds, and the ratio to the floor."""
    rate = median(found.rate for found in rounds)
    return (
        f"| {name} | {rate:,.0f} | {1000 * CLIENTS / rate:.1f} | "
        f"{median(found.p99 for found in rounds):.1f} | {floor / rate:.1f} |"
    )


def main() -> None:
    """Measure all of them in each round, and print the table."""
    valkey = PrivateValkey()
    valkey.start()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as at_end:
        at_end.callback(valkey.stop)
        os.environ |= {"REDIS_URL": valkey.url(), "STORAGE_URL": f"file://{folder}"}
        at_end.enter_context(benchmark_database())
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE bench_row (id bigserial PRIMARY KEY, owner int, what int)")
        register_engines()
        floor, text, frame, beside = [], [], [], []
        for _ in range(ROUNDS):
            floor.append(measure(floor_client, CLIENTS, SECONDS))
            text.append(measure(words_client, CLIENTS, SECONDS))
            frame.append(measure(picture_client, CLIENTS, SECONDS))
            with videos_that_wait():
                beside.append(measure(picture_client, CLIENTS, SECONDS))
        least = median(found.rate for found in floor)
        print("| two workers | per second | mean ms | p99 ms | times the floor |")
        print("|---|---|---|---|---|")
        print(told("one INSERT", floor, least))
        print(told("a run that comes out as text", text, least))
        print(told("a run of a picture, with its preview", frame, least))
        print(told(f"the same while {VIDEOS} videos wait", beside, least))


if __name__ == "__main__":
    main()
