"""Work that goes on at a provider for minutes: handed over once, asked after, ended or thrown away.

No worker waits for it and none holds a lease: what is due next stands on the run's row. *Submitting*
is committed before the provider is asked and its handle with *submitted*, so a run that was found
in between may be billed already and is never sent again. When it is due, and when it is too late, is
told by the database's clock: the one that all workers share and that no worker's setting moves.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from ecomvance_app import jobs
from generations.engines import registry, routing
from generations.engines.base import Engine, EngineError, Pending, PlatformError
from generations.models import Generation
from generations.runs import lifecycle
from generations.runs.outages import health

logger = logging.getLogger(__name__)

# How long a worker that asks, and fetches a video, has the run for itself.
CLAIM = timedelta(seconds=120)
# A message that asks is sent again when nothing has come of it for so long.
ASK_AGAIN_AFTER = timedelta(seconds=60)
# After an answer that says nothing about the work: the network, a provider that is busy.
PAUSE = timedelta(seconds=15)
# For so long what lies at the provider for a run that has ended is tried to be deleted.
DISCARD_FOR = timedelta(days=1)
AT_ONCE = 200

State, Outcome, Step = Generation.State, Generation.Outcome, Generation.Step


# --- Handing over --------------------------------------------------------------------------------


def begin_submitting(generation: Generation) -> bool:
    """Say that the provider is about to be asked; False when the run is no longer this worker's."""
    changed = _own(generation).update(step=Step.SUBMITTING)
    generation.step = Step.SUBMITTING
    return bool(changed)


def submitted(generation: Generation, pending: Pending) -> bool:
    """Keep the provider's handle; work of a run that has ended meanwhile is stopped at once."""
    limit = routing.deadline_seconds(generation.tool, generation.engine)
    changed = _own(generation).update(
        step=Step.SUBMITTED,
        handle=pending.handle,
        submitted_at=Now(),
        deadline_at=Now() + timedelta(seconds=limit),
        poll_at=Now() + pending.poll_after,
        lease_until=None,
        suspected_at=None,
    )
    if not changed:
        _stop(routing.get_engine(generation.tool, generation.engine), generation, pending.handle)
        return False
    lifecycle.announce(generation)
    return True


def _own(generation: Generation) -> lifecycle.Runs:
    return Generation.objects.filter(
        pk=generation.pk, state=State.RUNNING, attempts=generation.attempts, poll_at=None
    )


# --- Asking after it -----------------------------------------------------------------------------


def send_due(later: timedelta = timedelta()) -> int:
    """Send a message for each run that is due to be asked after, and for what must be deleted.

    Due now, or so much `later`.
    """
    now = Now() + later
    unsent = Q(enqueued_at__lt=F("poll_at")) | Q(enqueued_at__lte=now - ASK_AGAIN_AFTER)
    # Sent in the future, so by a clock that has been set since.
    unsent |= Q(enqueued_at__gt=now + ASK_AGAIN_AFTER)
    due = Generation.objects.filter(unsent, poll_at__lte=now).order_by("poll_at")[:AT_ONCE]
    ids = list(due.values_list("pk", flat=True))
    Generation.objects.filter(pk__in=ids).update(enqueued_at=now)
    for generation_id in ids:
        jobs.enqueue("generations.poll", generation_id=str(generation_id))
    left_over = Generation.objects.filter(
        ~Q(handle=""),
        state__in=[State.FAILED, State.CANCELLED],
        enqueued_at__lte=now - ASK_AGAIN_AFTER,
        submitted_at__gt=now - DISCARD_FOR,
    )
    for generation_id in list(left_over.values_list("pk", flat=True)[:AT_ONCE]):
        Generation.objects.filter(pk=generation_id).update(enqueued_at=now)
        jobs.enqueue("generations.discard", generation_id=str(generation_id))
    return len(ids)


def poll(generation_id: str) -> None:
    """Ask the provider once, and book what it says; a run that is not due is left alone."""
    run = Generation.objects.filter(pk=generation_id)
    claimed = run.filter(state=State.RUNNING, step=Step.SUBMITTED, poll_at__lte=Now()).update(
        poll_at=Now() + CLAIM
    )
    if not claimed:
        return
    generation = run.get()
    if run.filter(deadline_at__lte=Now()).exists():
        message = gettext_noop("The provider took too long, so we stopped this run.")
        _end(generation, Outcome.TIMEOUT, message)
        health.note_failure(generation, outage=True)
        return
    try:
        engine = _engine(generation)
        answer = engine.poll(generation.tool, generation.handle)
        if isinstance(answer, Pending):
            _ask_later(generation, answer.poll_after)
        elif lifecycle.succeed(generation, answer):
            health.note_success(generation)
    except EngineError as error:
        _book_error(generation, error)
    except Exception:
        # Ours: the result still lies at the provider, so it is fetched again until the deadline.
        logger.exception("Asking after run %s broke", generation.pk)
        _ask_later(generation, PAUSE)


def _engine(generation: Generation) -> Engine:
    """The engine that has the work, also while its operator has switched it off for new runs."""
    engine = registry.find(generation.engine, generation.tool)
    if engine is None:
        raise PlatformError(gettext_noop("Something went wrong on our side."), retry_helps=True)
    return engine


def _book_error(generation: Generation, error: EngineError) -> None:
    logger.warning("Run %s at its provider: %s: %s", generation.pk, error.outcome, error)
    if error.retry_helps:
        asked = timedelta(seconds=error.retry_after or 0)
        _ask_later(generation, min(max(asked, PAUSE), timedelta(minutes=5)))
        return
    _end(generation, error.outcome, str(error))
    health.note_failure(generation, outage=getattr(error, "outage", False), error=error)


def _ask_later(generation: Generation, pause: timedelta) -> None:
    Generation.objects.filter(pk=generation.pk, state=State.RUNNING, step=Step.SUBMITTED).update(
        poll_at=Now() + pause
    )


def _end(generation: Generation, outcome: str, message: str) -> None:
    if lifecycle.fail(generation, outcome, message):
        discard(str(generation.pk))


# --- Throwing away -------------------------------------------------------------------------------


def discard(generation_id: str) -> None:
    """Stop and delete at the provider what a run that ended without a result has left there."""
    generation = Generation.objects.filter(
        ~Q(handle=""), pk=generation_id, state__in=[State.FAILED, State.CANCELLED]
    ).first()
    engine = registry.find(generation.engine, generation.tool) if generation else None
    if generation is None or engine is None:
        return
    if _stop(engine, generation, generation.handle):
        Generation.objects.filter(pk=generation.pk).update(handle="")


def _stop(engine: Engine, generation: Generation, handle: str) -> bool:
    try:
        engine.cancel(generation.tool, handle)
    except Exception:
        logger.warning("Work of run %s is still at its provider", generation.pk, exc_info=True)
        return False
    return True
