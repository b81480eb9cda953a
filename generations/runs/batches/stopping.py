"""What holds a batch up or ends it: pause, cancel, and the ends that time brings.

Whoever changes a batch locks its row first, then its runs', and the account's last (in the ledger).
"""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from ecomvance_app import clock, live
from generations.media import storage
from generations.models import Batch, BatchItem, Generation
from generations.runs import lifecycle
from generations.runs.batches import progress, rules

logger = logging.getLogger(__name__)

# An item that has not begun, charged or not.
_WAITS = Q(run=None) | Q(run__state=Generation.State.QUEUED)


def pause(account_id: int, batch_id: UUID | str, now: datetime | None = None) -> Batch:
    """Let nothing of the batch begin, for 24 hours at most; what has begun goes on.

    BatchEnded for one that is final; pausing twice changes nothing.
    """
    now = clock.now() if now is None else now
    with transaction.atomic():
        batch = lock(account_id, batch_id, now)
        check_open(batch, now)
        if batch.paused_at is None:
            batch.paused_at = now
            batch.save(update_fields=["paused_at"])
            announce(batch)
    return batch


def cancel(account_id: int, batch_id: UUID | str, now: datetime | None = None) -> Batch:
    """End the batch: what has not begun is given back, what is running goes on, the rest is never charged.

    BatchEnded for one that is final.
    """
    now = clock.now() if now is None else now
    with transaction.atomic():
        batch = lock(account_id, batch_id, now)
        check_open(batch, now)
        _end(batch, now)
    return batch


def lock(account_id: int, batch_id: UUID | str, now: datetime) -> Batch:
    """The batch, for a change within the caller's transaction, ended if its time is over.

    Batch.DoesNotExist for another account's.
    """
    batch = Batch.objects.select_for_update().get(account_id=account_id, pk=batch_id)
    if _is_overdue(batch, now):
        _end(batch, now)
    return batch


def check_open(batch: Batch, now: datetime) -> progress.Progress:
    """How the batch stands; BatchEnded when it is final."""
    standing = progress.read(batch, now)
    if standing.is_final:
        raise rules.BatchEnded
    return standing


def _is_overdue(batch: Batch, now: datetime) -> bool:
    if batch.cancelled_at is not None:
        return False
    if batch.paused_at is not None and now - batch.paused_at >= rules.PAUSED_AT_MOST:
        return batch.items.filter(_WAITS).exists()
    is_old = now - batch.created_at >= rules.INPUTS_KEPT
    return is_old and batch.items.filter(run=None).exists()


def _end(batch: Batch, now: datetime) -> None:
    batch.paused_at, batch.cancelled_at = None, now
    batch.save(update_fields=["paused_at", "cancelled_at"])
    waiting = Generation.objects.filter(batch=batch, state=Generation.State.QUEUED)
    # All of them before the first restoration locks the account, as every other end of a run does.
    for run in list(waiting.select_for_update().order_by("pk")):
        lifecycle.give_back(run)
    forget_inputs(batch.items.filter(run=None))
    announce(batch)


def forget_inputs(items: QuerySet[BatchItem]) -> None:
    """Take the pictures of items that will not be charged out of storage, after commit."""
    held = items.exclude(file="")
    names = [name for pair in held.values_list("file", "preview") for name in pair if name]
    held.update(file="", preview="")
    transaction.on_commit(lambda: storage.delete_all(names), robust=True)


def sweep(now: datetime | None = None) -> int:
    """End batches that were paused for too long or never went on; returns how many."""
    now = clock.now() if now is None else now
    items = BatchItem.objects.filter(batch=OuterRef("pk"))
    paused = Q(Exists(items.filter(_WAITS)), paused_at__lte=now - rules.PAUSED_AT_MOST)
    forgotten = Q(Exists(items.filter(run=None)), created_at__lte=now - rules.INPUTS_KEPT)
    due = Batch.objects.filter(paused | forgotten, cancelled_at=None)
    ended = 0
    for account_id, batch_id in list(due.values_list("account_id", "pk")):
        try:
            with transaction.atomic():
                ended += lock(account_id, batch_id, now).cancelled_at == now
        except Exception:
            # The pictures of the others shall not be kept longer for it; the next sweep asks again.
            logger.exception("Batch %s could not be ended", batch_id)
    return ended


def erase(account_id: int) -> None:
    """End all batches of an account that is forgotten, and empty them of words, products and pictures."""
    now = clock.now()
    batches = Batch.objects.filter(account_id=account_id)
    batches.filter(cancelled_at=None).update(paused_at=None, cancelled_at=now)
    items = BatchItem.objects.filter(batch__account_id=account_id)
    forget_inputs(items)
    items.update(product_id="", photo_id="", title="", name="", sha256="")
    batches.update(prompt="", options={}, requested_by=None, mail_when_done=False)


def announce(batch: Batch) -> None:
    """Tell open pages that the batch changed, by one of its runs, after commit."""
    run = Generation.objects.filter(batch=batch).values_list("pk", flat=True).first()
    if run is not None:
        live.publish(batch.account_id, "generation", str(run))
