"""Reads of runs, always through their account."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from generations.models import Generation, Picture

PAGE = 25


@dataclass(frozen=True)
class HistoryPage:
    """Runs, newest first, and the cursor of the next older page, empty at the end."""

    runs: list[Generation]
    older: str


def get_for_account(account_id: int, generation_id: uuid.UUID | str) -> Generation:
    """One run with all that a page shows; Generation.DoesNotExist for another account's."""
    return _shown(account_id).get(pk=generation_id)


def find_by_key(account_id: int, key: str) -> Generation | None:
    """The run that this idempotency key has made in this account, if any."""
    return Generation.objects.filter(account_id=account_id, key=key).first()


def list_recent(account_id: int, limit: int = 5) -> list[Generation]:
    """The newest runs."""
    return list(_shown(account_id)[:limit])


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
        created_at__gte=since,
    )
    return failed.count()


def list_history(account_id: int, cursor: str = "", state: str = "") -> HistoryPage:
    """A page of runs from the cursor on; a cursor that cannot be read starts at the newest."""
    runs = _shown(account_id)
    if state in Generation.State:
        runs = runs.filter(state=state)
    position = _read_cursor(cursor)
    if position:
        at, run_id = position
        runs = runs.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=run_id))
    page = list(runs[: PAGE + 1])
    older = page[PAGE - 1] if len(page) > PAGE else None
    return HistoryPage(page[:PAGE], f"{older.created_at.isoformat()}~{older.pk}" if older else "")


def _shown(account_id: int) -> QuerySet[Generation]:
    return (
        Generation.objects.filter(account_id=account_id)
        .select_related("spend", "requested_by")
        .prefetch_related(Prefetch("pictures", Picture.objects.order_by("position")))
        .order_by("-created_at", "-id")
    )


def _read_cursor(cursor: str) -> tuple[datetime, uuid.UUID] | None:
    at, _, run_id = cursor.partition("~")
    try:
        return datetime.fromisoformat(at), uuid.UUID(run_id)
    except ValueError:
        return None
