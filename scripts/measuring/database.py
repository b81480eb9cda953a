"""A migrated PostgreSQL of a benchmark's own, durable as in production, and Django on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from scripts.servers.postgres import PrivatePostgres


@contextmanager
def benchmark_database(extra_apps: Sequence[str] = ()) -> Iterator[str]:
    """Start the server, set Django up on it and migrate; yields its address for bare psycopg."""
    with PrivatePostgres(durable=True) as server:
        os.environ |= {
            "DEBUG": "on",
            "DATABASE_URL": server.url(),
            "DJANGO_SETTINGS_MODULE": "ecomvance_app.settings",
        }
        settings.INSTALLED_APPS += ["scripts.measuring", *extra_apps]
        settings.DEBUG = False  # Else Django keeps every statement in memory.
        django.setup()
        call_command("migrate", run_syncdb=True, verbosity=0)
        sys.stdout.write(f"{conditions()}\n\n")
        yield server.url()
        connection.close()


def conditions() -> str:
    """The server's version and what it promises about the disk."""
    names = ["server_version", "synchronous_commit", "fsync"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(name) FROM unnest(%s::text[]) AS name", [names])
        version, commit, fsync = (str(value).split()[0] for (value,) in cursor.fetchall())
    return (
        f"PostgreSQL {version}, synchronous_commit {commit}, fsync {fsync}, "
        f"{os.cpu_count()} processors"
    )
