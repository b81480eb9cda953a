"""The lease of a run: it is kept while somebody works on the run, and no longer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from django.utils import timezone

from generations import tasks
from generations.engines import registry, routing
from generations.engines.base import ContentPolicyError, Job, Pending, PlatformError, Result
from generations.models import Generation
from generations.runs import lifecycle, worker
from tests.generations.engine import Engine
from tests.generations.mug_store import ask, stored_files
from tests.merchants import Merchant

WITHIN_SECONDS = 40
# What is committed and sent, a worker that browser tests have started would work off.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sent_jobs")]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lease_grows() -> bool:
    """Whether the running run's lease is extended in time."""
    began = Generation.objects.get().lease_until
    deadline = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < deadline:
        lease = Generation.objects.get().lease_until
        if began is not None and lease is not None and lease > began:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(autouse=True)
def _quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "HEARTBEAT_SECONDS", 0.05)


class SlowStorage(FileSystemStorage):
    """Storage that is as slow as leases are short: it is done when it has seen one grow."""

    grown: list[bool] = []

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        if Generation.objects.filter(state="running").exists():
            self.grown.append(lease_grows())
        return super().save(name, content, max_length)


def test_is_kept_while_the_output_goes_into_storage(
    owner: Merchant, engine: Engine, settings: Any
) -> None:
    SlowStorage.grown.clear()
    local = settings.STORAGES["default"]
    settings.STORAGES = settings.STORAGES | {
        "default": local | {"BACKEND": f"{__name__}.SlowStorage"}
    }
    ask(owner.client)

    tasks.run(generation_id=str(Generation.objects.get().pk))

    assert SlowStorage.grown == [True, True]
    assert Generation.objects.get().state == "succeeded"


