"""Background work of runs. Each task makes one call."""

from __future__ import annotations

from celery import shared_task

from ecomvance_app import clock
from generations.assist import conversations
from generations.media import storage
from generations.results import data_exports, retention
from generations.runs import approvals, batches, lifecycle, long_work, truth_check, worker
from generations.runs.batches import notices, previews
from generations.runs.outages import probing, staff_notices


@shared_task(name="generations.run")
def run(generation_id: str, **_kwargs: object) -> None:
    """Work one run off."""
    worker.run(generation_id)


@shared_task(name="generations.call")
def call(generation_id: str, **_kwargs: object) -> None:
    """Work one run off whose engine is a provider that is waited for."""
    worker.run(generation_id)


@shared_task(name="generations.poll")
def poll(generation_id: str, **_kwargs: object) -> None:
    """Ask after work that goes on at a provider."""
    long_work.poll(generation_id)


@shared_task(name="generations.discard")
def discard(generation_id: str, **_kwargs: object) -> None:
    """Stop at the provider what is not wanted any more."""
    long_work.discard(generation_id)


@shared_task(name="generations.send_polls")
def send_polls(**_kwargs: object) -> None:
    """Send a message for each run that is due to be asked after."""
    long_work.send_due()


@shared_task(name="generations.probe")
def probe(**_kwargs: object) -> None:
    """See whether providers of paused tools work again."""
    probing.probe_due()


@shared_task(name="generations.tell_staff")
def tell_staff(**_kwargs: object) -> None:
    """Mail staff what they must hear of."""
    staff_notices.mail_due()


@shared_task(name="generations.sweep")
def sweep(**_kwargs: object) -> None:
    """Send again what waits too long, free what a dead worker holds, end what is over."""
    lifecycle.sweep()
    truth_check.sweep()
    approvals.lapse(clock.now())
    data_exports.sweep()


@shared_task(name="generations.export_data")
def export_data(export_id: str, **_kwargs: object) -> None:
    """Make the zip of an account's data."""
    data_exports.make(export_id)


@shared_task(name="generations.preview")
def preview(account_id: int, preview_id: str, **_kwargs: object) -> None:
    """Make the preview of a look."""
    previews.make(account_id, preview_id)


@shared_task(name="generations.batch_done")
def batch_done(batch_id: str, **_kwargs: object) -> None:
    """Tell the end of a batch, if this was its end."""
    notices.tell_end(batch_id)


@shared_task(name="generations.sweep_batches")
def sweep_batches(**_kwargs: object) -> None:
    """End batches whose time is over, and tell ends that were not told."""
    batches.sweep()
    notices.tell_ends()


@shared_task(name="generations.forget_conversations")
def forget_conversations(**_kwargs: object) -> None:
    """Delete talks with the assistant that have rested for 30 days."""
    conversations.forget_old(clock.now())


@shared_task(name="generations.sweep_files")
def sweep_files(**_kwargs: object) -> None:
    """Delete files that no row names."""
    storage.sweep()


@shared_task(name="generations.sweep_results")
def sweep_results(**_kwargs: object) -> None:
    """Delete pictures that are kept no longer, and tell of those that go in 30 days."""
    retention.sweep()


@shared_task(name="generations.check_truth")
def check_truth(generation_id: str, **_kwargs: object) -> None:
    """Hold a result against its source."""
    truth_check.check(generation_id)
