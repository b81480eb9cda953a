"""The Celery app; tasks are found in each app's `tasks` module and sent by name (see `jobs`)."""

from __future__ import annotations

import os

from celery import Celery
from django_structlog.celery.signals import bind_extra_task_metadata
from django_structlog.celery.steps import DjangoStructLogInitStep

from ecomvance_app import broker
from ecomvance_app.watching import heartbeats, request_logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecomvance_app.settings")

broker.forgive_lost_connections()
app = Celery("ecomvance_app")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)
app.steps["worker"].add(heartbeats.WorkerHeartbeat)
bind_extra_task_metadata.connect(request_logs.bind_task)
