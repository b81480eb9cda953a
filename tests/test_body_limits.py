"""How much of a body the web server takes in, before anybody is known to have sent it."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator

from ecomvance_app.asgi import application

MEGABYTE = 1024 * 1024
TOOL = "/dashboard/tools/background-removal"


class Sender:
    """Somebody without a log-in who posts megabyte after megabyte."""

    def __init__(self, path: str, announced: int | None = None) -> None:
        headers = [(b"host", b"localhost"), (b"content-type", b"multipart/form-data; boundary=x")]
        if announced is not None:
            headers.append((b"content-length", str(announced).encode()))
        self.sent = 0
        self._scope = {
            "type": "http", "http_version": "1.1", "method": "POST", "path": path,
            "raw_path": path.encode(), "query_string": b"", "headers": headers, "scheme": "http",
            "server": ("localhost", 8000), "client": ("127.0.0.1", 1),
        }  # fmt: skip

    @async_to_sync
    async def send(self, megabytes: int) -> tuple[int, bytes]:
        """Send until there is an answer: its status and body."""
        server = ApplicationCommunicator(application, self._scope)
        while self.sent < megabytes and await server.receive_nothing(timeout=0.01):
            self.sent += 1
            part = {"type": "http.request", "body": b"x" * MEGABYTE}
            await server.send_input(part | {"more_body": self.sent < megabytes})
        start = await server.receive_output(timeout=20)
        body = await server.receive_output(timeout=20)
        await server.wait()
        return int(start["status"]), bytes(body["body"])


@pytest.mark.parametrize(
    ("path", "megabytes"),
    [
        (TOOL, 27),
        ("/tools/background-removal", 27),
        ("/dashboard/tools/veo-t2v", 2),
        ("/dashboard/tools/no-such-tool", 2),
        ("/dashboard/settings", 2),
        ("/dashboard/sign-in/login/", 2),
        ("/staff/login/", 2),
        ("/api/v1/balance", 2),
    ],
)
def test_a_body_without_a_length_is_refused_where_it_becomes_too_long(
    path: str, megabytes: int
) -> None:
    sender = Sender(path)

    status, body = sender.send(100)

    assert status == 413
    assert b"larger than this address takes" in body
    # One part may be on its way when the answer comes.
    assert megabytes < sender.sent <= megabytes + 2


@pytest.mark.parametrize(
    ("path", "megabytes"),
    [(TOOL, 28), ("/api/v1/generations", 352 + 1), ("/api/v1/batches", 1252 + 1)],
)
def test_an_announced_body_is_refused_before_any_of_it_has_come(path: str, megabytes: int) -> None:
    status, _body = Sender(path, megabytes * MEGABYTE).send(0)

    assert status == 413


def test_programs_are_told_so_in_json() -> None:
    _status, body = Sender("/api/v1/balance", 3 * MEGABYTE).send(0)

    assert body.startswith(b'{"error": "too_large", "message": "The request')


def test_a_picture_of_25_megabytes_gets_through_to_the_page() -> None:
    sender = Sender(TOOL, 26 * MEGABYTE)

    status, _body = sender.send(26)

    # Without a log-in the page has no use for it, which is another matter.
    assert (status, sender.sent) == (403, 26)
