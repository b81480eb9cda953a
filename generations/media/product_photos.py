"""Small pictures of the store's products, fetched by the server and served from our own address.

The dashboard makes no request to another host. A link is a signed address that the store gave, so
nobody can make the server fetch anything else. It carries the day it was made on: it stays the same for
that day, so browsers keep the picture, and is good until the end of the next.
"""

from __future__ import annotations

import hashlib
import time

from django.core import signing
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from credits.refusals import Refusal
from ecomvance_app.http import public
from generations import products
from generations.media import reading

SIDE = 320
DAY = 24 * 60 * 60
_signer = signing.Signer(salt="product-photo")


def link(photo: products.Photo) -> str:
    """The address of a product photo's small picture, for a page of the account that has it."""
    made = [photo.url, _today()]
    return reverse("product_photo", args=[_signer.sign_object(made, compress=True)])


@public
def serve(_request: HttpRequest, token: str) -> HttpResponse:
    """The small picture that a link names; 404 for a link that is forged or old, or a photo that is gone."""
    try:
        content = _small(_address_in(token))
    except (signing.BadSignature, Refusal) as error:
        raise Http404 from error
    response = HttpResponse(content, content_type="image/webp")
    response["Cache-Control"] = f"private, max-age={DAY}"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def _address_in(token: str) -> str:
    """The photo's address; BadSignature for a link that is not ours, or of an earlier version, or old."""
    made = _signer.unsign_object(token)
    if not isinstance(made, list) or _today() - made[1] not in range(2):
        raise signing.SignatureExpired
    return str(made[0])


def _today() -> int:
    """The number of this day, in UTC and real time."""
    return int(time.time()) // DAY


def _small(url: str) -> bytes:
    key = "product-photo:" + hashlib.sha256(url.encode()).hexdigest()
    kept = cache.get(key)
    if kept is None:
        kept = reading.make_preview(products.read_preview(url), SIDE)
        cache.set(key, kept, DAY)
    return bytes(kept)
