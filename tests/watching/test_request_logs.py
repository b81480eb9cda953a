"""Lines of the log know their request, account and run, and no line knows a secret."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import structlog
from django.test import Client

from ecomvance_app.watching import request_logs
from generations import tasks
from tests.merchants import Merchant

LINKED = "x" * 60


def lines(level: int = logging.INFO) -> tuple[logging.Handler, list[dict[str, Any]]]:
    """A handler that keeps each line as the JSON formatter writes it."""
    made: list[dict[str, Any]] = []
    config = request_logs.formatter(structlog.processors.JSONRenderer())
    form = structlog.stdlib.ProcessorFormatter(
        processors=config["processors"], foreign_pre_chain=config["foreign_pre_chain"]
    )

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            made.append(json.loads(form.format(record)))

    return Kept(level), made


@pytest.fixture
def log() -> Any:
    """Everything that is logged, as JSON."""
    handler, made = lines(logging.DEBUG)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield made
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.django_db
def test_a_request_is_told_with_its_id_and_account_and_without_its_query(
    owner: Merchant, log: list[dict[str, Any]]
) -> None:
    owner.client.get("/dashboard/usage?id_token=eyJabc.def.ghi")

    [done] = [line for line in log if line["event"] == "request_finished"]
    assert done["request"] == "GET /dashboard/usage"
    assert done["account"] == owner.account.pk
    assert len(done["request_id"]) == 36
    assert "ip" not in done
    assert "eyJabc" not in json.dumps(log)


@pytest.mark.django_db
def test_a_signed_link_is_cut_short(client: Client, log: list[dict[str, Any]]) -> None:
    client.get(f"/files/{LINKED}")

    told = [line for line in log if line["event"] == "request_finished"]
    assert told[0]["request"] == "GET /files/xxxx…"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/files/{LINKED}", 404),  # It may be good elsewhere, or tomorrow.
        (f"/staff/set-up/{LINKED}", 403),  # Sent without the form's own token.
        (f"/dashboard/invitations/{LINKED}", 403),
        (f"/dashboard/recipients/{LINKED}", 403),
    ],
)
def test_no_line_holds_a_link_that_was_refused(
    log: list[dict[str, Any]], path: str, status: int
) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.get(path) if status == 404 else client.post(path)

    assert answer.status_code == status
    assert any(line["level"] == "warning" for line in log)
    assert LINKED not in json.dumps(log)


@pytest.mark.parametrize(
    "secret",
    [
        "shpat_0123456789abcdef", "Bearer abc.def", "id_token=abcdef", "hmac=0a1b2c",
        "Basic ZWN2OnNlY3JldA==", "ecv_0123456789",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    ],
)  # fmt: skip
def test_no_line_holds_a_secret(log: list[dict[str, Any]], secret: str) -> None:
    logging.getLogger("ours").warning("Shopify said %s, then more", secret)

    text = log[-1]["event"]
    assert secret not in text
    assert "[hidden]" in text
    assert text.endswith("then more")


def test_where_an_error_happened_stays_readable(log: list[dict[str, Any]]) -> None:
    try:
        int("none")
    except ValueError:
        logging.getLogger("ours").exception("It broke")

    assert __file__ in log[-1]["exception"]


def test_lines_of_other_libraries_carry_what_is_bound(log: list[dict[str, Any]]) -> None:
    with structlog.contextvars.bound_contextvars(run="r1", account=7):
        logging.getLogger("theirs").info("Hello %s", "there")

    line = log[-1]
    assert (line["event"], line["run"], line["account"], line["level"]) == (
        "Hello there", "r1", 7, "info",
    )  # fmt: skip


def test_a_task_binds_its_run() -> None:
    class Request:
        kwargs = {"generation_id": "r1"}

    class Task:
        request = Request()

    structlog.contextvars.clear_contextvars()
    request_logs.bind_task(Task(), signal=None)
    assert structlog.contextvars.get_contextvars() == {"run": "r1"}
    structlog.contextvars.clear_contextvars()
    assert tasks.run.name == "generations.run"


def test_a_line_for_people_says_level_logger_and_message() -> None:
    event = {"level": "warning", "logger": "ours", "event": "Hello", "run": "r1"}

    assert request_logs.as_line(None, "", event) == "WARNING ours: Hello run=r1"
