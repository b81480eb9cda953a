"""Decodes the picture on standard input, and makes a clean copy and a preview of it.

The only argument is a Question in JSON, standard output is an Answer. Whatever else this process
does, an exit code other than 0 included, means that the file cannot be decoded.
"""

from __future__ import annotations

import contextlib
import os

NICENESS = 10


def main() -> None:
    """Give way to the server, then answer one question."""
    _give_way()
    # Loading the decoders takes longer than many pictures do, and gives way too.
    from generations.media.decoder.answering import answer  # noqa: PLC0415

    answer()


def _give_way() -> None:
    """Pages are answered first: less of a processor than the server, and never in the middle of its turn."""
    os.nice(NICENESS)
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


if __name__ == "__main__":
    main()
