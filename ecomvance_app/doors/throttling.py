"""How often one account may ask: the API's requests, and what the pages send."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _

logger = logging.getLogger(__name__)

REQUESTS_PER_MINUTE = 300
_API = "/api/"


def is_within_limit(name: str, account_id: int) -> bool:
    """Count one request of this name; False when the account has used up its 300 of this minute.

    One counter per name, account and minute of real time, raised atomically in the cache. A cache
    that is away (see `ecomvance_app.cache`) limits nobody: the limit protects from runaway programs,
    and the ledger needs no protection.
    """
    key = f"{name}:{account_id}:{_this_minute()}"
    try:
        cache.add(key, 0, timeout=120)
        return cache.incr(key) <= REQUESTS_PER_MINUTE
    except ValueError:
        logger.warning("Cache dropped the count of account %s", account_id)
    return True


def _this_minute() -> int:
    return int(time.time()) // 60


def seconds_to_next_minute() -> float:
    """When a refused account may ask again."""
    return 60 - time.time() % 60


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
        if is_within_limit("page-posts", account.pk):
            return None
        message = _("Too many requests. Wait and ask again.")
        response = HttpResponse(message, content_type="text/plain; charset=utf-8", status=429)
        response["Retry-After"] = str(round(seconds_to_next_minute()))
        return response
