"""Lives of accounts as Hypothesis invents them: what the ledger refuses did not happen."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from credits import ledger
from credits.models import LedgerEntry
from tests.credits.reports.story import DAY, at

# Both changes of the clock lie within four months of these mornings.
OPENINGS = {
    "Europe/Berlin": "2026-03-01 23:30",
    "America/New_York": "2026-09-15 00:10",
    "Australia/Lord_Howe": "2026-03-20 12:00",
    "Pacific/Kiritimati": "2026-12-20 01:00",
}
# More than the charts have colours for, and spends that name no tool.
TOOLS = [
    "background-removal", "image-enhance", "product-placement", "ai-shadowing", "veo-t2v",
    "description-generator", "product-try-on", "",
]  # fmt: skip

spends = st.tuples(
    st.just("spend"), st.integers(1, 900), st.sampled_from(TOOLS), st.sampled_from(["user:1", ""])
)
events = st.one_of(
    spends,
    spends,
    st.tuples(st.just("wait"), st.integers(1, 45 * 24)),
    st.tuples(st.just("period"), st.sampled_from(["starter", "growth"]), st.integers(1, 40)),
    st.tuples(st.just("package"), st.integers(1, 2000)),
    st.tuples(st.just("adjust"), st.sampled_from(["plan", "package"]), st.integers(-300, 300)),
    st.tuples(st.just("restore"), st.integers(0, 30)),
)


class Life:
    """Plays events into one account; what the ledger refuses did not happen."""

    def __init__(self, zone: str) -> None:
        self.now = at(OPENINGS[zone], zone)
        self.account = ledger.open_account("Bloom", now=self.now, time_zone=zone)
        self._number = 0

    def play(self, event: tuple[Any, ...]) -> None:
        self._number += 1
        act: Callable[..., object] = getattr(self, f"_{event[0]}")
        with contextlib.suppress(ValueError, ledger.LedgerError):
            act(*event[1:], key=f"event-{self._number}")

    def _wait(self, hours: int, key: str) -> None:
        self.now += timedelta(hours=hours)
        ledger.settle(self.account.pk, now=self.now)

    def _spend(self, credits: int, tool: str, actor: str, key: str) -> None:
        ledger.spend(self.account.pk, credits, key, tool=tool, actor=actor, now=self.now)

    def _period(self, plan: str, days: int, key: str) -> None:
        end = self.now + days * DAY
        ledger.start_plan_period(self.account.pk, plan, self.now, end, key=key, now=self.now)

    def _package(self, credits: int, key: str) -> None:
        ledger.add_package(self.account.pk, credits, key=key, now=self.now)

    def _adjust(self, bucket: ledger.Bucket, credits: int, key: str) -> None:
        ledger.adjust(self.account.pk, bucket, credits, key, "staff:9", "Because", now=self.now)

    def _restore(self, index: int, key: str) -> None:
        spent = LedgerEntry.objects.filter(account=self.account, kind="spend")
        if spent:
            chosen = spent[index % len(spent)]
            ledger.restore(chosen.pk, key, "staff:9", "Crash", now=self.now)
