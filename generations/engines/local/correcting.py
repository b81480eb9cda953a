"""The brush on a cut-out in a process of its own: `corrected`.

Of a large picture it takes a gigabyte for a moment, which has no place where merchants are served.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

from generations.engines.base import InputPicture
from generations.engines.local.background_removal import brushed
from generations.engines.local.pixels import brushes
from generations.engines.local.pixels.brushes import BadStrokesError

SECONDS = 120
_NICENESS = 10
_REFUSED = 3
_ROOT = Path(__file__).resolve().parents[3]
_ENVIRONMENT = ("LANG", "LD_LIBRARY_PATH", "PATH")


class NotCorrectedError(Exception):
    """The process ended without a result, or came to none in time."""


def corrected(cut_out: IO[bytes], photo: IO[bytes], media_type: str, strokes: Any) -> bytes:
    """As `brushed`, of two real files, the second of this media type; NotCorrectedError besides."""
    brushes.read_strokes(strokes)
    files = [cut_out.fileno(), photo.fileno()]
    try:
        done = subprocess.run(
            [sys.executable, "-s", "-m", __name__, *map(str, files), media_type],
            input=json.dumps(strokes).encode(),
            capture_output=True,
            timeout=SECONDS,
            cwd=_ROOT,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            pass_fds=files,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotCorrectedError from error
    if done.returncode == _REFUSED:
        raise BadStrokesError("Only a picture with transparency can be brushed.")
    if done.returncode:
        raise NotCorrectedError
    return done.stdout


def main() -> None:
    """Lay the strokes on standard input on the pictures of the two descriptors."""
    os.nice(_NICENESS)
    cut_out, photo = (_read(int(descriptor)) for descriptor in sys.argv[1:3])
    strokes = json.load(sys.stdin)
    try:
        made = brushed(
            InputPicture(cut_out, "image/png"), InputPicture(photo, sys.argv[3]), strokes
        )
    except BadStrokesError:
        sys.exit(_REFUSED)
    sys.stdout.buffer.write(made)


def _read(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        return file.read()


if __name__ == "__main__":
    main()
