"""Structured logs: every line knows its request, account and run, and no line knows a secret.

`django-structlog` gives each request and task an id. A request is told by its path alone, never its
query, in which session tokens travel; long parts of a path are signed links and are cut off.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponseBase
from django_structlog.middlewares import RequestMiddleware

from ecomvance_app.watching.hiding import without_secrets

Event = MutableMapping[str, Any]


class RequestLogMiddleware(RequestMiddleware):
    """One line when a request ends. It runs in the thread of the others."""

    async_capable = False

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Method and path."""
        return f"{request.method} {without_secrets(request.path)}"


class AccountLogMiddleware:
    """Binds the account, once the identity middleware knows it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Any, _args: Any, kwargs: dict[str, Any]
    ) -> None:
        """After the identity middleware's own look at the view."""
        account = getattr(request, "account", None)
        if account is not None:
            structlog.contextvars.bind_contextvars(account=account.pk)
        if run := kwargs.get("generation_id") or kwargs.get("run_id"):
            structlog.contextvars.bind_contextvars(run=str(run))


def bind_task(task: Any, **_about: Any) -> None:
    """A task names its run or account in its arguments."""
    kwargs = getattr(getattr(task, "request", None), "kwargs", None) or {}
    found = {"run": kwargs.get("generation_id"), "account": kwargs.get("account_id")}
    structlog.contextvars.bind_contextvars(**{name: v for name, v in found.items() if v})


def hide_secrets(_logger: Any, _name: str, event: Event) -> Event:
    """A processor: no text of a line holds what proves an identity."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = without_secrets(value)
    return event


def formatter(renderer: Any) -> dict[str, Any]:
    """The `logging` configuration of a formatter that ends in `renderer`, for lines of any library."""
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            hide_secrets,
            renderer,
        ],
        "foreign_pre_chain": _shared(),
    }


def configure() -> None:
    """Send structlog's own lines through `logging`, with the same fields."""
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso"),
    ]


def as_line(_logger: Any, _name: str, event: Event) -> str:
    """For people: level, logger, message and what is known besides, on one line."""
    level, name = str(event.pop("level", "info")).upper(), event.pop("logger", "")
    for ours in ("timestamp", "request_id", "correlation_id", "parent_task_id", "task_id"):
        event.pop(ours, None)
    message, trace = event.pop("event", ""), event.pop("exception", "")
    rest = "".join(f" {key}={value}" for key, value in event.items())
    return f"{level} {name}: {message}{rest}" + (f"\n{trace}" if trace else "")
