"""What an error report says, as Sentry's server gets it."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.embedded import SHOP, place, session_token

ROOT = Path(__file__).resolve().parents[2]
# No table was made, so whatever asks the database fails with the token in its hands.
FAILING = """
import os

import django
django.setup()
import logging, sentry_sdk
from django.test import Client
from shopify_auth.admin_api import client, documents

browser = Client(raise_request_exception=False, SERVER_NAME="localhost", headers={"Referer": os.environ["ADDRESS"]})
assert browser.get(os.environ["ADDRESS"]).status_code == 500
bearer = {"Authorization": "Bearer " + os.environ["SESSION_TOKEN"]}
assert browser.get("/balance", headers=bearer).status_code == 500
try:
    client.run("no store", "shpat_not-a-real-token", documents.SHOP_DETAILS, {})
except ValueError:
    logging.getLogger("shopify_auth").exception("Loaded %s", os.environ["ADDRESS"])
sentry_sdk.flush(10)
"""


class Sentry(ThreadingHTTPServer):
    """Takes reports on a free loopback port."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Ingest)
        self.reports: list[str] = []


class Ingest(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        packed = self.headers.get("Content-Encoding") == "gzip"
        assert isinstance(self.server, Sentry)
        self.server.reports.append((gzip.decompress(body) if packed else body).decode())
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Nothing to the terminal."""


@pytest.fixture
def sentry():
    server = Sentry()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_no_report_holds_a_secret(sentry, tmp_path, settings):
    token = session_token()
    query = "&".join(f"{name}={value}" for name, value in place(id_token=token).items())
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "ecomvance_app.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}",
        "SENTRY_DSN": f"http://key@127.0.0.1:{sentry.server_port}/1",
        "ADDRESS": f"{settings.APP_URL}/?{query}",
        "SESSION_TOKEN": token,
    }
    command = [sys.executable, "-c", FAILING]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=200)
    text = "\n".join(sentry.reports)
    # The reports came and say what happened where.
    assert text.count("OperationalError") >= 2
    assert "Not the domain of a store" in text
    assert "installs.py" in text
    for secret in (token, "shpat_not-a-real-token", settings.SHOPIFY_API_SECRET, SHOP):
        assert secret not in text
