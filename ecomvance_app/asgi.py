"""ASGI entry point: pages, the API and server-sent events."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecomvance_app.settings")

pages = get_asgi_application()

# These need Django to be set up.
from ecomvance_app.doors.body_limits import BodyLimit, SenderCheck  # noqa: E402
from shopify_auth.webhooks.asgi import WebhookDoor  # noqa: E402

application = WebhookDoor(BodyLimit(SenderCheck(pages)))
