"""The business clock: billing periods, trial days and reports. Tokens use real time instead."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone


def shift_file() -> Path:
    """Where a development store keeps how many seconds its clock is ahead, for all processes."""
    return Path(settings.DATA_DIR) / "clock_shift"


def now() -> datetime:
    """The current business time, aware, in UTC. Read it once at the edge and pass it down."""
    if not settings.DEV_STORE:
        return timezone.now()
    try:
        seconds = float(shift_file().read_text())
    except (OSError, ValueError):
        seconds = 0.0
    return timezone.now() + timedelta(seconds=seconds)
