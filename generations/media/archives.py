"""A zip of chosen results, streamed: nothing of it is ever whole in memory or on disk.

It leaves by a signed link as single pictures do, because a download carries neither cookie nor session
token inside Shopify's admin. Pictures are stored as they are: they are compressed already.
"""

from __future__ import annotations

import re
import uuid
import zipfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator

from asgiref.sync import sync_to_async
from django.core import signing
from django.core.files.storage import default_storage
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ecomvance_app.http import public
from generations.media import text_files
from generations.media.links import LINK_SECONDS, file_name
from generations.models import Generation, Picture

FILE_NAME = "ecomvance-results.zip"
_SALT = "picture-archive"
_CHUNK = 256 * 1024


def link(account_id: int, run_ids: Iterable[uuid.UUID]) -> str:
    """A link to a zip of these runs' results that its holder may follow for 15 minutes."""
    named = [account_id, [run_id.hex for run_id in run_ids]]
    token = signing.dumps(named, salt=_SALT, compress=True)
    return reverse("archive", args=[token])


@public
@require_safe
def serve(request: HttpRequest, token: str) -> HttpResponseBase:
    """The zip that a signed link names; 410 for a link that is too old, 404 for a forged one."""
    try:
        account_id, run_ids = signing.loads(token, salt=_SALT, max_age=LINK_SECONDS)
    except signing.SignatureExpired:
        words = _("This link is older than 15 minutes. Go back to the gallery and download again.")
        return HttpResponse(words, content_type="text/plain; charset=utf-8", status=410)
    except signing.BadSignature:
        raise Http404 from None
    pictures = Picture.objects.filter(
        generation__account_id=account_id,
        generation__in=run_ids,
        generation__deleted_at=None,
        role=Picture.Role.OUTPUT,
    ).select_related("generation")
    found = list(pictures.order_by("-generation__created_at", "generation_id", "position"))
    is_asynchronous = isinstance(request, ASGIRequest)
    stream = _asynchronous(lambda: pieces(found)) if is_asynchronous else pieces(found)
    response = StreamingHttpResponse(stream, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    response["Cache-Control"] = "private, no-store"
    return response


def pieces(pictures: Iterable[Picture]) -> Iterator[bytes]:
    """The zip's bytes in order; a file that has gone from storage is left out."""
    sink = _Sink()
    names: set[str] = set()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for picture in pictures:
            entry = zipfile.ZipInfo(_unused(file_name(picture), names), _date(picture.generation))
            try:
                content = _content(picture)
                first = next(content, b"")
            except FileNotFoundError:
                continue
            with archive.open(entry, "w", force_zip64=False) as file:
                file.write(first)
                yield sink.taken()
                for chunk in content:
                    file.write(chunk)
                    yield sink.taken()
            yield sink.taken()
    yield sink.taken()


def _content(picture: Picture) -> Iterator[bytes]:
    if picture.kind == Picture.Kind.TEXT:
        yield text_files.content(picture.words or {})
        return
    with default_storage.open(picture.file) as stored:
        yield from iter(lambda: stored.read(_CHUNK), b"")


def _unused(name: str, names: set[str]) -> str:
    """The name, numbered when an earlier file of the zip has it."""
    stem, dot, extension = name.rpartition(".")
    candidate, number = name, 1
    while candidate in names:
        number += 1
        candidate = f"{stem}-{number}{dot}{extension}"
    names.add(candidate)
    return re.sub(r"[\\/:]", "-", candidate)


def _date(generation: Generation) -> tuple[int, int, int, int, int, int]:
    made = generation.finished_at or generation.created_at
    return (made.year, made.month, made.day, made.hour, made.minute, made.second)


async def _asynchronous(begin: Callable[[], Iterator[bytes]]) -> AsyncIterator[bytes]:
    """The same pieces for an asynchronous server, which would otherwise collect them all first."""
    stream = begin()
    following = sync_to_async(lambda: next(stream, None))
    while (piece := await following()) is not None:
        yield piece


class _Sink:
    """A file that cannot be sought in and hands over what was written since it was last asked."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""

    def taken(self) -> bytes:
        """What has been written since."""
        written, self._written = b"".join(self._written), []
        return written
