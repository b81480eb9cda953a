"""Whether somebody may send a body at all, judged by the headers alone.

The API takes no byte from somebody without proof, and no address takes pictures from them. The
middleware asks again with the whole request; this is only the first door.
"""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, HttpResponse

from shopify_auth.frame import session_tokens
from shopify_auth.identity import credentials, unauthenticated
from shopify_auth.identity.middleware import COOKIE_PATHS, OPEN_PATHS


def refuse(request: HttpRequest) -> HttpResponse | None:
    """The answer to a sender without proof; None for one who may go on.

    Asks the database about a connection's key and a session of the dashboard, about a session token
    nobody.
    """
    if request.path.startswith(OPEN_PATHS):
        return None
    if credentials.is_tried(request):
        return credentials.identify(request)
    if not request.path.startswith(COOKIE_PATHS):
        return None if _has_token(request) else unauthenticated.unauthorized(request)
    if _is_signed_in(request):
        return None
    return HttpResponse("Sign in again.", status=401, content_type="text/plain")


def _has_token(request: HttpRequest) -> bool:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer":
        return False
    try:
        session_tokens.verify(text)
    except session_tokens.SessionTokenError:
        return False
    return True


def _is_signed_in(request: HttpRequest) -> bool:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    request.session = store(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return get_user(request).is_authenticated
