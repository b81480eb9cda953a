"""HTTP Basic on `/api/v1`: the key of a connection speaks for its account.

A wrong, rotated or revoked key is a 401 that asks no browser for a password. A browser sends an `Origin`
with what a page asks for, and keys belong to programs on servers: both together are refused.

Source: decisions on accounts, shops and people; RFC 7617.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import time
from datetime import timedelta

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from ecomvance_app.http import Role
from shopify_auth.identity.roles import lower
from shopify_auth.models import Connection, Membership, Shop
from shopify_auth.stores.connections import digest

PATH = "/api/v1/"
FAILURES_PER_MINUTE = 60
_LONGEST = 512
_NOTED_AFTER = timedelta(minutes=1)
# Compared with when the key id is unknown, so that this takes no less time.
_NOBODYS = digest("nobody's secret")


def is_tried(request: HttpRequest) -> bool:
    """Whether this request of the API comes with HTTP Basic."""
    if not request.path.startswith(PATH):
        return False
    return request.headers.get("Authorization", "")[:6].lower() == "basic "


def identify(request: HttpRequest) -> HttpResponse | None:
    """Put the account of the key on the request, or refuse it: 401, and 429 after many wrong keys."""
    connection = None if "Origin" in request.headers else _find(request)
    role = _role(connection) if connection is not None else None
    if connection is None or role is None:
        return _refuse(request)
    _note_use(connection)
    shop = connection.shop
    request.account = shop.account  # type: ignore[attr-defined]
    request.shop = shop  # type: ignore[attr-defined]
    request.person = connection.person  # type: ignore[attr-defined]
    request.role = role  # type: ignore[attr-defined]
    request.surface = "api"  # type: ignore[attr-defined]
    # No cookie is read here, so there is nothing that another site could misuse.
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # noqa: SLF001
    return None


def _find(request: HttpRequest) -> Connection | None:
    """The connection whose key was sent, if its secret is right and its store has the app."""
    key_id, secret = _sent(request)
    found = (
        Connection.objects.select_related("shop__account", "person")
        .filter(key_id=key_id, shop__state=Shop.State.INSTALLED)
        .exclude(shop__account=None)
        .first()
        if key_id
        else None
    )
    kept = found.secret_digest if found is not None else _NOBODYS
    return found if hmac.compare_digest(kept, digest(secret)) else None


def _sent(request: HttpRequest) -> tuple[str, str]:
    text = request.headers["Authorization"][6:].strip()
    if len(text) > _LONGEST:
        return "", ""
    try:
        decoded = base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return "", ""
    key_id, _colon, secret = decoded.partition(":")
    return ("", "") if "\0" in key_id else (key_id, secret)


def _role(connection: Connection) -> Role | None:
    """What the key may do: never more than its person may now. None when they are a member no more."""
    scope = "viewer" if connection.scope == Connection.Scope.READ else "maker"
    if connection.person is None:
        return lower(scope, "maker")
    if not connection.person.is_active:
        return None
    membership = Membership.objects.filter(
        person=connection.person, account=connection.shop.account
    ).first()
    return lower(scope, membership.role) if membership is not None else None


def _note_use(connection: Connection) -> None:
    now = timezone.now()
    if connection.last_used_at is None or now - connection.last_used_at >= _NOTED_AFTER:
        Connection.objects.filter(pk=connection.pk).update(last_used_at=now)


def _refuse(request: HttpRequest) -> HttpResponse:
    if _has_failed_often(request):
        message = _("Too many requests. Wait and ask again.")
        answer = JsonResponse({"error": "too_many_requests", "message": message}, status=429)
        answer["Retry-After"] = str(60 - int(time.time()) % 60)
        return answer
    message = _("This key is not known, or it was replaced or revoked.")
    answer = JsonResponse({"error": "unauthorized", "message": message}, status=401)
    answer["Cache-Control"] = "no-store"
    return answer


def _has_failed_often(request: HttpRequest) -> bool:
    address = request.META.get("REMOTE_ADDR", "")
    name = f"wrong-keys:{address}:{int(time.time()) // 60}"
    # While the cache is away nothing is counted; a key has too many bits to be guessed all the same.
    cache.add(name, 0, timeout=120)
    with contextlib.suppress(ValueError):
        return cache.incr(name) > FAILURES_PER_MINUTE
    return False
