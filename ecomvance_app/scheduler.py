"""The scheduler's clock: it goes on within seconds when the machine's clock is set back or ahead."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery.beat import PersistentScheduler

from ecomvance_app.watching import heartbeats

logger = logging.getLogger(__name__)

# A correction below it is harmless: nothing is scheduled more often than every five seconds.
NOTICED_SECONDS = 1.0


class SteadyScheduler(PersistentScheduler):
    """Celery's scheduler, which by itself is silent until the clock has caught up again.

    Whatever it believes to have run in the future counts as run now, so a task that runs every
    minute runs within one.
    """

    max_interval = 5

    def setup_schedule(self) -> None:
        """Read what ran last; the clock may have been set back while nothing ran."""
        super().setup_schedule()
        self._ahead = _ahead()
        self._forget_the_future()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; returns the seconds until the next look."""
        ahead = _ahead()
        if abs(ahead - self._ahead) > NOTICED_SECONDS:
            logger.warning("The clock was set by %.0f s", ahead - self._ahead)
            self._forget_the_future()
        self._ahead = ahead
        heartbeats.tell("beat")
        seconds: float = super().tick(*args, **kwargs)
        return seconds

    def _forget_the_future(self) -> None:
        for entry in self.schedule.values():
            now = entry.default_now()
            entry.last_run_at = min(entry.last_run_at or now, now)
        self._heap = None


def _ahead() -> float:
    """How far the clock is ahead of the one that nobody sets."""
    return time.time() - time.monotonic()
