"""The Celery app; tasks are found in each app's `tasks` module and sent by name (see `jobs`)."""

from __future__ import annotations

import os

from celery import Celery

from ecomvance_app import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecomvance_app.settings")

broker.forgive_lost_connections()
app = Celery("ecomvance_app")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
