"""Works on the picture on standard input: `decode` (see `answering`) or `convert` (`converting`).

The second argument says in JSON what is asked. Whatever else this process does, an exit code other
than 0 included, means that the file cannot be decoded.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys

MEMORY_BYTES = 2 * 1024**3
PROCESSOR_SECONDS = 30
NICENESS = 10


def main() -> None:
    """Give way to the server, then answer one question."""
    _give_way()
    _limit_this_process()
    work, told = sys.argv[1], json.loads(sys.argv[2])
    # Loading the decoders takes longer than many pictures do, and gives way too.
    if work == "convert":
        from generations.media.decoder import converting  # noqa: PLC0415

        converting.answer(told)
    else:
        from generations.media.decoder import answering  # noqa: PLC0415

        answering.answer(told)


def _give_way() -> None:
    """Pages are answered first: less of a processor than the server, and never in the middle of its turn."""
    os.nice(NICENESS)
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _limit_this_process() -> None:
    limits = {resource.RLIMIT_AS: MEMORY_BYTES, resource.RLIMIT_CPU: PROCESSOR_SECONDS}
    for kind, wanted in limits.items():
        hard = resource.getrlimit(kind)[1]
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main()
