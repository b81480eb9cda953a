"""The schedule goes on when the clock is set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from celery.beat import ScheduleEntry
from django.utils import timezone

from ecomvance_app.celery import app
from ecomvance_app.scheduler import SteadyScheduler

MINUTE = timedelta(seconds=61)  # The scheduler was started a moment after `now`.


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that the scheduler has sent."""
    names: list[str] = []

    def note(_scheduler: SteadyScheduler, entry: ScheduleEntry, **_options: Any) -> None:
        names.append(entry.name)

    monkeypatch.setattr(SteadyScheduler, "apply_entry", note)
    monkeypatch.setattr(SteadyScheduler, "producer", None)
    return names


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    started: list[SteadyScheduler] = []

    def begin() -> SteadyScheduler:
        scheduler = SteadyScheduler(app=app, schedule_filename=str(tmp_path / "schedule"))
        started.append(scheduler)
        return scheduler

    yield begin
    for scheduler in started:
        scheduler.close()


def ticks(scheduler: SteadyScheduler) -> None:
    for _ in range(3 * len(scheduler.schedule)):
        scheduler.tick()


@pytest.mark.parametrize("set_by", [timedelta(hours=-1), timedelta(), timedelta(hours=1)])
def test_everything_runs_within_a_minute_however_the_clock_is_set(
    start: Any, sent: list[str], set_by: timedelta
) -> None:
    now = timezone.now()
    scheduler = start()
    with time_machine.travel(now, tick=False):
        ticks(scheduler)
    with time_machine.travel(now + set_by, tick=False):
        ticks(scheduler)
        sent.clear()
    with time_machine.travel(now + set_by + MINUTE, tick=False):
        ticks(scheduler)
    assert {"generations.sweep", "credits.sweep", "shopify_auth.sweep"} <= set(sent)


def test_the_clock_may_be_set_back_while_nothing_runs(start: Any, sent: list[str]) -> None:
    now = timezone.now()
    with time_machine.travel(now + timedelta(hours=1), tick=False):
        before = start()
        ticks(before)
        before.sync()
    with time_machine.travel(now, tick=False):
        again = start()
        ticks(again)
        sent.clear()
    with time_machine.travel(now + MINUTE, tick=False):
        ticks(again)
    assert {"generations.sweep", "credits.sweep", "shopify_auth.sweep"} <= set(sent)


def test_it_looks_at_the_clock_every_few_seconds(start: Any) -> None:
    assert app.conf.beat_scheduler == "ecomvance_app.scheduler:SteadyScheduler"
    assert start().max_interval <= 10
