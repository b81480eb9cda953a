"""How often one account's pages may send something; the API counts its requests itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _

from ecomvance_app import rates

_API = "/api/"


class PagePostMiddleware:
    """429 for an account whose pages send more than the API takes; behind the one that knows it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        """Count what changes something; the API counts its requests itself."""
        account = getattr(request, "account", None)
        if request.method != "POST" or account is None or request.path.startswith(_API):
            return None
        if rates.is_within_limit("page-posts", account.pk):
            return None
        message = _("Too many requests. Wait and ask again.")
        response = HttpResponse(message, content_type="text/plain; charset=utf-8", status=429)
        response["Retry-After"] = str(round(rates.seconds_to_next_minute()))
        return response
