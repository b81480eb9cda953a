"""ASGI entry point: pages, the API and server-sent events."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecomvance_app.settings")

application = get_asgi_application()
