"""Deployments that start together migrate one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ecomvance_app.management.commands.migrate import LOCK
from scripts.servers.postgres import PrivatePostgres

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def server() -> Iterator[PrivatePostgres]:
    with PrivatePostgres() as postgres:
        yield postgres


def migrate(server: PrivatePostgres) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "migrate"],
        env={**os.environ, "DATABASE_URL": server.url()},
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def test_two_on_an_empty_database_both_succeed(server: PrivatePostgres) -> None:
    both = [migrate(server), migrate(server)]
    outputs = [process.communicate(timeout=250)[0] for process in both]

    assert [process.returncode for process in both] == [0, 0], outputs
    assert sum("No migrations to apply" in output for output in outputs) == 1


def test_one_waits_and_says_so_while_another_is_at_work(server: PrivatePostgres) -> None:
    with psycopg.connect(server.url(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        waiting = migrate(server)
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "Another migrate is at work, waiting for it ...\n"
        assert other.execute("SELECT to_regclass('django_migrations')").fetchone() == (None,)
    output, _none = waiting.communicate(timeout=250)
    assert waiting.returncode == 0, output
