"""The real photographs of the demo store, fetched once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecomvance_app import wheel_files
from shopify_auth.devstore.catalogue import PHOTOGRAPHS

FOLDER = Path(__file__).resolve().parent.parent / "var" / "demo_photos"


@pytest.fixture(scope="session")
def photographs() -> Path:
    """The folder with coffee.png, chelsea.png, motorcycle_left.png and rocket.jpg."""
    try:
        wheel_files.fetch(PHOTOGRAPHS, FOLDER)
    except wheel_files.WheelFileError as error:
        pytest.skip(f"{error} Run scripts/test once with a connection to the package index.")
    return FOLDER
