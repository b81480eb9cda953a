"""The storm itself: which process is struck, how and when, the same for the same seed."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter

from scripts.storming.product import Product

# Workers carry what could be lost, so they are struck most.
VICTIMS = ("web", "engines", "engines", "default", "beat", "valkey", "postgres")
GAP_SECONDS = (0.2, 1.2)
AWAY_SECONDS = (0.2, 2.0)


class Weather:
    """Strikes one process after the other; what is stopped goes on before the next blow."""

    def __init__(self, product: Product, seed: int) -> None:
        self.blows: Counter[str] = Counter()
        self._product = product
        self._chance = random.Random(seed)  # noqa: S311 - a seed, no secret.

    def rage(self, seconds: float) -> None:
        """Strike until the time is over; afterwards nothing is stopped any more."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(self._chance.uniform(*GAP_SECONDS))
            victim = self._chance.choice(VICTIMS)
            away = self._chance.uniform(*AWAY_SECONDS)
            blow = self._chance.choice(("kill", "end", "stop"))
            self.blows[f"{victim} {blow}"] += 1
            if victim == "valkey":
                self._product.valkey.stop()
                time.sleep(away)
                self._product.valkey.start()
            elif victim == "postgres":
                self._product.postgres.stop(immediate=blow != "end")
                time.sleep(away)
                self._product.postgres.start()
            else:
                self._strike(victim, blow, away)

    def _strike(self, victim: str, blow: str, away: float) -> None:
        service = next(one for one in self._product.services if one.name == victim)
        if blow == "stop":
            service.strike(signal.SIGSTOP)
            time.sleep(away)
            service.strike(signal.SIGCONT)
        else:
            service.strike(signal.SIGKILL if blow == "kill" else signal.SIGTERM)
