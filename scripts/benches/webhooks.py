"""Webhooks: 200 deliveries a second for 30 seconds, one in ten a duplicate, on PostgreSQL.

The whole product runs as it does for a merchant: web server, worker and the fake Shopify as
processes, a durable PostgreSQL and Valkey. Measured are the times to acknowledge, against the same
server's health check as the floor; checked are that none is lost, that duplicates are handled once,
and that the nudges of one store are coalesced.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import django

from scripts.servers.postgres import PrivatePostgres
from scripts.servers.processes import die_with_parent, end
from scripts.servers.valkey import PrivateValkey, free_port

RATE = int(os.environ.get("BENCH_RATE", "200"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "30"))
DUPLICATES = 10
CONNECTIONS = 24
TARGET_P99_MS = 250
HANDLED_WITHIN_SECONDS = 180
SECRET = "development-client-secret-of-32-or-more-characters"  # noqa: S105
TOPICS = ("app_subscriptions/update", "app_purchases_one_time/update", "app/scopes_update")
SHOP_GID = "gid://shopify/Shop/548380009"


def main() -> int:
    """Print the table; 1 when a promise is not kept."""
    with ExitStack() as stack:
        postgres = stack.enter_context(PrivatePostgres(durable=True))
        valkey = PrivateValkey()
        valkey.start()
        stack.callback(valkey.stop)
        port, shopify_port = free_port(), free_port()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        prepare(postgres, valkey, folder, port, shopify_port)
        for arguments in programs(port, shopify_port):
            stack.enter_context(running(arguments, folder))
        wait_for(port)
        wait_for(shopify_port)
        floor = asyncio.run(load(port, [health_check(port)] * RATE * 5))
        asyncio.run(load(port, [delivery(port, n, "warm-up") for n in range(RATE)]))
        times = asyncio.run(load(port, deliveries(port)))
        handled_after = wait_until_handled()
        return report(times, floor, handled_after)


def prepare(
    postgres: PrivatePostgres, valkey: PrivateValkey, folder: Path, port: int, shopify_port: int
) -> None:
    """Point every process at the benchmark's own servers and open the demo store."""
    os.environ |= {
        "DEBUG": "on",
        "APP_URL": f"http://localhost:{port}",
        "DEV_STORE": f"http://127.0.0.1:{shopify_port}",
        "DATA_DIR": str(folder),
        "STORAGE_URL": f"file://{folder / 'files'}",
        "DATABASE_URL": postgres.url(),
        "DATABASE_POOL": "on",
        "REDIS_URL": valkey.url(),
        "CELERY_BROKER_URL": valkey.url(),
        "SHOPIFY_API_SECRET": SECRET,
        "LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "ecomvance_app.settings",
    }
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415  Needs the settings above.

    call_command("migrate", verbosity=0)
    with (folder / "log-ins").open("w") as log_ins:
        call_command("demo_store", stdout=log_ins)


def programs(port: int, shopify_port: int) -> list[list[str]]:
    """Web server, worker and fake Shopify as `scripts/run` starts them."""
    return [
        ["-m", "uvicorn", "ecomvance_app.asgi:application", "--port", str(port),
         "--no-access-log", "--log-level", "warning"],
        ["-m", "celery", "-A", "ecomvance_app", "worker", "-P", "threads", "-c", "2",
         "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "ERROR"],
        ["manage.py", "devstore", "--port", str(shopify_port)],
    ]  # fmt: skip


@contextmanager
def running(arguments: list[str], folder: Path) -> Iterator[None]:
    """One program, ended with the block."""
    with (folder / "output").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509  It only calls prctl.
        )
    try:
        yield
    finally:
        end(process, signal.SIGTERM)


def wait_for(port: int) -> None:
    """Return when the port is listened on."""

    async def try_once() -> None:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()

    deadline = time.monotonic() + 60
    while True:
        try:
            return asyncio.run(try_once())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


# --- Requests ------------------------------------------------------------------------------------


def health_check(port: int) -> bytes:
    """A request that touches neither database nor broker."""
    return f"GET /healthz HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()


def delivery(port: int, number: int, name: str = "bench") -> bytes:
    """One signed webhook; the same name and number are the same delivery."""
    topic = TOPICS[number % len(TOPICS)]
    body = json.dumps(body_of(topic, number)).encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest())
    headers = (
        f"POST /webhooks/shopify HTTP/1.1\r\nHost: localhost:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-Shopify-Topic: {topic}\r\nX-Shopify-Webhook-Id: {name}-{number}\r\n"
        "X-Shopify-Shop-Domain: ecomvance-demo.myshopify.com\r\n"
        f"X-Shopify-Hmac-Sha256: {signature.decode()}\r\n\r\n"
    )
    return headers.encode() + body


