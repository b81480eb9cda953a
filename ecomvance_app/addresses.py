"""What is read from addresses and forms: texts that a database can hold, instants of our calendar.

PostgreSQL keeps no NUL in a text, and an instant near year 1 is none in every zone. Nobody sends
either by accident, so what has one names nothing that is here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_to_bytes

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.utils.translation import gettext as _

NUL = "\0"
FIRST_YEAR, LAST_YEAR = 2000, 2999


def read_text(query: QueryDict, name: str) -> str:
    """A field of a query or a form; empty when it is not there, or no database could hold it."""
    value = query.get(name, "")
    return "" if NUL in value else value


def check_instant(instant: datetime) -> datetime:
    """An aware instant that every zone has and a merchant can mean; ValueError otherwise."""
    if instant.utcoffset() is None or not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise ValueError("An instant is aware and lies in the calendar of merchants")
    return instant.astimezone(UTC)


def read_instant(text: str) -> datetime:
    """An instant in ISO 8601 with its offset, in UTC; ValueError for everything else."""
    return check_instant(datetime.fromisoformat(text))


class AddressMiddleware:
    """404 for an address with a NUL in its path or query: no page, row or file has such a name."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        query = unquote_to_bytes(request.META.get("QUERY_STRING", ""))
        if NUL in request.path or b"\0" in query:
            raise Http404
        return self.get_response(request)


class FormMiddleware:
    """422 for a form of a page with a NUL in a field; behind those that know who sends it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        """Look at the fields; the API has its own rules for them."""
        if request.method != "POST" or request.path.startswith("/api/"):
            return None
        if not any(NUL in text for texts in request.POST.lists() for text in (texts[0], *texts[1])):
            return None
        message = _("The form could not be read.")
        return HttpResponse(message, content_type="text/plain; charset=utf-8", status=422)
