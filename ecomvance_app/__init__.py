from __future__ import annotations

from ecomvance_app.celery import app as celery_app

__all__ = ["celery_app"]
