"""Pictures in Django's storage. Names are random; a merchant's file name never becomes a path."""

from __future__ import annotations

import contextlib
import hashlib
import uuid

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from generations.media import reading
from generations.models import Generation, Picture

PREVIEW_SIDE = 1024
_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}


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
        file=_save(undo, f"{name}{_SUFFIXES[media_type]}", content),
        preview=_save(undo, f"{name}-preview.webp", thumbnail),
        media_type=media_type,
        width=width,
        height=height,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
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


def discard(picture: Picture) -> None:
    """Take a picture and its preview out of storage; one that is gone already is no error."""
    for name in (picture.file, picture.preview):
        _delete(name)


def _delete(name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        default_storage.delete(name)
