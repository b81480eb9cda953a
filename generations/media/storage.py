"""Pictures in Django's storage. Names are random; a merchant's file name never becomes a path."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import uuid

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from generations.engines.base import Output
from generations.media import reading
from generations.media.reading import UploadedImage
from generations.models import Generation, Picture

PREVIEW_SIDE = 1024
SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
}


def store(
    undo: contextlib.ExitStack,
    account_id: int,
    content: bytes,
    media_type: str,
    width: int,
    height: int,
) -> Picture:
    """Put a picture and its preview into storage; the row is not saved before `attach`.

    Raises OSError when the storage does not take them.

    `undo` takes out again whatever was put in, unless its owner calls `pop_all` once the database
    knows the picture: a request or a run that fails leaves no files.
    """
    thumbnail = reading.make_thumbnail(content, PREVIEW_SIDE)
    name = f"accounts/{account_id}/{uuid.uuid4().hex}"
    return Picture(
        file=_save(undo, f"{name}{SUFFIXES[media_type]}", content),
        preview=_save(undo, f"{name}-preview.webp", thumbnail),
        media_type=media_type,
        width=width,
        height=height,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def store_output(undo: contextlib.ExitStack, account_id: int, output: Output) -> Picture:
    """Put what an engine made into storage, as `store` does; text lies in its row alone."""
    if output.kind == "text":
        written = json.dumps(output.text).encode()
        return Picture(
            kind=output.kind,
            text=output.text,
            media_type=output.media_type or "application/json",
            size=len(written),
            sha256=hashlib.sha256(written).hexdigest(),
        )
    if output.width is None or output.height is None:
        raise TypeError(f"A {output.kind} without a size")
    if output.kind == "image":
        return store(
            undo, account_id, output.content, output.media_type, output.width, output.height
        )
    name = f"accounts/{account_id}/{uuid.uuid4().hex}"
    poster = reading.make_thumbnail(output.poster, PREVIEW_SIDE) if output.poster else b""
    return Picture(
        kind=output.kind,
        file=_save(undo, f"{name}{SUFFIXES[output.media_type]}", output.content),
        preview=_save(undo, f"{name}-preview.webp", poster) if poster else "",
        media_type=output.media_type,
        width=output.width,
        height=output.height,
        seconds=output.seconds,
        size=len(output.content),
        sha256=hashlib.sha256(output.content).hexdigest(),
    )


def attach(picture: Picture, generation: Generation, role: str, position: int = 0) -> None:
    """Make a picture that was put into storage a picture of this run."""
    picture.generation, picture.role, picture.position = generation, role, position
    picture.save(force_insert=True)


def _save(undo: contextlib.ExitStack, name: str, content: bytes) -> str:
    saved = default_storage.save(name, ContentFile(content))
    undo.callback(_delete, saved)
    return saved


def read(picture: Picture) -> bytes:
    """The content of a stored picture."""
    with default_storage.open(picture.file) as file:
        return bytes(file.read())


def read_again(picture: Picture) -> UploadedImage:
    """A stored picture as the clean copy that it is, for another run: nothing is encoded anew."""
    content = read(picture)
    with Image.open(io.BytesIO(content)) as opened:
        has_alpha = opened.has_transparency_data
    format_name = picture.media_type.removeprefix("image/").upper()
    return UploadedImage(
        content=content,
        sha256=picture.sha256,
        width=picture.width or 0,
        height=picture.height or 0,
        format=format_name,
        source_format=format_name,
        has_alpha=has_alpha,
    )


def discard(picture: Picture) -> None:
    """Take a picture and its preview out of storage; one that is gone already is no error."""
    for name in filter(None, (picture.file, picture.preview)):
        _delete(name)


def _delete(name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        default_storage.delete(name)
