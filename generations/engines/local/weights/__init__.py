"""The networks' weights, kept in the repository beside their licences.

A file that came out of a foreign package would be gone with that package. `waifu2x` was converted
by `scripts/convert_waifu2x.py`; U²-Net-p is the file of rembg's own release.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Weights:
    """One file: its name, and what its bytes have to be."""

    name: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return _HERE / self.name

    def is_genuine(self) -> bool:
        """Whether the file is there and its bytes are what they have to be."""
        if not self.path.is_file():
            return False
        return hashlib.sha256(self.path.read_bytes()).hexdigest() == self.sha256


# Apache-2.0, by the authors of U2-Net.
U2NETP = Weights("u2netp.onnx", "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8")
# MIT, by nagadomi: upconv_7_photo, noise 1, twice the size.
WAIFU2X = Weights(
    "waifu2x_photo_noise1_x2.onnx",
    "777834c9c0835f21ab2023d27dafb021aefeffebfedcab6c1e8b104453e69c10",
)
ALL = (U2NETP, WAIFU2X)
