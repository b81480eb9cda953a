"""A look at a photo before it is paid for, in a process of its own: `faults_of`.

The network and its memory stay away from where merchants are served, and the look gives way to them.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from generations.engines.local import weights
from generations.engines.local.pixels import faults, mattes
from generations.engines.local.pixels.faults import Faults

SECONDS = 30
_NICENESS = 10
_ROOT = Path(__file__).resolve().parents[3]
_ENVIRONMENT = ("LANG", "LD_LIBRARY_PATH", "PATH")


def faults_of(preview: IO[bytes]) -> Faults | None:
    """What is wrong with the photo of this small copy (a file of ours); None when it was not seen."""
    preview.seek(0)
    try:
        done = subprocess.run(
            [sys.executable, "-s", "-m", "generations.engines.local.inspecting"],
            input=preview.read(),
            capture_output=True,
            timeout=SECONDS,
            cwd=_ROOT,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            check=True,
        )
    except subprocess.SubprocessError:
        return None
    told = json.loads(done.stdout)
    return Faults(told["softness"], told["light"], tuple(told["cut_off"]))


def look(content: bytes) -> Faults:
    """The faults of a small copy; on white where it is transparent."""
    with Image.open(io.BytesIO(content)) as image:
        pixels = np.asarray(image.convert("RGBA"))
    share = pixels[..., 3:].astype(np.float32) / 255.0
    photo = np.rint(pixels[..., :3] * share + 255.0 * (1.0 - share)).astype(np.uint8)
    subject = mattes.glance(photo, weights.U2NETP.path) * share[..., 0]
    return faults.find(photo, np.asarray(subject, np.float32))


def main() -> None:
    """Look at the photo on standard input, say in JSON what is wrong with it."""
    os.nice(_NICENESS)
    found = look(sys.stdin.buffer.read())
    told = {"softness": found.softness, "light": found.light, "cut_off": found.cut_off}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
