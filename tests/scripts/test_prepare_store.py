"""Setting up what `scripts/run` needs, with the real pip and an index that has nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from tests.wheels import own_index

__all__ = ["own_index"]

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_store_has_its_drawings_before_it_is_announced(
    own_index: Path, tmp_path: Path, demo_photos: Path
) -> None:
    data = tmp_path / "var"
    shutil.copytree(demo_photos, data / "demo_photos")
    drawing, photograph = (
        data / "demo_photos" / name for name in ("stoneware-mug.jpg", "coffee.png")
    )
    drawing.unlink()
    photograph.unlink()
    settings = {
        "DEBUG": "on",
        "DATA_DIR": str(data),
        "DATABASE_URL": f"sqlite:///{quote(str(data / 'db.sqlite3'))}",
        "DEV_STORE": "http://127.0.0.1:8001",
    }

    done = subprocess.run(
        [sys.executable, "-m", "scripts.prepare_store"],
        cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    # Nothing but log-ins is printed, and nothing that could not be fetched keeps the store shut.
    assert [line.split("  ")[0] for line in done.stdout.splitlines()] == [
        "Merchant log-in",
        "Staff log-in",
    ]
    assert drawing.is_file()
    assert not photograph.exists()
    assert "The demo store lacks its photographs: pip could not download scikit" in done.stderr
