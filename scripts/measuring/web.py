"""The product's web server with the settings and static files of production, on this machine."""

from __future__ import annotations

import base64
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings

from scripts.servers.processes import die_with_parent, end
from scripts.servers.valkey import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
# Made for this run; the sessions that the benchmark makes are the server's too.
PRODUCTION = {
    "SECRET_KEY": secrets.token_urlsafe(50),
    "SHOPIFY_API_KEY": "benchmark-client-id",
    "SHOPIFY_API_SECRET": secrets.token_urlsafe(32),
    "TOKEN_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "IDENTITY_KEY": secrets.token_urlsafe(32),
}


class WebServer(NamedTuple):
    """A running web server."""

    url: str
    pid: int


@contextmanager
def web_server(database: str) -> Iterator[WebServer]:
    """The product's web server on the benchmark's database."""
    port = free_port()
    environment = os.environ | {
        "DEBUG": "off",
        "APP_URL": f"https://localhost:{port}",
        "DATABASE_URL": database,
        "STORAGE_URL": f"file://{settings.DATA_DIR}/files",
    }
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "-v0"],
        cwd=ROOT, env=environment, check=True,
    )  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "ecomvance_app.asgi:application", "--port", str(port),
         "--lifespan", "off", "--log-level", "error", "--timeout-graceful-shutdown", "1"],
        cwd=ROOT, env=environment, start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509  It only calls prctl.
    )  # fmt: skip
    try:
        _until_answered(f"http://localhost:{port}/healthz")
        yield WebServer(f"http://localhost:{port}", server.pid)
    finally:
        end(server, signal.SIGTERM)


def _until_answered(address: str) -> None:
    for _attempt in range(300):
        try:
            with urlopen(address, timeout=2):  # noqa: S310  This machine's own server.
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"{address} did not answer.")
