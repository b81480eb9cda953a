"""How much of a body the web server takes in, before anybody is known to have sent it."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator

from ecomvance_app.asgi import application
from tests.embedded import bearer, session_token
from tests.merchants import Merchant, make_merchant

MEGABYTE = 1024 * 1024
TOOL = "/dashboard/tools/background-removal"


class Sender:
    """Somebody who posts megabyte after megabyte, without a log-in unless headers say otherwise."""

    def __init__(
        self, path: str, announced: int | None = None, proof: dict[str, str] | None = None
    ) -> None:
        headers = [(b"host", b"localhost"), (b"content-type", b"multipart/form-data; boundary=x")]
        headers += [(name.encode(), text.encode()) for name, text in (proof or {}).items()]
        if announced is not None:
            headers.append((b"content-length", str(announced).encode()))
        self.sent = 0
        self._scope = {
            "type": "http", "http_version": "1.1", "method": "POST", "path": path,
            "raw_path": path.encode(), "query_string": b"", "headers": headers, "scheme": "http",
            "server": ("localhost", 8000), "client": ("127.0.0.1", 1),
        }  # fmt: skip

    @async_to_sync
    async def ask(self) -> tuple[int, dict[str, str], bytes]:
        """The answer to the headers alone: nothing of the body is sent."""
        server = ApplicationCommunicator(application, self._scope)
        start = await server.receive_output(timeout=60)
        body = await server.receive_output(timeout=60)
        await server.wait()
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return int(start["status"]), headers, bytes(body["body"])

    @async_to_sync
    async def send(self, megabytes: int) -> tuple[int, bytes]:
        """Send until there is an answer: its status and body."""
        server = ApplicationCommunicator(application, self._scope)
        while self.sent < megabytes and await server.receive_nothing(timeout=0.01):
            self.sent += 1
            part = {"type": "http.request", "body": b"x" * MEGABYTE}
            await server.send_input(part | {"more_body": self.sent < megabytes})
        start = await server.receive_output(timeout=60)
        body = await server.receive_output(timeout=60)
        await server.wait()
        return int(start["status"]), bytes(body["body"])


def cookie(merchant: Merchant) -> dict[str, str]:
    """The proof of somebody who is signed in to the dashboard."""
    return {"cookie": f"sessionid={merchant.client.cookies['sessionid'].value}"}


@pytest.mark.parametrize(
    ("path", "megabytes"),
    [
        ("/dashboard/tools/veo-t2v", 2),
        ("/dashboard/tools/no-such-tool", 2),
        ("/dashboard/settings", 2),
        ("/dashboard/sign-in/login/", 2),
        ("/staff/login/", 2),
    ],
)
def test_a_body_without_a_length_is_refused_where_it_becomes_too_long(
    path: str, megabytes: int
) -> None:
    _refused_at(Sender(path), megabytes)


@pytest.mark.parametrize(
    ("path", "megabytes"), [("/tools/background-removal", 27), ("/api/v1/balance", 2)]
)
def test_one_of_a_store_too(path: str, megabytes: int) -> None:
    _refused_at(Sender(path, proof=bearer(session_token())), megabytes)


@pytest.mark.django_db(transaction=True)
def test_one_of_the_dashboard_too() -> None:
    _refused_at(Sender(TOOL, proof=cookie(make_merchant("Olivia"))), 27)


def _refused_at(sender: Sender, megabytes: int) -> None:
    status, body = sender.send(100)

    assert status == 413
    assert b"larger than this address takes" in body
    # One part may be on its way when the answer comes.
    assert megabytes < sender.sent <= megabytes + 2


@pytest.mark.parametrize(
    ("path", "megabytes"),
    [
        (TOOL, 28),
        ("/api/v1/generations", 402 + 1),
        ("/api/v1/quotes", 402 + 1),
        ("/api/v1/batches", 1252 + 1),
    ],
)
def test_an_announced_body_is_refused_before_any_of_it_has_come(path: str, megabytes: int) -> None:
    status, _body = Sender(path, megabytes * MEGABYTE).send(0)

    assert status == 413


def test_programs_are_told_so_in_json() -> None:
    _status, body = Sender("/api/v1/balance", 3 * MEGABYTE).send(0)

    assert body.startswith(b'{"error": "too_large", "message": "The request')


@pytest.mark.django_db(transaction=True)
def test_a_picture_of_25_megabytes_gets_through_to_the_page() -> None:
    sender = Sender(TOOL, 26 * MEGABYTE, cookie(make_merchant("Olivia")))

    status, _body = sender.send(26)

    # It came without the page's form, which is another matter.
    assert (status, sender.sent) == (403, 26)


@pytest.mark.parametrize("announced", [None, 2 * MEGABYTE, 1])
@pytest.mark.parametrize(
    "proof",
    [{}, {"authorization": "Bearer no.session.token"}, {"cookie": "sessionid=nobodys"}],
    ids=["nothing", "a bad token", "a cookie"],
)
@pytest.mark.parametrize(
    "path", ["/api/v1/batches", "/api/v1/generations", "/api/v1/balance", "/tools/style-cloning"]
)
def test_without_proof_no_byte_is_taken(
    path: str, proof: dict[str, str], announced: int | None
) -> None:
    status, headers, _body = Sender(path, announced, proof).ask()

    assert status == 401
    assert headers["x-shopify-retry-invalid-session-request"] == "1"
    assert headers["connection"] == "close"


@pytest.mark.django_db(transaction=True)
def test_without_a_log_in_the_dashboard_takes_no_picture() -> None:
    status, _headers, body = Sender(TOOL, 20 * MEGABYTE, {"cookie": "sessionid=nobodys"}).ask()

    assert (status, body) == (401, b"Sign in again.")
