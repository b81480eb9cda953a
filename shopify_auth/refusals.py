"""Answers to requests of the frame and the API that come without a good session token.

A document is sent to fetch one (bounce page), or into the admin when it is not in the frame; a fetch
gets 401 with the header that makes App Bridge ask once more. Nothing of the request is reflected.
"""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from shopify_auth import installs
from shopify_auth.admin_frame import app_url
from shopify_auth.bounce import bounce, place_of
from shopify_auth.session_tokens import ForeignSessionToken, is_shop_domain

RETRY_HEADER = "X-Shopify-Retry-Invalid-Session-Request"
JSON_PATHS = ("/api/", "/events")
_BOT = re.compile(r"bot\b|crawl|spider|slurp|facebookexternalhit", re.IGNORECASE)
_NO_BOT = re.compile(r"Shopify (POS|Mobile)", re.IGNORECASE)


def is_document(request: HttpRequest) -> bool:
    """Whether a browser loads a page, in a window or a frame, rather than a script fetching data."""
    if request.method not in {"GET", "HEAD"} or request.path.startswith(JSON_PATHS):
        return False
    destination = request.headers.get("Sec-Fetch-Dest")
    if destination is not None:
        return destination in {"document", "iframe", "frame"}
    return not (
        "HX-Request" in request.headers
        or "Authorization" in request.headers
        or request.headers.get("X-Requested-With") == "XMLHttpRequest"
    )


def without_token(request: HttpRequest) -> HttpResponse:
    """The answer to a request whose session token is missing, stale or not ours."""
    if not is_document(request):
        return unauthorized(request)
    if _is_bot(request):
        return HttpResponse(status=410)
    if isinstance(getattr(request, "session_token_error", None), ForeignSessionToken):
        # Another app's token stays another app's: a fresh one would be the same.
        return unauthorized(request)
    place = place_of(request)
    destination = request.headers.get("Sec-Fetch-Dest", "document" if not place else "iframe")
    if not place and destination == "document":
        return HttpResponseRedirect(f"/dashboard{request.get_full_path()}")
    return _into_the_frame(request, place, in_window=destination == "document")


def _into_the_frame(
    request: HttpRequest, place: dict[str, str], *, in_window: bool
) -> HttpResponse:
    """Into the admin when this is no frame of it; by way of the bounce page when it is."""
    if settings.SHOPIFY_LEGACY_INSTALL and not installs.is_installed(place.get("shop", "")):
        return HttpResponseRedirect(f"{reverse('legacy_install')}?{request.GET.urlencode()}")
    if in_window or place.get("embedded") != "1":
        into_admin = app_url(place.get("host", ""), place.get("shop", ""), request.path)
        return HttpResponseRedirect(into_admin) if into_admin else _not_from_admin(request)
    if is_shop_domain(place.get("shop", "")):
        return bounce(request) or unauthorized(request)
    return _not_from_admin(request)


def _is_bot(request: HttpRequest) -> bool:
    agent = request.headers.get("User-Agent", "")
    return bool(_BOT.search(agent)) and not _NO_BOT.search(agent)


def unauthorized(request: HttpRequest) -> HttpResponse:
    """401: JSON on the API, a short page for documents, plain text for other fetches."""
    message = _("This page needs to be opened again from your Shopify admin.")
    response: HttpResponse
    if request.path.startswith(JSON_PATHS):
        error = {
            "error": "unauthorized",
            "message": _("The session token is missing or not valid."),
        }
        response = JsonResponse(error, status=401)
    elif is_document(request):
        response = render(request, "shopify_auth/refused.html", {"message": message}, status=401)
    else:
        response = HttpResponse(message, status=401, content_type="text/plain")
    response[RETRY_HEADER] = "1"
    return response


def shopify_away(request: HttpRequest) -> HttpResponse:
    """503: the store has to be connected again and Shopify does not answer."""
    message = _("Shopify does not answer at the moment. Try again in a minute.")
    if request.path.startswith(JSON_PATHS):
        return JsonResponse({"error": "shopify_unavailable", "message": message}, status=503)
    if is_document(request):
        return render(request, "shopify_auth/refused.html", {"message": message}, status=503)
    return HttpResponse(message, status=503, content_type="text/plain")


def _not_from_admin(request: HttpRequest) -> HttpResponse:
    message = _("Open ecomVance from the apps of your Shopify admin.")
    return render(request, "shopify_auth/refused.html", {"message": message}, status=400)
