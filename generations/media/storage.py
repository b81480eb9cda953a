"""Pictures in Django's storage. Names are random; a merchant's file name never becomes a path.

The database says which files there are. A file is written before the row that names it, so one may
be left without a row: when the work fails, `Undo` takes it out again; when the process dies, `sweep`
finds it a day later.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from datetime import timedelta
from types import TracebackType
from typing import IO, Any, Self

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from credits.models import Account
from generations.engines.base import Output
from generations.media import reading
from generations.media.reading import UploadedImage
from generations.models import ApprovalPicture, BatchItem, DataExport, Generation, Picture

logger = logging.getLogger(__name__)

FOLDER = "accounts"
ORPHAN_AGE = timedelta(days=1)
SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
}


class Undo:
    """Takes out of storage again what was put in within it, unless `keep` was called.

    Whatever went wrong, a row may be there all the same: a connection can be cut after the commit
    and before its answer. So the database is asked, and what it has, or what it cannot be asked
    about, stays.
    """

    def __init__(self, account_id: int) -> None:
        self.account_id = account_id
        self.names: list[str] = []

    def keep(self) -> None:
        """The database knows the files: they stay."""
        self.names.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if not self.names:
            return
        try:
            _wait_for_commits(self.account_id)
            for name in set(self.names) - _known(self.account_id, self.names):
                delete(name)
        except (DatabaseError, OSError):
            logger.exception("Files of account %s wait for the sweep", self.account_id)


def _wait_for_commits(account_id: int) -> None:
    """Wait for whoever is writing rows for this account's files.

    The order of a run holds its account, the end of a run its row, until after the commit.
    """
    for rows in (
        Account.objects.filter(pk=account_id),
        Generation.objects.filter(account_id=account_id, state=Generation.State.RUNNING),
    ):
        with transaction.atomic():
            list(rows.select_for_update().values_list("pk"))


def _known(account_id: int, names: Iterable[str] | None = None) -> set[str]:
    """The account's files that rows name; of `names` only, if told."""
    naming: tuple[tuple[QuerySet[Any], tuple[str, ...]], ...] = (
        (Picture.objects.filter(generation__account_id=account_id), ("file", "preview")),
        (ApprovalPicture.objects.filter(approval__account_id=account_id), ("file", "preview")),
        (
            BatchItem.objects.filter(batch__account_id=account_id).exclude(file=""),
            ("file", "preview"),
        ),
        (DataExport.objects.filter(account_id=account_id), ("file",)),
    )
    known: set[str] = set()
    for rows, columns in naming:
        wanted = Q()
        for column in columns if names is not None else ():
            wanted |= Q(**{f"{column}__in": names})
        for found in rows.filter(wanted).values_list(*columns).iterator():
            known.update(name for name in found if name)
    return known


def store(undo: Undo, image: UploadedImage) -> Picture:
    """Put a clean copy and its preview into storage; the row is not saved before `attach`.

    Raises OSError when the storage does not take them.
    """
    name = _new_name(undo)
    with image.lock:
        file = _save(undo, f"{name}{SUFFIXES[image.media_type]}", image.file)
        preview = _save(undo, f"{name}-preview.webp", image.preview)
    return Picture(
        file=file,
        preview=preview,
        media_type=image.media_type,
        width=image.width,
        height=image.height,
        size=image.size,
        sha256=image.sha256,
    )


def store_output(undo: Undo, output: Output, *, is_ours: bool) -> Picture:
    """Put what an engine made into storage, as `store` does; text lies in its row alone.

    `is_ours` says that it was encoded on this machine and not by a provider.
    """
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
    shown = output.content if output.kind == "image" else output.poster
    make = reading.make_own_preview if is_ours else reading.make_preview
    preview = make(shown, reading.PREVIEW_SIDE) if shown else b""
    name = _new_name(undo)
    return Picture(
        kind=output.kind,
        file=_save(undo, f"{name}{SUFFIXES[output.media_type]}", ContentFile(output.content)),
        preview=_save(undo, f"{name}-preview.webp", ContentFile(preview)) if preview else "",
        media_type=output.media_type,
        width=output.width,
        height=output.height,
        seconds=output.seconds,
        size=len(output.content),
        sha256=hashlib.sha256(output.content).hexdigest(),
    )


