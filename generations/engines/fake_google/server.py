"""Serves the fake Google on a loopback port, in threads of this process."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from generations.engines.fake_google import generate, page, videos
from generations.engines.fake_google.replies import (
    Json,
    Reply,
    error_reply,
    invalid_key,
    json_reply,
)
from generations.engines.fake_google.state import State

logger = logging.getLogger(__name__)
REFUSED_KEYS = ("invalid", "wrong")
_MAX_BODY = 200 * 1024 * 1024
_VERSION = r"/v1(?:beta1?|alpha)?"
_MODEL = r"(?P<resource>(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/google/)?models/[^/:]+)"
_ID = r"(?P<name>[A-Za-z0-9_.-]+)"

View = Callable[[State, "re.Match[str]", Json], Reply]


def _model_name(match: re.Match[str]) -> str:
    return match["resource"].rpartition("/")[2]


def _show_model(state: State, match: re.Match[str], body: Json) -> Reply:
    """A model as `models.get` reads it; ids with "retired" in them are gone."""
    if "retired" in match["resource"]:
        return error_reply(404, "NOT_FOUND", f"{match['resource']} is not found.")
    return json_reply({"name": match["resource"], "displayName": _model_name(match)})


# A view takes what it needs of three; the rest of its arguments have a leading underscore.
ROUTES: tuple[tuple[str, str, View], ...] = (
    ("POST", rf"/{_MODEL}:generateContent", lambda s, m, b: generate.generate(s, _model_name(m), b)),
    ("POST", rf"/{_MODEL}:streamGenerateContent", lambda s, m, b: generate.stream(s, _model_name(m), b)),
    ("POST", rf"/{_MODEL}:predictLongRunning", lambda s, m, b: videos.create_operation(s, m["resource"], b)),
    ("POST", rf"/{_MODEL}:fetchPredictOperation", lambda s, _m, b: videos.fetch_operation(s, b)),
    ("GET", rf"/{_MODEL}", _show_model),
    ("POST", "/interactions", lambda s, _m, b: videos.create_interaction(s, b)),
    ("GET", f"/interactions/{_ID}", lambda s, m, _b: videos.get_interaction(s, m["name"])),
    ("POST", f"/interactions/{_ID}/cancel", lambda s, m, _b: videos.cancel_interaction(s, m["name"])),
    ("DELETE", f"/interactions/{_ID}", lambda s, m, _b: videos.delete_interaction(s, m["name"])),
    ("GET", f"/files/{_ID}:download", lambda s, m, _b: videos.download(s, m["name"])),
    ("DELETE", f"/files/{_ID}", lambda s, m, _b: videos.delete_file(s, m["name"])),
)  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    """Finds the route and sends its reply, well or badly."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Pages, calls, jobs, files."""
        self._serve()

    def do_POST(self) -> None:
        """Requests that make something."""
        self._serve()

    def do_DELETE(self) -> None:
        """Jobs and files that are not needed any more."""
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the demo's terminal shows the app's own lines."""

    def _serve(self) -> None:
        try:
            reply = self._answer()
        except (ValueError, KeyError, AttributeError, TypeError, OSError) as error:
            # A body of another shape is the caller's mistake, and must not hang its request.
            logger.info("The fake Google could not read a request: %s", error)
            reply = error_reply(400, "INVALID_ARGUMENT", f"Invalid JSON payload received: {error}")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._send(reply)

    def _answer(self) -> Reply:
        path = unquote(urlsplit(self.path).path)
        length = int(self.headers.get("Content-Length") or 0)
        if length > _MAX_BODY:
            self.close_connection = True
            return error_reply(413, "INVALID_ARGUMENT", "Request payload size exceeds the limit.")
        raw = self.rfile.read(length)
        state = self.server.state
        if self.command == "GET" and path == "/calls":
            return json_reply(state.counts())
        if self.command == "GET" and path == "/":
            return Reply(body=page.render(state), content_type="text/html; charset=utf-8")
        return self._refuse_caller(path) or self._route(path, raw)

    def _refuse_caller(self, path: str) -> Reply | None:
        key = self.headers.get("x-goog-api-key") or ""
        bearer = self.headers.get("Authorization") or ""
        if any(word in key for word in REFUSED_KEYS):
            return invalid_key()
        if any(word in bearer for word in REFUSED_KEYS):
            return error_reply(401, "UNAUTHENTICATED", "Invalid authentication credentials.")
        if not key and not bearer.startswith("Bearer "):
            return error_reply(403, "PERMISSION_DENIED", "Unregistered callers are not allowed.")
        if "/projects/" in path and not bearer:
            return error_reply(401, "UNAUTHENTICATED", "API keys are not supported by this API.")
        return None

    def _route(self, path: str, raw: bytes) -> Reply:
        for method, pattern, view in ROUTES:
            match = re.fullmatch(_VERSION + pattern, path)
            if match and method == self.command:
                body: Json = json.loads(raw) if raw else {}
                self.server.state.requests.appendleft({"path": self.path, "body": body})
                return view(self.server.state, match, body)
        return error_reply(404, "NOT_FOUND", f"There is no {self.command} {path}.")

    def _send(self, reply: Reply) -> None:
        if reply.delay:
            self.server.stopped.wait(reply.delay)
        if reply.hang_up:
            self.close_connection = True
            return
        self.send_response(reply.status, HTTPStatus(reply.status).phrase)
        self.send_header("Content-Type", reply.content_type)
        if reply.chunks is not None:
            self._send_chunks(reply.chunks(), cut=reply.cut)
        else:
            self._send_body(reply)

    def _send_body(self, reply: Reply) -> None:
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.cut:
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.close_connection = True
            return
        end = time.monotonic() + reply.drip
        position = 0
        while time.monotonic() < end and position < len(reply.body):
            self.wfile.write(reply.body[position : position + 1])
            position += 1
            self.server.stopped.wait(1)
        self.wfile.write(reply.body[position:])

    def _send_chunks(self, chunks: Iterator[bytes], *, cut: bool) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, chunk in enumerate(chunks):
            if cut and number:
                self.close_connection = True
                return
            if chunk:
                self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int) -> None:
        super().__init__((host, port), Handler)
        self.state = State()
        self.stopped = threading.Event()


class FakeGoogleServer:
    """A fake Google that listens on loopback; `port` 0 takes a free one, `base_url` tells which."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self._server = _Server(host, port)
        self.base_url = f"http://{host}:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="fake-google", daemon=True
        )

    @property
    def state(self) -> State:
        """What it remembers."""
        return self._server.state

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def wait(self) -> None:
        """Stay until the server ends."""
        self._thread.join()

    def stop(self) -> None:
        """End the server; slow answers end at once."""
        self._server.stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
