"""A member of staff sees what a merchant sees: for ten minutes, in their own session, reading alone.

Nothing that such a request does stays: it runs in a transaction that is rolled back, so that looking
books no expiry and starts no work. Posts are refused, and so is what would act by being opened.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from credits.models import Account
from shopify_auth.models import Person

logger = logging.getLogger(__name__)

LASTS = timedelta(minutes=10)
PERMISSION = "credits.see_as_merchant"
_KEY = "see_as"
_PAGES = "/dashboard/"
_OWN = "/dashboard/sign-in/"
_SAFE = {"GET", "HEAD", "OPTIONS"}
# Opened, these ask Shopify, begin a download of everything, or give a right to listen.
_ACTING = ("/plans/confirmation/", "/live", ".csv")


@dataclass(frozen=True, slots=True)
class Seeing:
    """Which account is looked at, and until when."""

    account: Account
    until: datetime


def begin(request: HttpRequest, account: Account) -> Seeing:
    """From now on this session sees the account, for ten minutes of real time."""
    seeing = Seeing(account, timezone.now() + LASTS)
    request.session[_KEY] = {"account": account.pk, "until": seeing.until.timestamp()}
    return seeing


def stop(request: HttpRequest) -> int | None:
    """This session sees its own pages again; which account it saw, if any."""
    found = request.session.pop(_KEY, None)
    return int(found["account"]) if found else None


def seeing(request: HttpRequest) -> Seeing | None:
    """Whom this request's session sees; None when it sees itself, or the time is over."""
    found = request.session.get(_KEY)
    person = request.user
    if not found or not isinstance(person, Person):
        return None
    until = datetime.fromtimestamp(found["until"], tz=timezone.get_default_timezone())
    may = person.is_active and person.is_staff and person.has_perm(PERMISSION)
    account = Account.objects.filter(pk=found["account"]).first()
    if not may or account is None or timezone.now() >= until:
        del request.session[_KEY]
        return None
    return Seeing(account, until)


class SeeAsMiddleware:
    """Puts the account that is looked at on requests to the dashboard, and lets none of them write."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        ours = request.path.startswith(_PAGES) and not request.path.startswith(_OWN)
        seen = seeing(request) if ours and _KEY in request.session else None
        if seen is None:
            return self.get_response(request)
        if request.method not in _SAFE:
            return _refused(request, _("You see as a merchant: nothing can be changed."))
        if any(part in request.path for part in _ACTING):
            return _refused(request, _("This page does something when it is opened."))
        request.seen_by_staff = seen  # type: ignore[attr-defined]
        logger.info(
            "Staff %s sees %s of account %s", request.user.pk, request.path, seen.account.pk
        )
        with transaction.atomic():
            response = self.get_response(request)
            transaction.set_rollback(True)
        return _read_only(request, response)


def _read_only(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The answer; what is sent piece by piece is made later, so it is rolled back by itself."""
    if not isinstance(response, StreamingHttpResponse):
        return response
    if response.is_async:
        # Made by threads of its own, whose connections no transaction of ours reaches.
        response.close()
        return _refused(request, _("This page does something when it is opened."))
    response.streaming_content = _rolled_back(cast("Iterator[bytes]", response.streaming_content))
    return response


def _rolled_back(pieces: Iterator[bytes]) -> Iterator[bytes]:
    with transaction.atomic():
        yield from pieces
        transaction.set_rollback(True)


def _refused(request: HttpRequest, message: str) -> HttpResponseBase:
    return render(request, "shopify_auth/refused.html", {"message": message}, status=403)
