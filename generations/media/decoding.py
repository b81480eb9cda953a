"""Starts the process that decodes a stranger's picture, with limits, in its turn.

A damaged or hostile file can bring a decoder down, take seconds of processor time or hundreds of
megabytes, and none of that may happen where merchants are served. The process has neither the
server's environment nor its memory, gives way to the server's own work, and only so many work at
once, for all and for each account.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, cast

from django.utils.translation import gettext as _

from credits.refusals import Refusal
from ecomvance_app import connections, rates
from generations.media.decoder.answers import Answer, Question

SECONDS = 60
MOST_AT_ONCE = 4
# One account never has all processors: on a small machine it would hold up everybody's pages.
MOST_OF_ACCOUNT = 2 if (os.cpu_count() or 1) > 2 else 1
WAIT_SECONDS = 60
MOST_FREE_A_MINUTE = 30

_ROOT = Path(__file__).resolve().parent.parent.parent
_ENVIRONMENT = ("LANG", "LD_LIBRARY_PATH", "PATH")


class Busy(Refusal):
    """Too many pictures wait to be read; asking again later will do."""

    code = "busy"
    status = 429


class UndecodableError(OSError):
    """The process ended without an answer: the file brought it down, or took too much."""


class Turns:
    """How many pictures are decoded at once by this process, and how many of one account."""

    def __init__(self, most: int, most_of_account: int) -> None:
        self._most = most
        self._most_of_account = most_of_account
        self._taken: Counter[int] = Counter()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def take(self, account_id: int, wait_seconds: float = WAIT_SECONDS) -> Iterator[bool]:
        """Wait for a turn and hold it; yields whether it had to wait. Busy when none comes in time.

        The database connection is given back before: waiting and decoding need none.
        """
        connections.release()
        with self._changed:
            waited = not self._is_free(account_id)
            if not self._changed.wait_for(lambda: self._is_free(account_id), wait_seconds):
                raise _too_many()
            self._taken[account_id] += 1
        try:
            yield waited
        finally:
            with self._changed:
                self._taken[account_id] -= 1
                self._taken += Counter()  # Drops those at zero.
                self._changed.notify_all()

    def _is_free(self, account_id: int) -> bool:
        in_all, of_account = self._taken.total(), self._taken[account_id]
        return in_all < self._most and of_account < self._most_of_account


turns = Turns(MOST_AT_ONCE, MOST_OF_ACCOUNT)
# Small pictures of product photos belong to no account that could be asked.
preview_turns = Turns(MOST_AT_ONCE, MOST_AT_ONCE)


def _too_many() -> Busy:
    return Busy(_("You sent many images at once. Wait a minute, then try again."))


def check_pace(account_id: int) -> None:
    """Busy beyond so many pictures a minute that are looked at for free, where no balance is asked."""
    if not rates.is_within_limit("free-pictures", account_id, MOST_FREE_A_MINUTE):
        raise _too_many()


def ask(source: IO[bytes], question: Question) -> Answer:
    """Let a process answer about a real file. Raises as `run`."""
    outputs = [fd for fd in (question["copy"], question["preview"]) if fd is not None]
    return cast("Answer", json.loads(run("decode", question, source, outputs)))


def run(
    work: str, told: Mapping[str, object], source: IO[bytes], outputs: Sequence[int] = ()
) -> bytes:
    """What a process of its own answers about a real file, which it reads from the beginning.

    Raises UndecodableError whatever becomes of the process, and Busy where it got too little of the
    processor to come to an end.
    """
    os.lseek(source.fileno(), 0, os.SEEK_SET)
    try:
        done = subprocess.run(
            [sys.executable, "-s", "-m", "generations.media.decoder", work, json.dumps(told)],
            stdin=source.fileno(),
            capture_output=True,
            timeout=SECONDS,
            cwd=_ROOT,
            # Secrets have no business in a process that reads what strangers wrote.
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            pass_fds=outputs,
            check=True,
        )
    except subprocess.TimeoutExpired:
        # What takes too much of the processor has ended before (see `decoder`).
        raise Busy(_("Reading this image took too long. Wait a minute, then try again.")) from None
    except subprocess.SubprocessError as error:
        raise UndecodableError("The picture could not be decoded") from error
    return done.stdout
