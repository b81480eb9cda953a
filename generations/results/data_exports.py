"""All of an account's data as one zip: ledger, runs, files. Made by a worker, there for 24 hours.

The zip holds `ledger.csv` (every entry, as the ledger's own export has it), `runs.json`,
`conversations.json` (with the assistant) and the files of each run in a folder of its own.
"""

from __future__ import annotations

import json
import logging
import tempfile
import uuid
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from typing import IO, Any

from django.core import signing
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from credits.models import Account
from credits.refusals import Refusal
from credits.reports import exports
from ecomvance_app import jobs
from generations.media import storage
from generations.models import Conversation, DataExport, Generation, Picture
from generations.runs.spend_details import describe_spends

logger = logging.getLogger(__name__)

LIFE = timedelta(hours=24)
# Everything is read again for each: more often helps nobody.
AGAIN_AFTER = timedelta(hours=1)
# Longer than this nothing is heard of a worker that lives: a large account is read in minutes.
GIVEN_UP_AFTER = timedelta(minutes=30)
SEND_AGAIN_AFTER = timedelta(minutes=1)
MAX_ATTEMPTS = 3
_COPIED_AT_ONCE = 1024 * 1024
_SALT = "data-export"

State = DataExport.State


class ExportRefused(Refusal):
    """No further export is made now."""


def ask(account_id: int, person_id: int | None) -> DataExport:
    """Have an export made; one that is being made is that one. ExportRefused within an hour of the last."""
    now = timezone.now()
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account_id)
        mine = DataExport.objects.filter(account_id=account_id)
        if waiting := mine.filter(state=State.WAITING).first():
            return waiting
        made = mine.filter(state=State.READY, created_at__gt=now - AGAIN_AFTER)
        if made.exists():
            raise ExportRefused(_("An export of the last hour is there. Ask again later."))
        export = DataExport.objects.create(
            account_id=account_id, requested_by_id=person_id, created_at=now
        )
        jobs.enqueue("generations.export_data", export_id=str(export.pk))
    return export


def newest(account_id: int) -> DataExport | None:
    """The account's newest export."""
    return DataExport.objects.filter(account_id=account_id).order_by("-created_at").first()


# --- Making --------------------------------------------------------------------------------------


def make(export_id: str) -> bool:
    """Make one export, if no other worker does; whether it is ready now."""
    now = timezone.now()
    idle = Q(tried_at=None) | Q(tried_at__lt=now - GIVEN_UP_AFTER)
    waiting = DataExport.objects.filter(idle, pk=export_id, state=State.WAITING)
    if not waiting.update(tried_at=now, attempts=F("attempts") + 1):
        return False
    export = DataExport.objects.select_related("account").get(pk=export_id)
    try:
        with tempfile.TemporaryFile() as zipped, storage.Undo(export.account_id) as undo:
            _write(export.account, zipped)
            name = storage.store_export(undo, File(zipped))
            done = _finish(export, name)
            if done:
                undo.keep()
    except OSError:
        logger.exception("Export %s was not made", export_id)
        _give_up_attempt(export)
        return False
    return done


def _finish(export: DataExport, name: str) -> bool:
    """Say that the file is there; False when the account was forgotten meanwhile."""
    mine = DataExport.objects.filter(pk=export.pk, state=State.WAITING, attempts=export.attempts)
    done = mine.update(
        state=State.READY, file=name, size=default_storage.size(name),
        expires_at=timezone.now() + LIFE,
    )  # fmt: skip
    return bool(done)


def _give_up_attempt(export: DataExport) -> None:
    """Let the sweep send it again, or say that it failed."""
    mine = DataExport.objects.filter(pk=export.pk, state=State.WAITING, attempts=export.attempts)
    if export.attempts >= MAX_ATTEMPTS:
        mine.update(state=State.FAILED)
    else:
        mine.update(tried_at=None)


def _write(account: Account, target: IO[bytes]) -> None:
    # Pictures and videos are compressed already; what is text is small beside them.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as zipped:
        with zipped.open("ledger.csv", "w") as ledger_file:
            everything = exports.Extent(date.min, date.max)
            for piece in exports.rows(account, everything, describe_spends):
                ledger_file.write(piece.encode())
        with zipped.open("runs.json", "w") as runs_file:
            for piece in _runs_json(account):
                runs_file.write(piece.encode())
        with zipped.open("conversations.json", "w") as talks_file:
            for piece in _conversations_json(account):
                talks_file.write(piece.encode())
        for picture in _pictures(account):
            _copy(zipped, picture)
    target.seek(0)


