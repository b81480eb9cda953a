"""The Celery app; tasks are found in each app's `tasks` module and sent by name (see `jobs`)."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_shutdown

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecomvance_app.settings")

app = Celery("ecomvance_app")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_shutdown.connect
def send_what_waits(**_kwargs: Any) -> None:
    """A worker's processes end without Python's exit, where nudges that wait are sent otherwise."""
    from ecomvance_app import live  # noqa: PLC0415  It imports settings, which are not loaded yet.

    live.flush()
