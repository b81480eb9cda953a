"""Reads of runs, always through their account."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from ecomvance_app.addresses import read_instant
from generations.models import Generation, Picture


def get_for_account(account_id: int, generation_id: uuid.UUID | str) -> Generation:
    """One run with all that a page shows; Generation.DoesNotExist for another account's."""
    return shown(account_id).get(pk=generation_id)


def key_digest(key: str) -> str:
    """What is kept of an idempotency key: a merchant's program may have put anybody's name in it."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def find_by_key(account_id: int, key: str) -> Generation | None:
    """The run that this idempotency key has made in this account, if any."""
    return Generation.objects.filter(account_id=account_id, key=key_digest(key)).first()


def list_recent(account_id: int, limit: int = 5) -> list[Generation]:
    """The newest runs."""
    return list(shown(account_id)[:limit])


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
    runs = shown(account_id).select_related("account")
    if before:
        cursor = read_cursor(before)
        if cursor is None:
            raise ValueError(before)
        at, run_id = cursor
        runs = runs.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=run_id))
    if tool:
        runs = runs.filter(tool=tool)
    if state:
        runs = runs.filter(state=state)
    found = list(runs[: limit + 1])
    return found[:limit], cursor_of(found[limit - 1]) if len(found) > limit else ""


def shown(account_id: int, *, deleted: bool = False) -> QuerySet[Generation]:
    """Runs of the account with all that a page shows, newest first: those that are not deleted, or
    those that are and can be restored.
    """
    return (
        Generation.objects.filter(account_id=account_id, deleted_at__isnull=not deleted)
        .select_related("spend__restoration", "requested_by")
        .prefetch_related(Prefetch("pictures", Picture.objects.order_by("position")))
        .order_by("-created_at", "-id")
    )


def cursor_of(generation: Generation) -> str:
    """Where the run stands in the order of time; names the same place for ever."""
    return f"{generation.created_at.isoformat()}~{generation.pk}"


def read_cursor(cursor: str) -> tuple[datetime, uuid.UUID] | None:
    """The place that a cursor names; None for one that cannot be read."""
    at, _, run_id = cursor.partition("~")
    try:
        return read_instant(at), uuid.UUID(run_id)
    except ValueError:
        return None