def _runs_json(account: Account) -> Iterator[str]:
    """The runs as a JSON list, one a line, oldest first."""
    runs = Generation.objects.filter(account=account, deleted_at=None)
    runs = runs.order_by("created_at", "id").select_related("requested_by")
    start = "[\n"
    for run in runs.prefetch_related("pictures").iterator(chunk_size=200):
        yield start + json.dumps(_run_json(run), ensure_ascii=False)
        start = ",\n"
    yield "\n]\n" if start != "[\n" else "[]\n"


def _run_json(run: Generation) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "tool": run.tool,
        "state": run.state,
        "outcome": run.outcome,
        "message": run.message,
        "resolution": run.resolution or None,
        "seconds": run.seconds,
        "prompt": run.prompt,
        "options": run.options,
        "products": run.products,
        "product_title": run.product_title,
        "credits": run.price,
        "engine": run.engine,
        "model": run.model,
        "asked_by": str(run.requested_by) if run.requested_by else None,
        "asked_at": run.created_at.isoformat(),
        "ended_at": run.finished_at.isoformat() if run.finished_at else None,
        "files": [_name(picture) for picture in run.pictures.all() if picture.file],
        "texts": [picture.words for picture in run.pictures.all() if picture.words],
    }


def _conversations_json(account: Account) -> Iterator[str]:
    """The talks with the assistant as a JSON list, one a line, oldest first."""
    talks = Conversation.objects.filter(account=account).order_by("created_at", "id")
    start = "[\n"
    for talk in talks.prefetch_related("messages").iterator(chunk_size=200):
        messages = [
            {"role": one.role, "text": one.text, "at": one.created_at.isoformat()}
            for one in sorted(talk.messages.all(), key=lambda one: one.pk)
        ]
        told = {"id": str(talk.pk), "title": talk.title, "messages": messages}
        yield start + json.dumps(told, ensure_ascii=False)
        start = ",\n"
    yield "\n]\n" if start != "[\n" else "[]\n"


def _pictures(account: Account) -> Iterator[Picture]:
    pictures = Picture.objects.filter(generation__account=account, generation__deleted_at=None)
    return pictures.exclude(file="").order_by("generation_id", "role", "position").iterator()


def _name(picture: Picture) -> str:
    """Where a file lies in the zip. No name of a merchant's becomes a path."""
    suffix = storage.SUFFIXES.get(picture.media_type, "")
    return f"files/{picture.generation_id}/{picture.role}-{picture.position}{suffix}"


def _copy(zipped: zipfile.ZipFile, picture: Picture) -> None:
    try:
        stored = default_storage.open(picture.file)
    except FileNotFoundError:
        # Deleted while this was being written: the list of runs still names it.
        return
    with stored, zipped.open(_name(picture), "w", force_zip64=True) as target:
        while chunk := stored.read(_COPIED_AT_ONCE):
            target.write(chunk)


# --- Fetching, and what time ends ----------------------------------------------------------------


def link(export: DataExport) -> str:
    """The address of a ready export. A download in the admin carries no proof but its link."""
    return reverse("data_export", args=[signing.dumps(str(export.pk), salt=_SALT)])


def find(token: str) -> DataExport | None:
    """The export behind a link while it is there. signing.BadSignature for a link that is forged."""
    named = uuid.UUID(signing.loads(token, salt=_SALT))
    found = DataExport.objects.filter(pk=named, state=State.READY, expires_at__gt=timezone.now())
    return found.first()


def sweep() -> None:
    """Send again what waits, delete what is over."""
    now = timezone.now()
    lost = Q(tried_at=None, created_at__lt=now - SEND_AGAIN_AFTER)
    lost |= Q(tried_at__lt=now - GIVEN_UP_AFTER)
    for export in DataExport.objects.filter(lost, state=State.WAITING):
        if export.attempts >= MAX_ATTEMPTS:
            DataExport.objects.filter(pk=export.pk, state=State.WAITING).update(state=State.FAILED)
        else:
            jobs.enqueue("generations.export_data", export_id=str(export.pk))
    for export in DataExport.objects.filter(state=State.READY, expires_at__lte=now):
        _drop(export)


def _drop(export: DataExport) -> None:
    name = export.file
    with transaction.atomic():
        DataExport.objects.filter(pk=export.pk).update(state=State.EXPIRED, file="")
        transaction.on_commit(lambda: storage.delete(name), robust=True)


def erase(account_id: int) -> None:
    """Forget the account's exports, also one that is being made."""
    mine = DataExport.objects.filter(account_id=account_id)
    names = [name for name in mine.values_list("file", flat=True) if name]
    mine.delete()
    transaction.on_commit(lambda: storage.delete_all(names), robust=True)
