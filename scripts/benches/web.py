"""`scripts/bench web`: does one merchant's Home stay fast, and does the web process stay small?

One uvicorn with the settings of production. Home of one merchant is loaded again and again: quiet,
while another account sends hostile pictures, and while Redis is stopped. Then memory: 30 uploads of
24 MB at once, and 8 of 50 megapixels after them.
"""

from __future__ import annotations

import http.client
import io
import os
import secrets
import statistics
import struct
import sys
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from PIL import Image

from scripts.measuring.database import benchmark_database
from scripts.measuring.web import PRODUCTION, WebServer, web_server
from scripts.servers.valkey import PrivateValkey

if TYPE_CHECKING:
    from django.test import Client

LOADS = int(os.environ.get("BENCH_LOADS", "150"))
HOSTILE = 20
TOOL = "/dashboard/tools/background-removal"
Times = list[float]


def main() -> None:
    """Print the tables."""
    valkey = PrivateValkey()
    valkey.start()
    os.environ |= {"REDIS_URL": valkey.url(), "CELERY_BROKER_URL": valkey.url()}
    os.environ |= {"LOG_LEVEL": "CRITICAL"} | PRODUCTION
    with benchmark_database() as database:
        from scripts.measuring.merchants import (  # noqa: PLC0415  Django has to be set up first.
            make_merchant,
        )

        owner, other = make_merchant(100), make_merchant(1)
        _give_credits()
        with web_server(database) as server:
            _speed(server, owner, other, valkey)
            valkey.start()
            _memory(server, other)
    valkey.stop()


def _give_credits() -> None:
    from credits import ledger  # noqa: PLC0415
    from credits.models import Account  # noqa: PLC0415

    for account in Account.objects.all():
        ledger.add_package(account.pk, 1_000_000, key="for the benchmark")


# --- Speed ---------------------------------------------------------------------------------------


def _speed(server: WebServer, owner: Client, other: Client, valkey: PrivateValkey) -> None:
    _load_home(server, owner, 20)  # Warm up.
    rows = {"quiet": _load_home(server, owner, LOADS)}
    pictures = [png_of_nothing(7_000, 7_100), jpeg_of_scans(3_000)]
    with ThreadPoolExecutor(HOSTILE) as senders:
        sent = [
            senders.submit(upload, server, other, pictures[n % len(pictures)])
            for n in range(HOSTILE)
        ]
        rows["hostile uploads"] = _load_home(server, owner, LOADS)
        statuses = Counter(one.result() for one in sent)
    rows["quiet again"] = _load_home(server, owner, LOADS)
    valkey.stop()
    rows["Redis stopped"] = _load_home(server, owner, LOADS)
    sys.stdout.write(f"{'Home':18}{'p50 ms':>9}{'p99 ms':>9}{'p99 / quiet':>13}\n")
    quiet = _p99(rows["quiet"])
    for name, times in rows.items():
        p50, p99 = statistics.median(times), _p99(times)
        sys.stdout.write(f"{name:18}{p50:>9.0f}{p99:>9.0f}{p99 / quiet:>13.1f}\n")
    sys.stdout.write(f"The {HOSTILE} hostile uploads were answered {dict(statuses)}.\n\n")


def _load_home(server: WebServer, client: Client, loads: int) -> Times:
    times = []
    for _load in range(loads):
        started = time.perf_counter()
        status = request(server, client, "GET", "/dashboard/")
        times.append((time.perf_counter() - started) * 1000)
        if status != 200:
            raise SystemExit(f"Home answered {status}.")
    return times


def _p99(times: Times) -> float:
    return statistics.quantiles(times, n=100)[98]


# --- Memory --------------------------------------------------------------------------------------


def _memory(server: WebServer, client: Client) -> None:
    before = _resident(server, "VmRSS")
    large = jpeg_of_megabytes(24)
    loads = {"30 uploads of 24 MB": [large] * 30, "8 of 50 megapixels": [fifty_megapixels()] * 8}
    sys.stdout.write(f"Memory of the web process: {before} MB\n")
    for name, contents in loads.items():
        with ThreadPoolExecutor(len(contents)) as senders:
            answers = senders.map(lambda content: upload(server, client, content), contents)
            statuses = Counter(answers)
        peak = _resident(server, "VmHWM")
        sys.stdout.write(f"  {name}: peak {peak} MB, answered {dict(statuses)}\n")


def _resident(server: WebServer, line: str) -> int:
    for text in Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if text.startswith(line):
            return int(text.split()[1]) // 1024
    raise SystemExit("No memory is told on this system.")


# --- Requests and pictures -----------------------------------------------------------------------


def request(
    server: WebServer, client: Client, method: str, path: str, body: bytes = b"", boundary: str = ""
) -> int:
    """Send as the merchant, behind the proxy that ends TLS; the answer's status."""
    place = urlsplit(server.url)
    csrf = secrets.token_hex(16)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    headers = {
        "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; csrftoken={csrf}",
        "X-CSRFToken": csrf,
        "X-Forwarded-Proto": "https",
        "Origin": f"https://{place.netloc}",
        "HX-Request": "true" if body else "",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
    }
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=300)
    try:
        connection.request(method, path, body or None, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def upload(server: WebServer, client: Client, picture: bytes) -> int:
    """Ask for a run of this picture."""
    boundary = secrets.token_hex(16)
    key = f'--{boundary}\r\nContent-Disposition: form-data; name="key"\r\n\r\n{boundary}\r\n'
    file = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n'
        "Content-Type: image/png\r\n\r\n"
    )
    body = b"".join([key.encode(), file.encode(), picture, f"\r\n--{boundary}--\r\n".encode()])
    return request(server, client, "POST", TOOL, body, boundary)


def png_of_nothing(width: int, height: int) -> bytes:
    """A one-bit PNG whose pixels compress to next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" * (1 + -(-width // 8))) * height, 9)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def jpeg_of_scans(scans: int) -> bytes:
    """A progressive JPEG of 50 megapixels whose last scan is repeated."""
    stream = io.BytesIO()
    Image.new("RGB", (7_000, 7_100)).save(stream, "JPEG", progressive=True)
    content = stream.getvalue()
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * scans + content[-2:]


def jpeg_of_megabytes(megabytes: int) -> bytes:
    """A photo-like JPEG, filled up to this size with a comment."""
    stream = io.BytesIO()
    Image.effect_noise((4_000, 3_000), 60).convert("RGB").save(stream, "JPEG", quality=92)
    content = stream.getvalue()
    filling = bytearray()
    while len(content) + len(filling) < megabytes * 1024**2:
        filling += b"\xff\xfe\xff\xff" + secrets.token_bytes(65_533)
    return content[:2] + bytes(filling) + content[2:]


def fifty_megapixels() -> bytes:
    """The largest photo that comes in."""
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((8_000, 6_250)).convert("RGB").save(
        stream, "JPEG", quality=90
    )
    return stream.getvalue()


if __name__ == "__main__":
    main()
