"""The bounce page: a document without a fresh session token goes there to fetch one.

A link inside the frame loads a document, and such a load carries no Authorization header. The
bounce page holds App Bridge alone, which loads the wanted page again with `id_token`. A page that
was bounced twice in a row and still has no good token is refused, so that nothing turns in circles.

Source: Shopify's documentation, "Session token authentication for server-side rendered apps".
"""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseRedirect,
    QueryDict,
)
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from ecomvance_app.http import public
from shopify_auth.domains import is_shop_domain

MOST_BOUNCES = 2
# Longer than two slow loads on a mobile line.
LOOP_SECONDS = 60
COUNTER = "bounced"
RELOAD = "shopify-reload"
# What Shopify tells every document about its place; the rest of a query is the page's own.
PLACE = ("shop", "host", "embedded", "locale")


def place_of(request: HttpRequest) -> dict[str, str]:
    """Shop, host, embedded and locale of this load, or of the page whose link led here.

    They choose a frame, never a tenant: whose data is shown is the session token's word alone.
    """
    place = {name: request.GET[name] for name in PLACE if name in request.GET}
    if "shop" in place:
        return place
    referrer = urlsplit(request.headers.get("Referer", ""))
    if f"{referrer.scheme}://{referrer.netloc}" != settings.APP_URL:
        return place
    before = QueryDict(referrer.query)
    return {name: before[name] for name in PLACE if name in before} | place


def bounce(request: HttpRequest) -> HttpResponse | None:
    """A redirect to the bounce page for this document; None when it was bounced often enough."""
    place = place_of(request)
    if not is_shop_domain(place.get("shop", "")):
        return None
    query = request.GET.copy()
    query.pop("id_token", None)
    bounces = _bounces_in_a_row(query.pop(COUNTER, [""])[-1])
    if bounces >= MOST_BOUNCES:
        return None
    for name, value in place.items():
        query[name] = value
    wanted = query.copy()
    wanted[COUNTER] = f"{bounces + 1}-{int(time.time())}"
    query[RELOAD] = f"{settings.APP_URL}{request.path}?{wanted.urlencode()}"
    response = HttpResponseRedirect(f"{reverse('session_token_page')}?{query.urlencode()}")
    response["Cache-Control"] = "no-store"
    return response


@public
@require_safe
def session_token_page(request: HttpRequest) -> HttpResponse:
    """`GET /auth/session-token`: App Bridge reads `shopify-reload` and loads that page again."""
    shop = request.GET.get("shop", "")
    if not is_shop_domain(shop) or not _is_own_url(request.GET.get(RELOAD, "")):
        return HttpResponseBadRequest("This page is opened by the Shopify admin.")
    request.frame_shop = shop.lower()  # type: ignore[attr-defined]
    response = render(request, "shopify_auth/bounce.html")
    response["Cache-Control"] = "no-store"
    response["X-Shopify-Bounce"] = "1"
    return response


def _bounces_in_a_row(counter: str) -> int:
    """How often this load was bounced just now; a page that stayed open starts again at none."""
    match = re.fullmatch("([0-9])-([0-9]{1,12})", counter)
    if match is None or time.time() - int(match[2]) > LOOP_SECONDS:
        return 0
    return int(match[1])


def _is_own_url(url: str) -> bool:
    """Whether the page to load again is ours: absolute, on our origin, free of parser tricks."""
    if re.search(r"[\s\\\x00-\x1f]", url):
        return False
    parts = urlsplit(url)
    return bool(f"{parts.scheme}://{parts.netloc}" == settings.APP_URL)
