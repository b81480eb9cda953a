"""Answers to requests of the frame and the API that come without a good session token.

A document is sent to fetch one (bounce page), or into the admin when it is not in the frame; a fetch
gets 401 with the header that makes App Bridge ask once more. Nothing of the request is reflected.
"""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from ecomvance_app import http
from shopify_auth.admin_api.scopes import needs_consent
from shopify_auth.domains import is_shop_domain
from shopify_auth.frame.addresses import app_url, install_url, leave_frame
from shopify_auth.frame.bounce import bounce, place_of
from shopify_auth.frame.session_tokens import ForeignSessionToken
from shopify_auth.stores import installs

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


def is_framed(request: HttpRequest) -> bool:
    """Whether this document is loaded into a frame of the admin, by its own word and the browser's."""
    in_window = request.headers.get("Sec-Fetch-Dest") == "document"
    return not in_window and place_of(request).get("embedded") == "1"


def framing_store(request: HttpRequest) -> str:
    """The store whose admin frames this document; empty when none does.

    It decides who may show the page, never whose data is on it.
    """
    shop = place_of(request).get("shop", "")
    return shop.lower() if is_framed(request) and is_shop_domain(shop) else ""


def into_admin(request: HttpRequest, shop: str = "") -> HttpResponse:
    """The same page inside the admin, of `shop` when the address names no store."""
    place = place_of(request)
    url = app_url(place.get("host", ""), place.get("shop", shop), request.path)
    return HttpResponseRedirect(url) if url else _not_from_admin(request)


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
    return _to_the_frame(request, place)


def must_ask_consent(request: HttpRequest) -> bool:
    """Whether this opening of the app by a known store has to lead over the page where the merchant agrees.

    Shopify asks by itself where it manages the installation. Only an opening that it signed can
    begin one; a merchant at work is not interrupted.
    """
    return (
        settings.SHOPIFY_LEGACY_INSTALL
        and is_document(request)
        and "hmac" in request.GET
        and needs_consent(request.shop)  # type: ignore[attr-defined]
    )


def ask_consent(request: HttpRequest) -> HttpResponse:
    """Take the whole window to the legacy installation: the merchant's page refuses every frame."""
    return leave_frame(request, f"{install_url()}?{request.GET.urlencode()}")


def _to_the_frame(request: HttpRequest, place: dict[str, str]) -> HttpResponse:
    """Into the admin when this is no frame of it; by way of the bounce page when it is."""
    if settings.SHOPIFY_LEGACY_INSTALL and not installs.is_installed(place.get("shop", "")):
        return ask_consent(request)
    if not is_framed(request):
        return into_admin(request)
    if not framing_store(request):
        return _not_from_admin(request)
    return bounce(request) or unauthorized(request)


def _is_bot(request: HttpRequest) -> bool:
    agent = request.headers.get("User-Agent", "")
    return bool(_BOT.search(agent)) and not _NO_BOT.search(agent)


def unauthorized(request: HttpRequest) -> HttpResponse:
    """401: JSON on the API, a short page for documents, plain text for other fetches."""
    message = _("Open this page again from your Shopify admin.")
    if request.path.startswith(JSON_PATHS):
        return http.unauthorized()
    if is_document(request):
        page = render(request, "shopify_auth/refused.html", {"message": message})
        return http.unauthorized(page)
    return http.unauthorized(HttpResponse(message, content_type="text/plain"))


def ambiguous(request: HttpRequest) -> HttpResponse:
    """400: a parameter that decides who is asking came twice."""
    message = _("This address names something twice that may be named once.")
    if request.path.startswith(JSON_PATHS):
        return JsonResponse({"error": "bad_request", "message": message}, status=400)
    return HttpResponse(message, status=400, content_type="text/plain")


def shopify_away(request: HttpRequest) -> HttpResponse:
    """503: the store has to be connected again and Shopify does not answer."""
    message = _("Shopify does not answer at the moment. Try again in a minute.")
    if request.path.startswith(JSON_PATHS):
        return JsonResponse({"error": "shopify_unavailable", "message": message}, status=503)
    if is_document(request):
        return render(request, "shopify_auth/refused.html", {"message": message}, status=503)
    return HttpResponse(message, status=503, content_type="text/plain")


def _not_from_admin(request: HttpRequest) -> HttpResponse:
    message = _("Open ecomVance from Apps in your Shopify admin.")
    return render(request, "shopify_auth/refused.html", {"message": message}, status=400)
