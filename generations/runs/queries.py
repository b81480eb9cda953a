"""Reads of runs, always through their account."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from ecomvance_app.addresses import read_instant
from generations.models import Generation, Picture

PAGE = 25


@dataclass(frozen=True)
class HistoryPage:
    """Runs, newest first, and the cursors of the pages beside it, empty at either end."""

    runs: list[Generation]
    newer: str
    older: str


def get_for_account(account_id: int, generation_id: uuid.UUID | str) -> Generation:
    """One run with all that a page shows; Generation.DoesNotExist for another account's."""
    return _shown(account_id).get(pk=generation_id)


def key_digest(key: str) -> str:
    """What is kept of an idempotency key: a merchant's program may have put anybody's name in it."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def find_by_key(account_id: int, key: str) -> Generation | None:
    """The run that this idempotency key has made in this account, if any."""
    return Generation.objects.filter(account_id=account_id, key=key_digest(key)).first()


def list_recent(account_id: int, limit: int = 5) -> list[Generation]:
    """The newest runs."""
    return list(_shown(account_id)[:limit])


def has_any(account_id: int) -> bool:
    """Whether anything was ever run here."""
    return Generation.objects.filter(account_id=account_id).exists()


def count_failed(account_id: int, since: datetime) -> int:
    """Runs asked for since then that failed, unless the same was asked for again and delivered."""
    delivered_later = Generation.objects.filter(
        account_id=account_id,
        tool=OuterRef("tool"),
        product_id=OuterRef("product_id"),
        state=Generation.State.SUCCEEDED,
        created_at__gt=OuterRef("created_at"),
    )
    failed = Generation.objects.filter(
        ~Exists(delivered_later),
        account_id=account_id,
        state=Generation.State.FAILED,
        deleted_at=None,
        created_at__gte=since,
    )
    return failed.count()


def list_page(
    account_id: int, *, before: str = "", tool: str = "", state: str = "", limit: int = 100
) -> tuple[list[Generation], str]:
    """The newest runs, or those before a cursor, and the cursor of those before them.

    ValueError for a cursor that cannot be read.
    """
    runs = _shown(account_id).select_related("account")
    if before:
        cursor = _read_cursor(before)
        if cursor is None:
            raise ValueError(before)
        at, run_id = cursor
        runs = runs.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=run_id))
    if tool:
        runs = runs.filter(tool=tool)
    if state:
        runs = runs.filter(state=state)
    found = list(runs[: limit + 1])
    return found[:limit], _cursor(found[limit - 1]) if len(found) > limit else ""


def list_history(
    account_id: int, *, before: str = "", after: str = "", state: str = ""
) -> HistoryPage:
    """The newest runs, those before a cursor, or those right after one; of one state if named.

    A cursor that cannot be read counts as none.
    """
    runs = _shown(account_id)
    if state in Generation.State:
        runs = runs.filter(state=state)
    from_older, from_newer = _read_cursor(after), _read_cursor(before)
    if from_older:
        at, run_id = from_older
        later = runs.filter(Q(created_at__gt=at) | Q(created_at=at, id__gt=run_id))
        found = list(later.order_by("created_at", "id")[: PAGE + 1])
        page, has_newer, has_older = found[:PAGE][::-1], len(found) > PAGE, True
    else:
        if from_newer:
            at, run_id = from_newer
            runs = runs.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=run_id))
        found = list(runs[: PAGE + 1])
        page, has_newer, has_older = found[:PAGE], bool(from_newer), len(found) > PAGE
    return HistoryPage(
        runs=page,
        newer=_cursor(page[0]) if page and has_newer else "",
        older=_cursor(page[-1]) if page and has_older else "",
    )


def _shown(account_id: int) -> QuerySet[Generation]:
    return (
        Generation.objects.filter(account_id=account_id, deleted_at=None)
        .select_related("spend__restoration", "requested_by")
        .prefetch_related(Prefetch("pictures", Picture.objects.order_by("position")))
        .order_by("-created_at", "-id")
    )


def _cursor(generation: Generation) -> str:
    return f"{generation.created_at.isoformat()}~{generation.pk}"


def _read_cursor(cursor: str) -> tuple[datetime, uuid.UUID] | None:
    at, _, run_id = cursor.partition("~")
    try:
        return read_instant(at), uuid.UUID(run_id)
    except ValueError:
        return None
