"""Works one run off: takes it, feeds the engine, keeps the lease alive, books the end."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator

from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.utils.translation import gettext_noop

from generations.engines import routing
from generations.engines.base import EngineError, InputPicture, Job, Pending, Result
from generations.media import storage
from generations.models import Generation, Picture
from generations.runs import lifecycle, long_work, truth_check
from generations.runs.outages import health

logger = logging.getLogger(__name__)

# What is left after the deadline is for putting the output into storage.
OVERTIME_SECONDS = 60.0
HEARTBEAT_SECONDS = 5


def run(generation_id: str) -> None:
    """Work a waiting run off; a run that is no longer waiting is left alone."""
    generation = lifecycle.start(generation_id)
    if generation is None:
        return
    _work(generation)
    lifecycle.send_free_run()


def _work(generation: Generation) -> None:
    # Measured by a clock that nobody sets.
    limit = routing.deadline_seconds(generation.tool, generation.engine)
    deadline = time.monotonic() + limit
    try:
        with _heartbeat(generation, deadline + OVERTIME_SECONDS):
            job = _job(generation, deadline)
            answer = _ask(generation, job)
            if isinstance(answer, Result) and lifecycle.succeed(generation, answer):
                health.note_success(generation)
                truth_check.ask(generation)
    except EngineError as error:
        logger.warning("Run %s failed: %s: %s", generation.pk, error.outcome, error)
        lifecycle.book_error(generation, error)
        health.note_failure(generation, outage=_is_outage(error), error=error)
    except Exception:
        # Whatever it is, it is ours: the run ends by itself and the error reaches the log.
        logger.exception("Run %s broke", generation.pk)
        lifecycle.give_up_attempt(generation, gettext_noop("Something went wrong on our side."))


def _ask(generation: Generation, job: Job) -> Result | None:
    """The engine's result; None when the work goes on at its provider, or is another's by now."""
    engine = routing.get_engine(generation.tool, generation.engine)
    if engine.is_long(generation.tool) and not long_work.begin_submitting(generation):
        return None
    answer = engine.run(job)
    if isinstance(answer, Pending):
        long_work.submitted(generation, answer)
        return None
    return answer


def _is_outage(error: EngineError) -> bool:
    """Whether the failure says that the provider is ill: its own error, or no answer in time."""
    return error.outcome == "timeout" or getattr(error, "outage", False)


def _job(generation: Generation, deadline: float) -> Job:
    """What the engine is given: the pictures by their roles, and what was asked for."""
    by_role: dict[str, list[InputPicture]] = {}
    for picture in generation.pictures.exclude(role=Picture.Role.OUTPUT).order_by("position"):
        given = InputPicture(storage.read(picture), picture.media_type, picture.name)
        by_role.setdefault(picture.role, []).append(given)
    return Job(
        tool=generation.tool,
        deadline=deadline,
        inputs=tuple(by_role.get(Picture.Role.INPUT, ())),
        mask=next(iter(by_role.get(Picture.Role.MASK, ())), None),
        reference=next(iter(by_role.get(Picture.Role.REFERENCE, ())), None),
        options=generation.options,
        prompt=generation.prompt,
        resolution=generation.resolution,
        seconds=generation.seconds,
        product_data=generation.product_data,
        seed=int(generation.options.get("seed", 0)),
    )


@contextlib.contextmanager
def _heartbeat(generation: Generation, until: float) -> Iterator[None]:
    """Extend the lease while the block works, so that only a dead worker's run is taken over.

    A block that still works at `until` counts as hung: its lease runs out like a dead worker's.
    """
    done = threading.Event()

    def beat() -> None:
        while not done.wait(HEARTBEAT_SECONDS) and time.monotonic() < until:
            try:
                lifecycle.extend_lease(generation)
            except DatabaseError:
                # The lease outlives a missed beat or two.
                logger.warning("Lease of run %s not extended", generation.pk, exc_info=True)
            finally:
                close_old_connections()

    thread = threading.Thread(target=beat, name=f"lease-{generation.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
