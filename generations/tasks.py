"""Background work of runs. Each task makes one call."""

from __future__ import annotations

from celery import shared_task

from generations.media import storage
from generations.runs import lifecycle, worker


@shared_task(name="generations.run")
def run(generation_id: str, **_kwargs: object) -> None:
    """Work one run off."""
    worker.run(generation_id)


@shared_task(name="generations.sweep")
def sweep(**_kwargs: object) -> None:
    """Send again what waits too long, and free what a dead worker holds."""
    lifecycle.sweep()


@shared_task(name="generations.sweep_files")
def sweep_files(**_kwargs: object) -> None:
    """Delete files that no row names."""
    storage.sweep()
