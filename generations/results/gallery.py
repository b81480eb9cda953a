"""The gallery: which runs a merchant sees, by view and filters, and what is done to many at once.

Everything is read through its account, so that another account's run is as if it were not there.
Source: screens, "Gallery / history".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from ecomvance_app import clock
from generations.models import Batch, Generation
from generations.results import retention
from generations.runs import queries

PAGE = 24
MOST_AT_ONCE = 100
BATCHES_OFFERED = 30
View = Literal["", "review", "failed", "deleted"]
VIEWS: tuple[View, ...] = ("", "review", "failed", "deleted")

State, Review = Generation.State, Generation.Review


@dataclass(frozen=True)
class Chosen:
    """A view with its filters; an empty one filters nothing. Days are the account's, both included."""

    view: View = ""
    search: str = ""
    tool: str = ""
    state: str = ""
    label: str = ""
    batch: uuid.UUID | None = None
    expiring: bool = False
    person: int | None = None
    first: date | None = None
    last: date | None = None

    @property
    def narrows(self) -> bool:
        """Whether anything but the view is asked for."""
        return self != Chosen(view=self.view)


@dataclass(frozen=True)
class Page:
    """Runs, newest first, and the cursors of the pages beside it, empty at either end."""

    runs: list[Generation]
    newer: str
    older: str


def read_page(
    account_id: int, chosen: Chosen, zone: str, *, before: str = "", after: str = ""
) -> Page:
    """The newest runs of the choice, those before a cursor, or those right after one.

    A cursor that cannot be read counts as none.
    """
    runs = _chosen(account_id, chosen, zone)
    from_older, from_newer = queries.read_cursor(after), queries.read_cursor(before)
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
    return Page(
        runs=page,
        newer=queries.cursor_of(page[0]) if page and has_newer else "",
        older=queries.cursor_of(page[-1]) if page and has_older else "",
    )


def _chosen(account_id: int, chosen: Chosen, zone: str) -> QuerySet[Generation]:
    runs = queries.shown(account_id, deleted=chosen.view == "deleted").filter(_of_view(chosen.view))
    for word in chosen.search.split():
        runs = runs.filter(Q(product_title__icontains=word) | Q(prompt__icontains=word))
    exact = {"tool": chosen.tool, "state": chosen.state, "label": chosen.label}
    runs = runs.filter(**{name: value for name, value in exact.items() if value})
    if chosen.batch is not None:
        runs = runs.filter(batch=chosen.batch)
    if chosen.expiring:
        runs = runs.filter(retention.expiring())
    if chosen.person is not None:
        runs = runs.filter(requested_by=chosen.person)
    if chosen.first is not None:
        runs = runs.filter(created_at__gte=_midnight(chosen.first, zone))
    if chosen.last is not None:
        runs = runs.filter(created_at__lt=_midnight(chosen.last + timedelta(days=1), zone))
    return runs


def _of_view(view: View) -> Q:
    if view == "deleted":
        return _restorable()
    if view == "failed":
        return Q(state=State.FAILED)
    return Q(state=State.SUCCEEDED, review=Review.NONE) if view == "review" else Q()


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


def _restorable() -> Q:
    return Q(deleted_at__gt=clock.now() - retention.RESTORABLE_FOR, emptied_at=None)


def list_people(account_id: int) -> list[Any]:
    """Who has asked for runs in this account, by name."""
    asked = Generation.objects.filter(account_id=account_id).order_by()
    people = get_user_model().objects.filter(pk__in=asked.values("requested_by").distinct())
    return sorted(people, key=str)


def list_batches(account_id: int) -> list[Batch]:
    """The newest batches of the account, as many as a filter can offer."""
    return list(
        Batch.objects.filter(account_id=account_id).order_by("-created_at")[:BATCHES_OFFERED]
    )


# --- Many at once --------------------------------------------------------------------------------


def list_results(account_id: int, run_ids: Iterable[uuid.UUID]) -> list[Generation]:
    """Those of these runs that are delivered and not deleted, newest first, 100 at most."""
    chosen = _of(queries.shown(account_id), run_ids)
    return list(chosen.filter(state=State.SUCCEEDED, emptied_at=None))


def delete_all(account_id: int, run_ids: Iterable[uuid.UUID]) -> int:
    """Delete those of these runs that are final; how many. They can be restored for 30 days."""
    chosen = _of(Generation.objects.filter(account_id=account_id, deleted_at=None), run_ids)
    return chosen.filter(state__in=Generation.FINAL).update(deleted_at=clock.now())


def restore_all(account_id: int, run_ids: Iterable[uuid.UUID]) -> int:
    """Bring back those of these runs that were deleted within 30 days; how many."""
    chosen = _of(Generation.objects.filter(account_id=account_id), run_ids)
    return chosen.filter(_restorable()).update(deleted_at=None)


def review_all(account_id: int, run_ids: Iterable[uuid.UUID], review: str) -> int:
    """Accept or reject the results of these runs; how many there were."""
    chosen = _of(Generation.objects.filter(account_id=account_id, deleted_at=None), run_ids)
    return chosen.filter(state=State.SUCCEEDED).update(review=review)


def _of(runs: QuerySet[Generation], run_ids: Iterable[uuid.UUID]) -> QuerySet[Generation]:
    few: Sequence[uuid.UUID] = list(run_ids)[:MOST_AT_ONCE]
    return runs.filter(pk__in=few)
