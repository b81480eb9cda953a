"""Files: the admin's own script and style, product photos, and uploads from the app."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase

from shopify_auth.devstore.admin_api import uploads
from shopify_auth.devstore.catalogue import demo_products
from shopify_auth.devstore.fake import FakeRequest, shop_by_handle

STATIC = Path(__file__).parent / "static"
STATIC_FILES = {"admin.css", "admin.js", "app-bridge.js"}


def static_file(_request: FakeRequest, name: str) -> HttpResponseBase:
    """One of the fake's own files."""
    if name not in STATIC_FILES:
        raise Http404
    return _file(STATIC / name)


def photo(_request: FakeRequest, handle: str, name: str) -> HttpResponseBase:
    """A demo product's photo, as the content network of Shopify would serve it."""
    position, _, suffix = name.partition(".")
    for product in demo_products():
        if product.handle == handle and position.isdigit():
            photos = product.photos[max(int(position) - 1, 0) : int(position)]
            if photos and photos[0].path.suffix == f".{suffix}":
                return _file(photos[0].path)
    raise Http404


def uploaded(request: FakeRequest, name: str) -> HttpResponseBase:
    """A picture or video that the app added to a product."""
    known = {
        upload.name
        for shop in request.fake.store.copy().shops.values()
        for upload in shop.uploads
        if upload.received
    }
    if name not in known:
        raise Http404
    return _file(request.fake.folder / "uploads" / name)


def upload(request: FakeRequest, handle: str, name: str) -> HttpResponse:
    """Take the file for a staged upload: the body of a PUT, or `file` of a multipart POST."""
    if request.method == "PUT":
        content = request.body
    elif request.method == "POST":
        content = b"".join(file.read() for file in request.FILES.getlist("file"))
    else:
        return HttpResponse(status=405)
    with request.fake.store.change() as state:
        shop = shop_by_handle(state, handle)
        kept = uploads.receive(shop, request.fake.folder / "uploads", name, content)
    if not kept:
        refusal = "<Error><Code>EntityTooLarge</Code></Error>"
        return HttpResponse(refusal, status=400, content_type="application/xml")
    return HttpResponse(status=201 if request.method == "POST" else 200)


def _file(path: Path) -> HttpResponseBase:
    if not path.is_file():
        raise Http404
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    response = FileResponse(path.open("rb"), content_type=kind)
    response["Cache-Control"] = "no-cache"
    response["X-Content-Type-Options"] = "nosniff"
    return response
