"""What is told to others once a change is committed, and never a failure of the one who made it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import transaction

_withheld = ContextVar("_withheld", default=False)


def tell(send: Callable[[], None]) -> None:
    """Call `send` once the surrounding transaction has committed; not at all inside `withheld`."""
    if not _withheld.get():
        transaction.on_commit(send, robust=True)


@contextmanager
def withheld() -> Iterator[None]:
    """Within it neither workers nor open pages hear of anything: sweeps and reloads find it."""
    token = _withheld.set(True)
    try:
        yield
    finally:
        _withheld.reset(token)
