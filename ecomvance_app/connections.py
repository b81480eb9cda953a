"""The database connection of this thread, for who is about to wait for something else."""

from __future__ import annotations

from django.db import connections


def release() -> None:
    """Give the connection back to the pool; the next query takes one again.

    Inside a transaction there is nothing to give back.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