class Hanging(Engine):
    """An engine that heeds no deadline."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.freed = threading.Event(), threading.Event()

    def run(self, job: Job) -> Result | Pending:
        self.begun.set()
        assert self.freed.wait(2 * WITHIN_SECONDS)
        return super().run(job)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    engine = Hanging()
    monkeypatch.setitem(registry.LOCAL, "background-removal", engine)
    yield engine
    engine.freed.set()


def work_apart(run: Generation) -> threading.Thread:
    """A worker in a thread of its own."""

    def work() -> None:
        try:
            tasks.run(generation_id=str(run.pk))
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    return worker


def test_of_an_engine_that_hangs_runs_out_and_the_run_is_worked_off_by_another(
    owner: Merchant, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "LEASE", timedelta(seconds=0.5))
    monkeypatch.setattr(lifecycle, "SUSPECTED_FOR", timedelta(seconds=0.2))
    monkeypatch.setattr(routing, "deadline_seconds", lambda _tool, _engine: 0.0)
    monkeypatch.setattr(worker, "OVERTIME_SECONDS", 0.3)
    ask(owner.client)
    run = Generation.objects.get()
    stuck = work_apart(run)
    assert hanging.begun.wait(WITHIN_SECONDS)

    until(lambda: bool(lifecycle.sweep()[1]))
    monkeypatch.setitem(registry.LOCAL, "background-removal", Engine())
    tasks.run(generation_id=str(run.pk))
    hanging.freed.set()
    stuck.join()

    run.refresh_from_db()
    assert (run.state, run.attempts, run.pictures.count()) == ("succeeded", 2, 2)
    assert owner.total == 80


@pytest.mark.parametrize(
    "end_of_the_first",
    [
        None,
        ContentPolicyError("Refused."),
        PlatformError("The disk is full."),
        RuntimeError("boom"),
    ],
    ids=["delivers", "fails for good", "wants another try", "breaks"],
)
def test_the_first_worker_ends_while_the_second_attempt_runs(
    owner: Merchant,
    hanging: Hanging,
    monkeypatch: pytest.MonkeyPatch,
    end_of_the_first: Exception | None,
) -> None:
    """What the first one brings is nobody's any more: the run is the second one's, to its end."""
    monkeypatch.setattr(worker, "HEARTBEAT_SECONDS", 60)  # No beat comes between.
    monkeypatch.setattr(lifecycle, "SUSPECTED_FOR", timedelta())
    ask(owner.client)
    run = Generation.objects.get()
    first = work_apart(run)
    assert hanging.begun.wait(WITHIN_SECONDS)
    # Nobody hears from the first one, and another takes the run over.
    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    until(lambda: bool(lifecycle.sweep()[1]))
    second = Hanging()
    monkeypatch.setitem(registry.LOCAL, "background-removal", second)
    late = work_apart(run)
    try:
        assert second.begun.wait(WITHIN_SECONDS)

        hanging.error = end_of_the_first
        hanging.freed.set()
        first.join()

        run.refresh_from_db()
        assert (run.state, run.outcome, run.attempts) == ("running", "", 2)
        assert run.lease_until is not None
        assert run.pictures.count() == 1
        assert len(stored_files(owner.account.pk)) == 1
    finally:
        second.freed.set()
        late.join()
    run.refresh_from_db()
    assert (run.state, run.attempts, run.pictures.count()) == ("succeeded", 2, 2)
    assert owner.total == 80


def test_is_extended_again_after_the_database_was_away(owner: Merchant, hanging: Hanging) -> None:
    refused: list[str] = []

    def refuse_once(**_signal: Any) -> None:
        name = threading.current_thread().name
        if name.startswith("lease-") and not refused:
            refused.append(name)
            raise OperationalError("the server closed the connection unexpectedly")

    connection_created.connect(refuse_once)
    try:
        ask(owner.client)
        worker = work_apart(Generation.objects.get())
        until(lambda: bool(refused))

        assert lease_grows()
    finally:
        connection_created.disconnect(refuse_once)
        hanging.freed.set()
        worker.join()
    assert Generation.objects.get().state == "succeeded"


def test_that_has_run_out_is_renewed_by_a_worker_that_lives(
    owner: Merchant, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an outage of the database, or when its clock was set ahead."""
    ask(owner.client)
    run = Generation.objects.get()
    worker = work_apart(run)
    assert hanging.begun.wait(WITHIN_SECONDS)
    Generation.objects.update(lease_until=timezone.now() - timedelta(hours=1))

    assert lifecycle.sweep() == (0, 0)
    until(lambda: Generation.objects.get().suspected_at is None)
    monkeypatch.setattr(lifecycle, "SUSPECTED_FOR", timedelta())
    assert lifecycle.sweep() == (0, 0)

    hanging.freed.set()
    worker.join()
    assert Generation.objects.get().attempts == 1
    assert Generation.objects.get().state == "succeeded"


@pytest.mark.parametrize("hours", [1, -1])
def test_is_not_touched_by_a_worker_clock_that_is_set(
    owner: Merchant, hanging: Hanging, hours: int
) -> None:
    ask(owner.client)
    run = Generation.objects.get()
    worker = work_apart(run)
    assert hanging.begun.wait(WITHIN_SECONDS)

    with time_machine.travel(timezone.now() + timedelta(hours=hours), tick=True):
        assert lifecycle.sweep() == (0, 0)
        hanging.freed.set()
        worker.join()

    run.refresh_from_db()
    assert (run.state, run.attempts) == ("succeeded", 1)


class Heedful(Hanging):
    """An engine that looks at its deadline when it is let go on."""

    def run(self, job: Job) -> Result | Pending:
        result = super().run(job)
        job.check_deadline()
        return result


def test_a_clock_that_is_set_ahead_is_no_timeout(
    owner: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Heedful()
    monkeypatch.setitem(registry.LOCAL, "background-removal", engine)
    ask(owner.client)
    run = Generation.objects.get()
    worker = work_apart(run)
    assert engine.begun.wait(WITHIN_SECONDS)
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=True):
        engine.freed.set()
        worker.join()
    run.refresh_from_db()
    assert (run.state, run.outcome) == ("succeeded", "delivered")
