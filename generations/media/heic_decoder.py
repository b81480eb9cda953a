"""Decodes one HEIC in a process of its own: standard input to standard output.

libheif and its Python binding can be brought down by a damaged file, and a process that is brought
down must not be one that serves merchants. Memory and processor time are limited as well. The
answer is a line with width and height, then, unless that is too large, the picture as PNG.
"""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
from pathlib import Path

from pi_heif import HeifImageFile
from PIL import ImageOps

MEMORY_BYTES = 3 * 1024**3
PROCESSOR_SECONDS = 30
_ENVIRONMENT = ("LANG", "LD_LIBRARY_PATH", "PATH")


def decode_apart(content: bytes, max_pixels: int) -> tuple[tuple[int, int], bytes]:
    """The picture's size, and its pixels as PNG with its colour profile, already upright.

    The PNG is empty when the size exceeds `max_pixels`. Raises OSError for a file that cannot be
    decoded, whatever became of the process.
    """
    command = [sys.executable, "-I", str(Path(__file__)), str(max_pixels)]
    # Secrets have no business in a process that reads what strangers wrote.
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        done = subprocess.run(
            command,
            input=content,
            capture_output=True,
            timeout=2 * PROCESSOR_SECONDS,
            env=environment,
            check=True,
        )
    except subprocess.SubprocessError as error:
        raise OSError("The HEIC could not be decoded.") from error
    size, _, png = done.stdout.partition(b"\n")
    width, height = (int(side) for side in size.split())
    return (width, height), png


def _limit_this_process() -> None:
    limits = {resource.RLIMIT_AS: MEMORY_BYTES, resource.RLIMIT_CPU: PROCESSOR_SECONDS}
    for kind, most in limits.items():
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(
            kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard)
        )


def _answer(max_pixels: int) -> bytes:
    with HeifImageFile(io.BytesIO(sys.stdin.buffer.read())) as image:
        width, height = image.size
        if width * height > max_pixels:
            return f"{width} {height}\n".encode()
        image.load()
        upright = ImageOps.exif_transpose(image)
    stream = io.BytesIO()
    upright.save(stream, "PNG", compress_level=1)
    return f"{upright.width} {upright.height}\n".encode() + stream.getvalue()


if __name__ == "__main__":
    _limit_this_process()
    sys.stdout.buffer.write(_answer(int(sys.argv[1])))
