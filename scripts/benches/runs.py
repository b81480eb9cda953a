"""What the frame around the engines takes of a run, from accepted to result stored.

Run by `scripts/bench runs`. Two clients each ask for a run, wait until one of two workers has stored its
result, and ask for the next. The engines answer at once, so that what is measured is the frame: price, deduction, rows,
message, lease, files, preview, outcome. Beside it in each round: bare Celery, whose task is one INSERT, by the same
workers. Then cut-outs again while fifty videos wait at a provider that is asked after each every ten seconds.
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
from typing import TYPE_CHECKING

from django.db import connection, connections
from django.utils import timezone
from PIL import Image

from scripts.measuring.clients import Measured, measure
from scripts.measuring.database import benchmark_database
from scripts.servers.valkey import PrivateValkey

if TYPE_CHECKING:
    from generations.runs.orders import Order

CLIENTS = 2
VIDEOS = 50
SECONDS = float(os.environ.get("BENCH_SECONDS", "8"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SWEEP_SECONDS = 1  # As the scheduler looks for videos to ask after.

Call = Callable[[int], None]


def open_account() -> int:
    """An account that can pay for all of it."""
    from credits import ledger

    account = ledger.open_account("Bench")
    ledger.add_package(account.pk, 100_000_000, "bench")
    return int(account.pk)


def bare_client(_number: int) -> Call:
    """A message to a worker that inserts one row."""
    from ecomvance_app.celery import app
    from scripts.measuring import run_worker

    broker = run_worker.broker()

    def run(_turn: int) -> None:
        row = uuid.uuid4().hex
        app.send_task(run_worker.INSERT, kwargs={"row": row}, queue="engines")
        run_worker.wait_for_end(broker, row)

    return run


def words_client(_number: int) -> Call:
    """Runs that come out as text, which has no file and no preview."""
    from generations.runs.orders import Order
    from scripts.measuring import run_worker

    return frame_client(Order(run_worker.TEXT_TOOL, "1K", prompt="A mug"))


def cut_out_client(_number: int) -> Call:
    """Cut-outs of a small photo that was read before."""
    from generations.media.reading import read_picture
    from generations.runs.orders import Order
    from scripts.measuring import run_worker

    stream = io.BytesIO()
    Image.new("RGB", (300, 300), "red").save(stream, "JPEG")
    return frame_client(Order(run_worker.CUT_OUT, uploads=(read_picture(stream.getvalue()),)))


def frame_client(order: Order) -> Call:
    """Ask for a run and wait for its end."""
    from generations.runs import request
    from generations.runs.orders import Requester
    from scripts.measuring import run_worker

    requester, broker = Requester(open_account(), None, "web"), run_worker.broker()

    def run(_turn: int) -> None:
        placed, _created = request.place(requester, order, uuid.uuid4().hex)
        run_worker.wait_for_end(broker, str(placed.pk))

    return run


@contextmanager
def videos_that_wait() -> Iterator[None]:
    """Fifty videos at their provider, asked after by the same workers, one after the other in ten seconds."""
    from generations.models import Generation

    now = timezone.now()
    account = open_account()
    rows = [
        Generation(
            account_id=account, key=f"video {n}", tool="veo-t2v", seconds=4, price=0, engine="google",
            label="real", state="running", step="submitted", handle=f"video-{n}",
            poll_at=now + timedelta(seconds=10 * n / VIDEOS),
            deadline_at=now + timedelta(hours=1), submitted_at=now, enqueued_at=now,
            created_at=now,
        )
        for n in range(VIDEOS)
    ]  # fmt: skip
    Generation.objects.bulk_create(rows)
    connections.close_all()
    asking = multiprocessing.get_context("fork").Process(target=send_polls, daemon=True)
    asking.start()
    try:
        yield
    finally:
        asking.terminate()
        asking.join()
        Generation.objects.filter(account_id=account).delete()


def send_polls() -> None:
    """What the scheduler does, for as long as the process lives."""
    from generations.runs import long_work

    while True:
        long_work.send_due()
        time.sleep(SWEEP_SECONDS)


def told(name: str, rounds: list[Measured], floor: float) -> str:
    """A row of the table: runs a second, p50 and p99 in milliseconds, and p50 beyond the floor's."""
    rate, p50, p99 = (
        median(getattr(found, what) for found in rounds) for what in ("rate", "p50", "p99")
    )
    return f"| {name} | {rate:,.0f} | {p50:.1f} | {p99:.1f} | {p50 - floor:+.1f} |"


def measure_all() -> None:
    """Measure all of them in each round, and print the table."""
    rows: dict[str, tuple[Callable[[int], Call], bool]] = {
        "bare Celery and one INSERT": (bare_client, False),
        "a run that comes out as text": (words_client, False),
        "a cut-out": (cut_out_client, False),
        f"a cut-out while {VIDEOS} videos wait": (cut_out_client, True),
    }
    found: dict[str, list[Measured]] = {name: [] for name in rows}
    for _ in range(ROUNDS):
        for name, (client, is_beside_videos) in rows.items():
            with videos_that_wait() if is_beside_videos else contextlib.nullcontext():
                found[name].append(measure(client, CLIENTS, SECONDS))
    floor = median(one.p50 for one in next(iter(found.values())))
    print(f"Two workers, {ROUNDS} rounds of {SECONDS:g} s, medians of the rounds\n")
    print("| accepted to stored | per second | p50 ms | p99 ms | p50 beyond bare Celery |")
    print("|---|---|---|---|---|")
    for name, rounds in found.items():
        print(told(name, rounds, floor))


def main() -> None:
    """Measure on servers and workers of the benchmark's own."""
    valkey = PrivateValkey()
    valkey.start()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as at_end:
        at_end.callback(valkey.stop)
        os.environ |= {"REDIS_URL": valkey.url(), "STORAGE_URL": f"file://{folder}"}
        at_end.enter_context(benchmark_database())
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE bench_row (id bigserial PRIMARY KEY, what text)")
        from scripts.measuring import run_worker

        run_worker.register_engines()
        at_end.enter_context(run_worker.workers())
        measure_all()


if __name__ == "__main__":
    main()
