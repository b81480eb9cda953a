"""Serves the fake Shopify by Django's own WSGI server, with its own routes and no middleware."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import resolve

from shopify_auth.devstore.fake import FakeRequest, FakeShopify

logger = logging.getLogger(__name__)


class Application:
    """A WSGI application of the fake's routes alone.

    Django's own handler would bring the app's middleware, and with it sessions and the database.
    """

    def __init__(self, fake: FakeShopify) -> None:
        self._fake = fake

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        request = FakeRequest(environ)
        request.fake = self._fake
        response = self._answer(request)
        start_response(
            f"{response.status_code} {response.reason_phrase}",
            [
                *response.items(),
                *(("Set-Cookie", c.OutputString()) for c in response.cookies.values()),
            ],
        )
        return response

    def _answer(self, request: FakeRequest) -> HttpResponseBase:
        if request.META.get("HTTP_HOST") != urlsplit(self._fake.base_url).netloc:
            # Under the app's own host name the two would be one site and share their cookies.
            return HttpResponseRedirect(f"{self._fake.base_url}{request.get_full_path()}")
        try:
            match = resolve(request.path_info, "shopify_auth.devstore.urls")
            response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        except Http404:
            return HttpResponse("Not found", status=404, content_type="text/plain")
        except PermissionDenied:
            return HttpResponse("Forbidden", status=403, content_type="text/plain")
        except Exception:
            # The outermost frame: a mistake in the fake must show as an answer, not as a hang.
            logger.exception("The fake Shopify failed on %s", request.path)
            return HttpResponse("Failed", status=500, content_type="text/plain")
        return response


class QuietRequestHandler(WSGIRequestHandler):
    """Does not write a line per request: the demo's terminal shows the app's own."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


class DevStoreServer:
    """A fake Shopify that listens on a loopback port, in threads of this process.

    `port` 0 takes a free one; `fake.base_url` then tells which.
    """

    def __init__(self, folder: Path, port: int = 0, host: str = "127.0.0.1") -> None:
        self._server = ThreadedWSGIServer((host, port), QuietRequestHandler)
        self.fake = FakeShopify(f"http://{host}:{self._server.server_port}", folder)
        self._server.set_app(Application(self.fake))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="devstore-server", daemon=True
        )

    def start(self) -> None:
        """Begin to answer and to deliver webhooks."""
        self.fake.courier.start()
        self._thread.start()

    def wait(self) -> None:
        """Stay until the server ends."""
        self._thread.join()

    def stop(self) -> None:
        """End the server and its courier."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.fake.courier.stop()


def address_of(dev_store: str) -> tuple[str, int]:
    """Host and port of the setting DEV_STORE."""
    parts = urlsplit(dev_store)
    return parts.hostname or "127.0.0.1", parts.port or 80
