"""How long a batch takes, from its click to its last result, and what the web does meanwhile.

Run by `scripts/bench batches`. Fifty photos of two megapixels (`BENCH_ITEMS`) go through AI Shadowing with its
real engine, worked off by two processes as the product's workers do. Meanwhile this process reads the
batch's page twice a second, far more often than open pages do, which follow the runs' ends.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import resource
import tempfile
import time
from multiprocessing.connection import Connection

from django.db import connections
from django.test import Client
from PIL import Image, ImageDraw

from scripts.measuring.database import benchmark_database
from scripts.servers.valkey import PrivateValkey

ITEMS = int(os.environ.get("BENCH_ITEMS", "50"))
WORKERS = 2
SIZE = (1600, 1250)
EACH = 50
READ_EVERY_SECONDS = 0.5


def place() -> tuple[str, Client]:
    """A batch that is charged and waits, and the client of the person who reads its page."""
    from credits import ledger
    from generations.media.reading import read_picture
    from generations.runs import batches
    from generations.runs.orders import Order, Requester
    from shopify_auth.models import Membership, Person

    account = ledger.open_account("Bench")
    ledger.add_package(account.pk, ITEMS * EACH, "bench")
    person = Person.objects.create_user("bench@example.com", "correct horse", name="Bench")
    Membership.objects.create(person=person, account=account)
    orders = []
    for number in range(ITEMS):
        photo = Image.effect_noise(SIZE, 6).convert("RGB")
        side = 400 + 4 * number
        ImageDraw.Draw(photo).ellipse((400, 200, 400 + side, 200 + side), fill=(160, 60, 40))
        stream = io.BytesIO()
        photo.save(stream, "JPEG", quality=90)
        orders.append(Order(batches.TOOL, "2K", uploads=(read_picture(stream.getvalue()),)))
    batch, _created = batches.place(Requester(account.pk, person.pk, "web"), orders, "bench")
    client = Client(SERVER_NAME="localhost")
    client.force_login(person)
    return str(batch.pk), client


def work(runs: list[str], sender: Connection) -> None:
    """Work these runs off, then say how many megabytes the process held at most, and its processor seconds."""
    from generations import tasks

    for run in runs:
        tasks.run(generation_id=run)
    connections.close_all()
    own = resource.getrusage(resource.RUSAGE_SELF)
    sender.send((own.ru_maxrss / 1024, own.ru_utime + own.ru_stime))


def measure() -> None:
    """Place the batch, work it off, print the table."""
    from generations.models import Batch, Generation
    from generations.runs.batches import progress

    batch_id, client = place()
    runs = [
        str(pk) for pk in Generation.objects.order_by("created_at").values_list("pk", flat=True)
    ]
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    begun, workers = time.monotonic(), []
    for number in range(WORKERS):
        receiver, sender = fork.Pipe(duplex=False)
        process = fork.Process(target=work, args=(runs[number::WORKERS], sender), daemon=True)
        process.start()
        workers.append((process, receiver))
    took: list[float] = []
    while any(process.is_alive() for process, _ in workers):
        since = time.monotonic()
        answer = client.get(f"/dashboard/batches/{batch_id}")
        if answer.status_code != 200:
            raise RuntimeError(f"The page answered {answer.status_code}")
        took.append(1_000 * (time.monotonic() - since))
        time.sleep(READ_EVERY_SECONDS)
    seconds = time.monotonic() - begun
    told = [receiver.recv() for _, receiver in workers]
    memory = max(megabytes for megabytes, _ in told)
    processor = sum(used for _, used in told) / ITEMS
    standing = progress.read(Batch.objects.get(pk=batch_id))
    page = sorted(took)[int(len(took) * 0.99)]
    print(
        "| items | ready | seconds | processor s an item | page p50 ms | page p99 ms | worker MB |"
    )
    print("|---|---|---|---|---|---|---|")
    middle = sorted(took)[len(took) // 2]
    print(
        f"| {ITEMS} | {standing.succeeded} | {seconds:.0f} | {processor:.1f} | {middle:.0f} | {page:.0f} |"
        f" {memory:.0f} |"
    )


def main() -> None:
    """Measure on servers of the benchmark's own."""
    valkey = PrivateValkey()
    valkey.start()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as at_end:
        at_end.callback(valkey.stop)
        os.environ |= {"REDIS_URL": valkey.url(), "STORAGE_URL": f"file://{folder}"}
        at_end.enter_context(benchmark_database())
        measure()


if __name__ == "__main__":
    main()