def store_export(undo: Undo, content: File[bytes]) -> str:
    """Put an account's zip into storage; its name there."""
    return _save(undo, f"{_new_name(undo)}.zip", content)


def attach(picture: Picture, generation: Generation, role: str, position: int = 0) -> None:
    """Make a picture that was put into storage a picture of this run."""
    picture.generation, picture.role, picture.position = generation, role, position
    picture.save(force_insert=True)


def _new_name(undo: Undo) -> str:
    return f"{FOLDER}/{undo.account_id}/{uuid.uuid4().hex}"


def _save(undo: Undo, name: str, content: IO[bytes] | File[bytes]) -> str:
    # Known before the first byte is written: a disk that is full keeps a part of it.
    undo.names.append(name)
    saved = default_storage.save(name, content if isinstance(content, File) else File(content))
    if saved != name:
        undo.names.append(saved)
    return saved


def read(picture: Picture) -> bytes:
    """The content of a stored picture."""
    with default_storage.open(picture.file) as file:
        return bytes(file.read())


def read_again(picture: Picture | ApprovalPicture) -> UploadedImage:
    """A stored picture as the clean copy that it is, for another run: nothing is encoded anew."""
    format_name = picture.media_type.removeprefix("image/").upper()
    return UploadedImage(
        file=copied(picture.file),
        preview=copied(picture.preview),
        sha256=picture.sha256,
        width=picture.width or 0,
        height=picture.height or 0,
        format=format_name,
        source_format=format_name,
        has_alpha=format_name == "PNG",
        lightest=255,
        name=picture.name or _name_of_source(picture),
    )


def _name_of_source(picture: Picture | ApprovalPicture) -> str:
    """A result is called after what it was made of."""
    if not isinstance(picture, Picture) or picture.role != Picture.Role.OUTPUT:
        return ""
    run = picture.generation
    inputs = run.pictures.filter(role=Picture.Role.INPUT).order_by("position")
    return run.product_title or inputs.values_list("name", flat=True).first() or ""


def copied(name: str) -> IO[bytes]:
    """A stored file as a real one, which vanishes when it is closed."""
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - it ends with the picture that holds it.
    with default_storage.open(name) as stored:
        shutil.copyfileobj(stored, copy)
    copy.flush()
    return copy


def delete(name: str) -> None:
    """Take a file out of storage; one that is gone already is no error."""
    with contextlib.suppress(FileNotFoundError):
        default_storage.delete(name)


def delete_all(names: Iterable[str]) -> None:
    """Take these files out of storage."""
    for name in names:
        delete(name)


# --- What nobody names ---------------------------------------------------------------------------


def sweep() -> int:
    """Delete files older than a day that no row names, of erased accounts too; returns how many.

    Age is by the real clock, as the storage tells it.
    """
    deleted = 0
    for account_id in _accounts_with_files():
        for name in _unknown_files(account_id):
            if timezone.now() - default_storage.get_modified_time(name) > ORPHAN_AGE:
                delete(name)
                deleted += 1
    if deleted:
        logger.warning("Deleted %s files that no run has", deleted)
    return deleted


def _accounts_with_files() -> list[int]:
    with contextlib.suppress(FileNotFoundError):
        return sorted(int(name) for name in default_storage.listdir(FOLDER)[0] if name.isdecimal())
    return []


def _unknown_files(account_id: int) -> Iterator[str]:
    folder = f"{FOLDER}/{account_id}"
    # Listed first: a file that comes meanwhile is young, and its row may come after the question.
    names = [f"{folder}/{name}" for name in default_storage.listdir(folder)[1]]
    known = _known(account_id)
    return (name for name in names if name not in known)
