"""Child processes that do not outlive the process that started them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
# Loaded here, because between fork and exec nothing may be imported or allocated for long.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent(ending: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn` that asks Linux to send `ending` to the child when its parent dies.

    It covers a parent killed with -9, which cannot tidy up. Elsewhere than on Linux: None.
    """
    libc = _libc
    if libc is None:
        return None

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(ending))

    return ask


def signal_group(pid: int, ending: signal.Signals) -> None:
    """Send a signal to all processes of the group that `pid` leads; none left is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, ending)


def end(
    process: subprocess.Popen[bytes], ending: signal.Signals, within_seconds: float = 20
) -> None:
    """Ask one child, the leader of its own session, to end; kill what is left of its group."""
    process.send_signal(ending)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(within_seconds)
    signal_group(process.pid, signal.SIGKILL)
    process.wait()
