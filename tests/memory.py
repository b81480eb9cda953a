"""What a piece of work takes at its peak, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys

_PEAK = """
def peak_bytes():
    # Linux hands the parent's ru_maxrss on to a child; VmHWM begins anew with the program.
    try:
        with open("/proc/self/status") as status:
            line = next(line for line in status if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    except OSError:
        import resource
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
"""


def peak_of(work: str, *arguments: str, stdin: bytes = b"") -> tuple[int, int, str]:
    """Run the code with Django set up: bytes at the peak before it and after it, and its output."""
    code = (
        f"import sys, django\n{_PEAK}\ndjango.setup()\nimport generations.media.reading\n"
        f"before = peak_bytes()\n{work}\nprint(before, peak_bytes(), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], input=stdin, capture_output=True, check=True
    )
    before, after = done.stderr.decode().split()[-2:]
    return int(before), int(after), done.stdout.decode().strip()
