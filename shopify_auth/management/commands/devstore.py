"""`manage.py devstore`: the fake Shopify in a process of its own."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ecomvance_app.wheel_files import WheelFileError
from shopify_auth.devstore.catalogue import make_photos
from shopify_auth.devstore.server import DevStoreServer, address_of

if TYPE_CHECKING:
    from types import FrameType

    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """Serves the fake Shopify until it is interrupted."""

    help = "Serve the fake Shopify at the address in DEV_STORE (needs DEBUG)."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """One option, so that a second fake can never be where the app does not look."""
        parser.add_argument("--port", type=int, help="must be the port in DEV_STORE")
        parser.add_argument("--reset", action="store_true", help="forget everything first")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Serve; CommandError without DEBUG and DEV_STORE or on a busy port."""
        if not (settings.DEBUG and settings.DEV_STORE):
            raise CommandError("Set DEBUG=on and DEV_STORE=http://127.0.0.1:8001 to run it.")
        host, port = address_of(settings.DEV_STORE)
        if options["port"] not in {None, port}:
            raise CommandError(f"DEV_STORE names port {port}; set DEV_STORE to the port you want.")
        try:
            server = DevStoreServer(Path(settings.DATA_DIR) / "devstore", port, host)
        except OSError as error:
            raise CommandError(f"Port {port} is busy; set DEV_STORE to another one.") from error
        if options["reset"]:
            server.fake.store.reset()
        server.start()
        signal.signal(signal.SIGTERM, _interrupt)
        self.stdout.write(f"Shopify admin  {server.fake.base_url}/")
        Thread(target=self._make_photos, daemon=True).start()
        try:
            server.wait()
        except KeyboardInterrupt:
            server.stop()

    def _make_photos(self) -> None:
        """Draw and fetch the product pictures beside the running server: it takes a while once."""
        try:
            make_photos()
        except WheelFileError as error:
            self.stderr.write(f"The demo store lacks its photographs: {error}")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
