"""Pictures in Django's storage. Names are random; a merchant's file name never becomes a path."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from generations import pictures
from generations.models import Generation, Picture

PREVIEW_SIDE = 1024
_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}


@dataclass(frozen=True)
class StoredPicture:
    """A picture in storage with its small preview, not yet known to the database."""

    file: str
    preview: str
    media_type: str
    width: int
    height: int
    size: int
    sha256: str

    def attach(self, generation: Generation, role: str, position: int = 0) -> Picture:
        """Make it a picture of this run."""
        return Picture.objects.create(
            generation=generation,
            role=role,
            position=position,
            file=self.file,
            preview=self.preview,
            media_type=self.media_type,
            width=self.width,
            height=self.height,
            size=self.size,
            sha256=self.sha256,
        )


def store(
    account_id: int, content: bytes, media_type: str, width: int, height: int
) -> StoredPicture:
    """Put a picture and its preview into storage. OSError when the storage does not take them."""
    name = f"accounts/{account_id}/{uuid.uuid4().hex}"
    file = default_storage.save(f"{name}{_SUFFIXES[media_type]}", ContentFile(content))
    thumbnail = pictures.make_thumbnail(content, PREVIEW_SIDE)
    preview = default_storage.save(f"{name}-preview.webp", ContentFile(thumbnail))
    return StoredPicture(
        file=file,
        preview=preview,
        media_type=media_type,
        width=width,
        height=height,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def read(picture: Picture) -> bytes:
    """The content of a stored picture."""
    with default_storage.open(picture.file) as file:
        return bytes(file.read())


def discard(stored: StoredPicture | Picture) -> None:
    """Take a picture and its preview out of storage; one that is gone already is no error."""
    for name in (stored.file, stored.preview):
        with contextlib.suppress(FileNotFoundError):
            default_storage.delete(name)


@contextlib.contextmanager
def kept_on_success(stored: list[StoredPicture]) -> Iterator[None]:
    """Discard what was stored when the block fails, so that a refused request leaves no files."""
    try:
        yield
    except BaseException:
        for picture in stored:
            discard(picture)
        raise
