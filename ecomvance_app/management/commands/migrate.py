"""`migrate` as Django's, one at a time: two deployments that start together wait for each other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import OutputWrapper
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections

# Any number, the same in every version: what is migrated is the whole database.
LOCK = 0x65636F6D
LOOKS_AGAIN_SECONDS = 0.5


class Command(DjangoMigrate):
    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate once nobody else does; on SQLite at once, which has no servers that share it."""
        quiet = options["verbosity"] < 1
        with _alone(options["database"], None if quiet else self.stdout):
            super().handle(*args, **options)


@contextmanager
def _alone(using: str, told: OutputWrapper | None) -> Iterator[None]:
    """Hold PostgreSQL's advisory lock, which ends with the connection whatever becomes of us.

    It is tried again and again: a statement that waits for it would hold a snapshot, for which the
    other's CREATE INDEX CONCURRENTLY waits in turn.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        while not cursor.fetchone()[0]:
            if told is not None:
                told.write("Another migrate is at work, waiting for it ...")
                told = None
            time.sleep(LOOKS_AGAIN_SECONDS)
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
    try:
        yield
    finally:
        if connection.connection is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
