"""Merchant pages show days and times in the account's own time zone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class AccountTimeZoneMiddleware:
    """Activates the account's time zone for the request; comes after the account is known."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(
        self, request: HttpRequest, _view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> None:
        """Switch to the zone of the account that identity has put on the request."""
        account = getattr(request, "account", None)
        if account is not None:
            timezone.activate(account.time_zone)
