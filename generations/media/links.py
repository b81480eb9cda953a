"""Pictures leave by signed links that live a quarter of an hour: one way for both surfaces.

Inside Shopify's admin an `<img>` carries neither cookie nor session token, so the link itself is
the proof: it is only ever printed on a page, or in an answer, of the account that owns the picture.
"""

from __future__ import annotations

import re

from django.core import signing
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from ecomvance_app.http import public
from generations.models import Picture

LINK_SECONDS = 15 * 60
_SALT = "picture-link"


def link(picture: Picture, *, preview: bool = False, download: bool = False) -> str:
    """A link to a picture that its holder may follow for 15 minutes."""
    form = "preview" if preview else "download" if download else "view"
    token = signing.dumps([str(picture.pk), form], salt=_SALT)
    return reverse("file", args=[token])


@public
def serve(request: HttpRequest, token: str) -> HttpResponseBase:
    """The picture that a signed link names; 410 for a link that is too old, 404 for a forged one."""
    try:
        picture_id, form = signing.loads(token, salt=_SALT, max_age=LINK_SECONDS)
        picture = Picture.objects.select_related("generation").get(pk=picture_id)
        stored = default_storage.open(picture.preview if form == "preview" else picture.file)
    except signing.SignatureExpired:
        return _expired(request)
    except (signing.BadSignature, Picture.DoesNotExist, FileNotFoundError):
        raise Http404 from None
    response = FileResponse(
        stored,
        as_attachment=form == "download",
        filename=_file_name(picture),
        content_type="image/webp" if form == "preview" else picture.media_type,
    )
    # A picture is shown or saved, never run: not as a page, a script or a frame.
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = f"private, max-age={LINK_SECONDS}"
    return response


def _expired(request: HttpRequest) -> HttpResponse:
    context = {"minutes": LINK_SECONDS // 60}
    return render(request, "generations/expired_link.html", context, status=410)


def _file_name(picture: Picture) -> str:
    title = re.sub(r"[^\w-]+", "-", picture.generation.product_title or "picture").strip("-")
    extension = picture.media_type.rpartition("/")[2].replace("jpeg", "jpg")
    return f"{title.lower() or 'picture'}-{picture.generation.tool}.{extension}"
