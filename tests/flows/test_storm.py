"""The product in its production form, its processes killed at random: `scripts/storm`, its short form.

A long one is for people: `scripts/storm --seconds 600`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]


def test_nothing_that_was_acknowledged_is_lost_doubled_or_stuck() -> None:
    storm = subprocess.run(
        [sys.executable, "-m", "scripts.storming.main", "--seconds", "12", "--seed", "5", "--hurry"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert storm.returncode == 0, storm.stdout + storm.stderr[-3000:]