def body_of(topic: str, number: int) -> dict[str, object]:
    """A body of the topic's shape about the demo store."""
    if topic == "app/scopes_update":
        scopes = ["read_products", "write_products"]
        return {"id": 1, "shop_id": SHOP_GID, "previous": scopes[:1], "current": scopes}
    name = "app_subscription" if "subscription" in topic else "app_purchase_one_time"
    return {
        name: {
            "admin_graphql_api_id": f"gid://shopify/AppSubscription/{number}",
            "admin_graphql_api_shop_id": SHOP_GID,
            "name": "Growth",
            "status": "ACTIVE",
        }
    }


def deliveries(port: int) -> list[bytes]:
    """All deliveries in order; every tenth is one that came shortly before."""
    numbers = [n if n % DUPLICATES else max(n - 7, 1) for n in range(RATE * SECONDS)]
    return [delivery(port, number) for number in numbers]


async def load(port: int, requests: list[bytes]) -> list[float]:
    """Send `requests` at RATE a second, whatever the answers take; seconds from due to answered."""
    queue: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
    times: list[float] = []
    senders = [asyncio.create_task(send(port, queue, times)) for _ in range(CONNECTIONS)]
    started = time.perf_counter()
    for number, request in enumerate(requests):
        due = started + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        queue.put_nowait((due, request))
    for _ in senders:
        queue.put_nowait(None)
    await asyncio.gather(*senders)
    return sorted(times)


async def send(
    port: int, queue: asyncio.Queue[tuple[float, bytes] | None], times: list[float]
) -> None:
    """One connection that stays open; an answer other than 200 ends the benchmark."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (item := await queue.get()) is not None:
        due, request = item
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        lengths = [
            line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        ]
        await reader.readexactly(int(lengths[0].split(b":")[1]))
        times.append(time.perf_counter() - due)
    writer.close()


# --- What came of them ---------------------------------------------------------------------------


def wait_until_handled() -> float:
    """Seconds until the worker has handled every delivery."""
    from shopify_auth.models import WebhookDelivery  # noqa: PLC0415  Django is set up by now.

    started = time.perf_counter()
    while WebhookDelivery.objects.filter(handled_at=None).exists():
        if time.perf_counter() - started > HANDLED_WITHIN_SECONDS:
            return float("inf")
        time.sleep(0.5)
    return time.perf_counter() - started


def report(times: list[float], floor: list[float], handled_after: float) -> int:
    """Print the table and the promises; 1 when one is not kept."""
    from django.db.models import Sum  # noqa: PLC0415  Django is set up by now.

    from shopify_auth.models import WebhookDelivery  # noqa: PLC0415
    from shopify_auth.models.charges import BillingCheck  # noqa: PLC0415

    measured = WebhookDelivery.objects.filter(webhook_id__startswith="bench")
    sent = {request for request in range(RATE * SECONDS) if request % DUPLICATES}
    stored = measured.count()
    tries = measured.aggregate(Sum("attempts"))["attempts__sum"]
    questions = BillingCheck.objects.aggregate(Sum("begun"))["begun__sum"] or 0
    print(f"{len(times)} deliveries at {RATE}/s, {len(times) - stored} of them duplicates\n")
    print(f"{'':18}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}")
    for name, values in (("health check", floor), ("acknowledgement", times)):
        print(f"{name:18}" + "".join(f"{1000 * part(values):9.1f}" for part in PARTS))
    ratio = "".join(f"{part(times) / part(floor):8.1f}x" for part in PARTS)
    print(f"{'ratio':18}{ratio}\n")
    print(f"handled {handled_after:.1f} s after the last one; {questions} questions about charges")
    p99 = 1000 * PARTS[1](times)
    promises = {
        f"p99 below {TARGET_P99_MS} ms": p99 < TARGET_P99_MS,
        "none lost": stored == len(sent) and len(times) == RATE * SECONDS,
        "each handled once": tries == stored and handled_after != float("inf"),
        "nudges of a store coalesced": 0 < questions < stored / 2,
    }
    for promise, kept in promises.items():
        print(f"{'kept  ' if kept else 'BROKEN'}  {promise}")
    return 0 if all(promises.values()) else 1


def percentile(share: float) -> Callable[[list[float]], float]:
    """The value below which `share` of the sorted values lie."""
    return lambda values: values[min(len(values) - 1, int(share * len(values)))]


PARTS = (percentile(0.50), percentile(0.99), percentile(1.0))

if __name__ == "__main__":
    sys.exit(main())
