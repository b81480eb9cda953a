"""What is left after the storm: nothing acknowledged lost, doubled or stuck, and no orphan file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.db import connection
from django.db.models import Count, F, Q
from django.db.models.functions import Now
from django.utils import timezone

from credits.ledger import checks
from credits.models import LedgerEntry, RestorationCase
from ecomvance_app.celery import app
from generations.media import storage
from generations.models import Generation, Picture
from scripts.storming.load import Promises
from shopify_auth.models import WebhookDelivery

LOOK_SECONDS = 0.5
# Longer than a beat of a worker: whoever lives has renewed its lease in between.
HURRY_SECONDS = 7.0
UNFINISHED = ("queued", "running")
PAST = timedelta(minutes=1, seconds=10)
WORKERS = 2


def settle(seconds: float, *, hurry: bool) -> bool:
    """Wait until nothing is unfinished; False when that takes too long.

    With `hurry` rows are made as old as they would be a minute later and the sweeps are sent at once,
    so that what takes minutes by itself takes seconds.
    """
    until = time.monotonic() + seconds
    hurry_at = time.monotonic() + 2
    while unfinished():
        if time.monotonic() > until:
            return False
        if hurry and time.monotonic() > hurry_at:
            _let_a_minute_pass()
            hurry_at = time.monotonic() + HURRY_SECONDS
        time.sleep(LOOK_SECONDS)
    return True


def unfinished() -> int:
    """Runs and webhooks that something still has to become of."""
    runs = Generation.objects.filter(state__in=UNFINISHED).count()
    return runs + WebhookDelivery.objects.filter(handled_at=None).count()


def _let_a_minute_pass() -> None:
    waiting = Generation.objects.filter(state="queued")
    waiting.update(enqueued_at=F("enqueued_at") - PAST)
    running = Generation.objects.filter(state="running")
    running.filter(suspected_at__lt=Now() - timedelta(seconds=HURRY_SECONDS - 1)).update(
        suspected_at=F("suspected_at") - PAST
    )
    running.filter(suspected_at=None).update(lease_until=F("lease_until") - PAST)
    WebhookDelivery.objects.filter(Q(claim="") | Q(claimed_until__lt=timezone.now())).filter(
        handled_at=None
    ).update(due_at=F("due_at") - PAST)
    for sweep in ("generations.sweep", "shopify_auth.sweep"):
        app.send_task(sweep)


def faults(promises: Promises, files: Path) -> Iterator[str]:
    """One sentence for everything that is not as it was promised."""
    yield from promises.refused
    yield from _acknowledged(promises)
    yield from _runs()
    yield from _webhooks(promises)
    yield from _files(files)
    yield from checks.problems()


def _acknowledged(promises: Promises) -> Iterator[str]:
    stored = {str(pk) for pk in Generation.objects.values_list("pk", flat=True)}
    for (account_id, key), ids in promises.runs.items():
        if len(ids) > 1:
            yield f"Key {key} of account {account_id} was answered with {len(ids)} runs"
        yield from (f"Run {run_id} was acknowledged and is lost" for run_id in ids - stored)
    if len(stored) > len(promises.asked):
        yield f"{len(stored)} runs are stored, {len(promises.asked)} were asked for"
    spends = LedgerEntry.objects.filter(kind="spend").count()
    if spends != len(stored):
        yield f"{spends} charges for {len(stored)} runs"


def _runs() -> Iterator[str]:
    for run in Generation.objects.filter(state__in=UNFINISHED):
        yield f"Run {run.pk} is stuck: {run.state}, attempt {run.attempts}"
    ruled = set(RestorationCase.objects.values_list("spend_id", flat=True))
    for run in Generation.objects.filter(state="failed"):
        if run.outcome != "platform_error" or run.spend_id not in ruled:
            yield f"Run {run.pk} failed as {run.outcome}: {run.error}"
    delivered = Generation.objects.filter(state="succeeded").annotate(
        outputs=Count("pictures", filter=Q(pictures__role=Picture.Role.OUTPUT))
    )
    for run in delivered.exclude(outputs=1):
        yield f"Run {run.pk} has {run.outputs} results"


def _webhooks(promises: Promises) -> Iterator[str]:
    stored = dict(WebhookDelivery.objects.values_list("webhook_id", "handled_at"))
    for webhook_id in promises.webhooks:
        if webhook_id not in stored:
            yield f"Webhook {webhook_id} was acknowledged and is lost"
        elif stored[webhook_id] is None:
            yield f"Webhook {webhook_id} is stuck"


def _files(folder: Path) -> Iterator[str]:
    # The nightly sweep, as if a day had passed: a process that is killed between saving a file and
    # committing its row leaves that file to it.
    storage.ORPHAN_AGE = timedelta()
    storage.sweep()
    named = {
        name for names in Picture.objects.values_list("file", "preview") for name in names if name
    }
    there = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    yield from (f"File {name} is gone" for name in sorted(named - there))
    yield from (f"File {name} belongs to no run" for name in sorted(there - named))


def missing_workers(within_seconds: float) -> list[str]:
    """A sentence when not all workers answer."""
    until = time.monotonic() + within_seconds
    while True:
        answers = app.control.ping(timeout=2) or []
        if len(answers) >= WORKERS:
            return []
        if time.monotonic() > until:
            return [f"{WORKERS - len(answers)} workers are gone: {answers} answer"]


def close() -> None:
    """Let go of the database, so that its server can end."""
    connection.close()
