"""Pictures leave by signed links that live a quarter of an hour: one way for both surfaces.

Inside Shopify's admin an `<img>` carries neither cookie nor session token, so the link itself is
the proof: it is only ever printed on a page, or in an answer, of the account that owns the picture.
"""

from __future__ import annotations

import re

from django.core import signing
from django.core.exceptions import ObjectDoesNotExist
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header

from ecomvance_app.http import public
from generations.media import conversions, decoding, ranges, text_files
from generations.models import ApprovalPicture, BatchItem, Picture

LINK_SECONDS = 15 * 60
_SALT = "picture-link"
# Pictures that no run has yet, by the form in which their links name them.
_WAITING: dict[str, type[ApprovalPicture] | type[BatchItem]] = {
    "asked": ApprovalPicture,
    "kept": BatchItem,
}


def link(picture: Picture, *, preview: bool = False, download: bool = False) -> str:
    """A link to a picture that its holder may follow for 15 minutes."""
    form = "preview" if preview else "download" if download else "view"
    token = signing.dumps([str(picture.pk), form], salt=_SALT)
    return reverse("file", args=[token])


def link_asked(picture: ApprovalPicture) -> str:
    """A link to the small form of a picture that waits for an owner's word, for 15 minutes."""
    return reverse("file", args=[signing.dumps([picture.pk, "asked"], salt=_SALT)])


def link_kept(item: BatchItem) -> str:
    """A link to the small form of a picture that is kept for an item of a batch, for 15 minutes."""
    return reverse("file", args=[signing.dumps([item.pk, "kept"], salt=_SALT)])


@public
def serve(request: HttpRequest, token: str) -> HttpResponseBase:
    """The picture that a signed link names; 410 for a link that is too old, 404 for a forged one."""
    try:
        picture_id, form = signing.loads(token, salt=_SALT, max_age=LINK_SECONDS)
        if form in _WAITING:
            return _serve_waiting(_WAITING[form].objects.get(pk=picture_id).preview)
        picture = Picture.objects.select_related("generation").get(pk=picture_id)
        asked = conversions.read_form(request.GET) if form == "download" else None
        stored = _stored(picture, form)
        if asked is not None and picture.kind == Picture.Kind.IMAGE:
            return _converted(picture, stored, asked)
    except signing.SignatureExpired:
        return _expired(request)
    except (
        signing.BadSignature,
        ObjectDoesNotExist,
        FileNotFoundError,
        conversions.UnknownFormError,
    ):
        raise Http404 from None
    response: HttpResponseBase
    if picture.kind == Picture.Kind.VIDEO and form != "preview":
        response = ranges.respond(request, stored, picture.media_type)
        if form == "download":
            value = content_disposition_header(as_attachment=True, filename=file_name(picture))
            response["Content-Disposition"] = value or "attachment"
    else:
        response = FileResponse(
            stored,
            as_attachment=form == "download",
            filename=file_name(picture),
            content_type=_media_type(picture, form),
        )
    return _only_shown(response)


def _converted(picture: Picture, stored: File[bytes], form: conversions.Form) -> HttpResponseBase:
    with stored:
        try:
            made = conversions.convert(stored, form, picture.generation.account_id)
        except decoding.Busy as busy:
            return HttpResponse(str(busy), status=busy.status, content_type="text/plain")
        except decoding.UndecodableError:
            raise Http404 from None
    response = HttpResponse(made, content_type=form.media_type)
    value = content_disposition_header(
        as_attachment=True, filename=file_name(picture, form.media_type)
    )
    response["Content-Disposition"] = value or "attachment"
    return _only_shown(response)


def _serve_waiting(preview: str) -> HttpResponseBase:
    if not preview:
        raise FileNotFoundError
    return _only_shown(FileResponse(default_storage.open(preview), content_type="image/webp"))


def _only_shown(response: HttpResponseBase) -> HttpResponseBase:
    """A picture is shown or saved, never run: not as a page, a script or a frame."""
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = f"private, max-age={LINK_SECONDS}"
    return response


def _stored(picture: Picture, form: str) -> File[bytes]:
    """What a link is to; FileNotFoundError for what has no such form, and for a file that is gone.

    A text has no file: its download is written when it is asked for.
    """
    if picture.kind == Picture.Kind.TEXT and form == "download":
        return ContentFile(text_files.content(picture.words or {}))
    name = picture.preview if form == "preview" else picture.file
    if not name:
        raise FileNotFoundError
    return default_storage.open(name)


def _media_type(picture: Picture, form: str) -> str:
    if form == "preview":
        return "image/webp"
    return text_files.MEDIA_TYPE if picture.kind == Picture.Kind.TEXT else picture.media_type


def _expired(request: HttpRequest) -> HttpResponse:
    context = {"minutes": LINK_SECONDS // 60}
    return render(request, "generations/expired_link.html", context, status=410)


def file_name(picture: Picture, media_type: str = "") -> str:
    """After the product, or the merchant's own file; with the tool and what the content is."""
    named = picture.generation.product_title
    if not named and picture.role == Picture.Role.OUTPUT:
        inputs = picture.generation.pictures.filter(role=Picture.Role.INPUT).order_by("position")
        named = inputs.values_list("name", flat=True).first() or ""
    stem = re.sub(r"\.\w{2,4}$", "", named or picture.name) or "picture"
    title = re.sub(r"[^\w-]+", "-", stem).strip("-")[:80]
    extension = (media_type or picture.media_type).rpartition("/")[2].replace("jpeg", "jpg")
    if picture.kind == Picture.Kind.TEXT:
        extension = "txt"
    return f"{title.lower() or picture.kind}-{picture.generation.tool}.{extension}"
