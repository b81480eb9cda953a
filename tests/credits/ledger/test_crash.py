"""PostgreSQL is killed under load, ten times: what the ledger promised is there afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from scripts.servers.postgres import PrivatePostgres

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[3]
ROUNDS = 10
CLIENTS = 4
NEW_PROMISES = 40  # Load of one round: so many entries are promised before the server is killed.

OPEN_ACCOUNT = """
from datetime import timedelta
import django
django.setup()
from django.utils import timezone
from credits import ledger
now = timezone.now()
account = ledger.open_account("Paper Moon", trial=False)
ledger.start_plan_period(account.pk, "scale", now, now + timedelta(days=30), key="cycle-1")
ledger.add_package(account.pk, 1_000_000, key="package-1")
print(account.pk)
"""


@pytest.fixture
def server() -> Iterator[PrivatePostgres]:
    """A server that keeps its promises about the disk, unlike the other tests'."""
    with PrivatePostgres(durable=True) as postgres:
        yield postgres


def python(server: PrivatePostgres, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment(server), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def environment(server: PrivatePostgres) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": server.url(),
        "DJANGO_SETTINGS_MODULE": "ecomvance_app.settings",
    }


def promises(folder: Path) -> list[tuple[str, int]]:
    """Every entry that a client was given, as (key, sequence)."""
    lines = [line for file in folder.glob("*.promised") for line in file.read_text().splitlines()]
    return [(key, int(sequence)) for key, sequence in (line.rsplit(" ", 1) for line in lines)]


def wait_for(folder: Path, number: int) -> None:
    deadline = time.monotonic() + 120
    while len(promises(folder)) < number:
        assert time.monotonic() < deadline, "The load stands still."
        time.sleep(0.05)


def test_no_promised_entry_is_lost_when_the_server_is_killed(server, tmp_path):
    migrated = python(server, "manage.py", "migrate", "--verbosity", "0")
    assert migrated.returncode == 0, migrated.stderr
    account_id = python(server, "-c", OPEN_ACCOUNT).stdout.strip()
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
    load = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.credits.ledger.crash_load", account_id),
                *(f"client-{client}", str(tmp_path / f"{client}.promised")),
            ],
            env=environment(server),
            cwd=ROOT,
        )
        for client in range(CLIENTS)
    ]
    try:
        for _ in range(ROUNDS):
            wait_for(tmp_path, len(promises(tmp_path)) + NEW_PROMISES)
            server.stop(
                immediate=True
            )  # As `pg_ctl stop -m immediate`: no checkpoint, no farewell.
            server.start()
        wait_for(tmp_path, len(promises(tmp_path)) + NEW_PROMISES)
        assert [client.poll() for client in load] == [None] * CLIENTS
    finally:
        for client in load:
            client.kill()
            client.wait()

    promised = promises(tmp_path)
    with psycopg.connect(server.url()) as connection:
        stored = connection.execute(
            "SELECT key, sequence FROM credits_ledgerentry WHERE kind = 'spend'"
        ).fetchall()
    assert len(promised) >= (ROUNDS + 1) * NEW_PROMISES
    assert set(promised) <= set(stored)
    # Beyond the promised ones each client may have one entry whose answer was lost with it.
    assert len(stored) - len(promised) <= CLIENTS
    checked = python(server, "manage.py", "check_ledger")
    assert checked.returncode == 0, checked.stdout + checked.stderr
