"""The life of a run after it was paid: taken, delivered, failed, cancelled, by guarded updates.

Every state change is one UPDATE that names the state it leaves; whoever finds it changed already
lost the race and does nothing. What becomes of the credits at the end is ruled by
`credits.outcomes.rules` from the outcome. Messages are sent after commit; a lost one is sent again
by `sweep`. Source: product document, "Credit Deduction Flow".
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from credits.accounts import notices
from credits.outcomes import rules
from ecomvance_app import clock, jobs, live
from generations import catalog
from generations.engines.base import EngineError, Result
from generations.media import storage
from generations.models import Batch, Generation, Picture
from generations.runs.outages import staff_notices

logger = logging.getLogger(__name__)

# Three of a worker's beats. Leases are kept by the database's clock, the one clock all workers share.
LEASE = timedelta(seconds=15)
# A worker that has let its lease run out has this long, two beats more, to renew it all the same:
# when the clock was set, or the database was away, all leases have run out and most workers live.
SUSPECTED_FOR = timedelta(seconds=10)
ENQUEUE_AGAIN_AFTER = timedelta(seconds=60)
MAX_ATTEMPTS = 2
# Between the attempts of a run, and up to a sweep more: what failed for a moment, as storage or a
# provider may, is given time to come back.
PAUSE = timedelta(seconds=10)
# The longest that a provider's wish to be left alone is heeded: two minutes.
MOST_SECONDS_ASKED = 120.0

FAILURES_TOLD_EVERY = timedelta(hours=1)

State, Outcome = Generation.State, Generation.Outcome
Runs = QuerySet[Generation]


# --- Working -------------------------------------------------------------------------------------


def start(generation_id: str) -> Generation | None:
    """Take a waiting run for this worker, under a lease; None when somebody else has it.

    One whose batch is paused is left alone.
    """
    waiting = _waiting().filter(pk=generation_id)
    if paid_work_waits() and waiting.filter(price=0, label="sandbox").exists():
        return None
    changed = waiting.update(
        state=State.RUNNING,
        lease_until=Now() + LEASE,
        suspected_at=None,
        started_at=clock.now(),
        attempts=F("attempts") + 1,
    )
    if not changed:
        return None
    generation = Generation.objects.get(pk=generation_id)
    announce(generation)
    return generation


def _waiting() -> Runs:
    """Runs that may begin: waiting ones whose batch, if any, is not paused."""
    # A subquery over batches alone: the guard over a run's own state must stay in the UPDATE itself.
    paused = Batch.objects.filter(paused_at__isnull=False).values("pk")
    waiting = Generation.objects.filter(state=State.QUEUED)
    return waiting.filter(Q(batch=None) | ~Q(batch_id__in=paused))


def paid_work_waits() -> bool:
    """Whether work that is paid has not begun; what is free stands behind it."""
    waiting = _waiting().filter(price__gt=0)
    return waiting.exclude(engine="google").exists()


def send_free_run() -> None:
    """Send the oldest free run that waits, once no paid work does."""
    if paid_work_waits():
        return
    free = Generation.objects.filter(state=State.QUEUED, price=0, label="sandbox")
    oldest = free.order_by("created_at", "id").first()
    if oldest is not None:
        enqueue(oldest)


def extend_lease(generation: Generation) -> bool:
    """Say that the worker still lives; False when the run is no longer its own."""
    return bool(
        Generation.objects.filter(
            pk=generation.pk, state=State.RUNNING, attempts=generation.attempts, poll_at=None
        ).update(lease_until=Now() + LEASE, suspected_at=None)
    )


def succeed(generation: Generation, result: Result) -> bool:
    """Keep the outputs and deliver them; False when the run was cancelled or taken over meanwhile."""
    with storage.Undo(generation.account_id) as undo:
        is_ours = result.engine == "local"
        outputs = [storage.store_output(undo, output, is_ours=is_ours) for output in result.outputs]
        with transaction.atomic():
            delivered = _finish(
                generation, State.SUCCEEDED, Outcome.DELIVERED,
                engine=result.engine, model=result.model, label=result.label,
                usage=dict(result.usage),
            )  # fmt: skip
            for position, output in enumerate(outputs if delivered else ()):
                storage.attach(output, generation, Picture.Role.OUTPUT, position)
        if delivered:
            undo.keep()
    return delivered


def fail(generation: Generation, outcome: str, message: str) -> bool:
    """End a run that did not work; the outcome rules what becomes of its credits."""
    with transaction.atomic():
        failed = _finish(generation, State.FAILED, outcome, error=message[:500])
        if failed:
            _tell_failed(generation)
    return failed


def _tell_failed(generation: Generation) -> None:
    """Mail who wants to hear of it; an outage that fails many runs is one mail."""
    told = {"tool": catalog.TOOLS[generation.tool].name, "reason": generation.message}
    notices.tell(
        generation.account_id,
        notices.Kind.RUN_FAILED,
        str(generation.pk),
        subject=_("%(tool)s failed") % told,
        text=_("%(tool)s failed: %(reason)s\n\nIts page says what became of its credits.") % told,
        path=reverse("pages:run", args=[generation.pk], current_app="web"),
        not_within=FAILURES_TOLD_EVERY,
    )


def book_error(generation: Generation, error: EngineError) -> None:
    """An engine failed: end the run by the error's outcome, or wait for an attempt that may help.

    An engine that says another try helps knows that its provider has taken nothing.
    """
    if error.retry_helps and generation.attempts < MAX_ATTEMPTS:
        asked = timedelta(seconds=min(error.retry_after or 0, MOST_SECONDS_ASKED))
        _requeue(generation, max(PAUSE, asked))
    else:
        fail(generation, error.outcome, str(error))


def give_up_attempt(generation: Generation, message: str, pause: timedelta = PAUSE) -> None:
    """An attempt ended through no fault of the order: wait for another, or end the run.

    Work that was being handed over to a provider may be billed there and is never sent again.
    """
    if generation.step == Generation.Step.SUBMITTING:
        logger.error("Run %s may have been billed by its provider", generation.pk)
        staff_notices.tell(
            f"run {generation.pk}",
            f"Run {generation.pk} of {generation.tool} ended while it was handed over to"
            f" {generation.engine}: it may have been billed there, possibly without a result.",
        )
    elif generation.attempts < MAX_ATTEMPTS:
        _requeue(generation, pause)
        return
    fail(generation, Outcome.PLATFORM_ERROR, message)


def cancel(account_id: int, generation_id: str, now: datetime | None = None) -> bool:
    """Cancel a run. While it waits its credits are given back; while it runs they are used.

    Returns False when it had ended already. Source: decisions on outcomes.
    """
    now = clock.now() if now is None else now
    generation = Generation.objects.filter(account_id=account_id, pk=generation_id).first()
    if generation is None:
        return False
    with transaction.atomic():
        if _finish(generation, State.CANCELLED, Outcome.CANCELLED_IN_QUEUE, leaves=State.QUEUED):
            return True
        if not _finish(generation, State.CANCELLED, Outcome.USER_CANCELLED):
            return False
        if generation.handle:
            jobs.enqueue("generations.discard", generation_id=str(generation.pk))
        return True


def delete(account_id: int, generation_id: str) -> bool:
    """Hide a run that is final from its account; False when it is not final.

    Raises Generation.DoesNotExist for another account's and one that is deleted already.
    """
    runs = Generation.objects.filter(account_id=account_id, pk=generation_id, deleted_at=None)
    if runs.filter(state__in=Generation.FINAL).update(deleted_at=clock.now()):
        return True
    if not runs.exists():
        raise Generation.DoesNotExist(generation_id)
    return False


def give_back(generation: Generation) -> bool:
    """End a run that has not begun and give its credits back; False when it has begun."""
    with transaction.atomic():
        return _finish(generation, State.CANCELLED, Outcome.CANCELLED_IN_QUEUE, leaves=State.QUEUED)


def cancel_waiting(account_id: int) -> int:
    """Cancel everything of an account that has not begun, whoever asked for it; how many."""
    waiting = Generation.objects.filter(account_id=account_id, state=State.QUEUED)
    return sum(give_back(generation) for generation in waiting)


def cancel_unfinished(account_id: int) -> None:
    """Cancel all that waits or runs, so that nothing is delivered any more."""
    unfinished = Generation.objects.filter(
        account_id=account_id, state__in=[State.QUEUED, State.RUNNING]
    )
    for generation_id in unfinished.values_list("pk", flat=True):
        cancel(account_id, str(generation_id))


def _finish(
    generation: Generation, state: str, outcome: str, leaves: str = State.RUNNING, **columns: object
) -> bool:
    """Leave `leaves` for a final state and apply the outcome table; one winner, in one transaction."""
    left = Generation.objects.filter(pk=generation.pk, state=leaves)
    if leaves == State.RUNNING and state != State.CANCELLED:
        # A worker whose run was taken over by another attempt must not end that one.
        left = left.filter(attempts=generation.attempts)
    now = clock.now()
    changed = left.update(
        state=state,
        outcome=outcome,
        finished_at=now,
        lease_until=None,
        suspected_at=None,
        poll_at=None,
        **columns,
    )
    if not changed:
        return False
    generation.refresh_from_db()
    if generation.spend is not None:
        rules.apply_outcome(generation.spend, outcome, now=now)
    announce(generation)
    if generation.batch_id:
        jobs.enqueue("generations.batch_done", batch_id=str(generation.batch_id))
    return True


# --- Healing -------------------------------------------------------------------------------------


def sweep() -> tuple[int, int]:
    """Send again what waits too long, and free what a dead worker holds; returns both counts."""
    now = timezone.now()
    # One that was sent in the future was sent before the clock was set back.
    forgotten = Q(enqueued_at__lte=now - ENQUEUE_AGAIN_AFTER)
    forgotten |= Q(enqueued_at__gt=now + ENQUEUE_AGAIN_AFTER)
    sent = 0
    for generation in _waiting().filter(forgotten):
        generation.enqueued_at = now
        generation.save(update_fields=["enqueued_at"])
        enqueue(generation)
        sent += 1
    orphans = _orphans()
    for generation in orphans:
        # They have waited for their lease to run out; what ended is their worker, not what it needs.
        message = gettext_noop("Our worker stopped in the middle of this run.")
        give_up_attempt(generation, message, pause=timedelta())
    return sent, len(orphans)


def _orphans() -> list[Generation]:
    """Runs whose lease had run out when a sweep came, and was not renewed since.

    The others whose lease has run out are suspected from now on.
    """
    ended = Q(lease_until__lte=Now()) | Q(lease_until__gt=Now() + 2 * LEASE)
    unrenewed = Generation.objects.filter(ended, state=State.RUNNING)
    orphans = list(unrenewed.filter(suspected_at__lte=Now() - SUSPECTED_FOR))
    unrenewed.filter(Q(suspected_at=None) | Q(suspected_at__gt=Now())).update(suspected_at=Now())
    return orphans


def _requeue(generation: Generation, pause: timedelta) -> None:
    """Let the run wait again; it is sent at once, or by the first sweep after the pause."""
    with transaction.atomic():
        changed = Generation.objects.filter(
            pk=generation.pk, state=State.RUNNING, attempts=generation.attempts, poll_at=None
        ).update(
            state=State.QUEUED,
            step=Generation.Step.NONE,
            lease_until=None,
            suspected_at=None,
            enqueued_at=timezone.now() + pause - (ENQUEUE_AGAIN_AFTER if pause else timedelta()),
        )
        if changed and not pause:
            enqueue(generation)
        if changed:
            announce(generation)


def enqueue(generation: Generation) -> None:
    """Send the run to a worker, after commit: one that works, or one that asks a provider."""
    name = "generations.run" if generation.engine in ("", "local") else "generations.call"
    jobs.enqueue(name, generation_id=str(generation.pk))


def announce(generation: Generation) -> None:
    """Tell open pages that the run changed, after commit."""
    live.publish(generation.account_id, "generation", str(generation.pk))
