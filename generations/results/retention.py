"""How long the pictures of runs are kept, the mail before they go, and their deletion.

They are kept for `RETENTION_MONTHS` from the run's end; those that were there when this rule came, from
that day (`kept_from`). Whoever made them is told 30 days before, and nothing goes sooner after that mail.
What a merchant deletes goes 30 days later. The run itself stays, with its request and its credits.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from credits import periods
from credits.accounts import notices
from credits.models import Account
from ecomvance_app import clock
from generations.media import storage
from generations.models import Generation, Picture

RESTORABLE_FOR = timedelta(days=30)
WARNED_BEFORE = timedelta(days=30)
_AT_ONCE = 500


def kept_until(generation: Generation) -> datetime | None:
    """When the pictures of this run go; None while it has not ended or when they have gone."""
    begin = generation.kept_from or generation.finished_at
    if begin is None or generation.emptied_at is not None:
        return None
    end = periods.add_months(begin, settings.RETENTION_MONTHS)
    warned = generation.expiry_told_at
    return max(end, warned + WARNED_BEFORE) if warned else end


def expiring(now: datetime | None = None) -> Q:
    """Runs whose pictures go within 30 days, or could have gone already."""
    now = clock.now() if now is None else now
    return _begun_before(_months_ago(now + WARNED_BEFORE)) & _with_pictures()


def _with_pictures() -> Q:
    return Q(state__in=Generation.FINAL, emptied_at=None)


def _begun_before(instant: datetime) -> Q:
    return Q(kept_from__lte=instant) | Q(kept_from=None, finished_at__lte=instant)


def _months_ago(instant: datetime) -> datetime:
    return periods.add_months(instant, -settings.RETENTION_MONTHS)


# --- Every night ---------------------------------------------------------------------------------


def sweep(now: datetime | None = None) -> int:
    """Delete what is kept no longer, and tell of what goes in 30 days; how many runs were emptied."""
    now = clock.now() if now is None else now
    emptied = _empty(_over(now), now)
    _tell(now)
    return emptied


def _over(now: datetime) -> QuerySet[Generation]:
    deleted = Q(deleted_at__lte=now - RESTORABLE_FOR)
    old = _begun_before(_months_ago(now)) & Q(expiry_told_at__lte=now - WARNED_BEFORE)
    return Generation.objects.filter(_with_pictures(), deleted | old)


def _empty(runs: QuerySet[Generation], now: datetime) -> int:
    """Delete pictures for good, some hundred runs at a time, so that no transaction is long."""
    emptied = 0
    while found := list(runs.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]):
        with transaction.atomic():
            # One that was restored meanwhile stays.
            locked = runs.select_for_update().filter(pk__in=found)
            ids = list(locked.values_list("pk", flat=True))
            pictures = Picture.objects.filter(generation__in=ids)
            pairs = pictures.values_list("file", "preview")
            names = [name for pair in pairs for name in pair if name]
            pictures.delete()
            Generation.objects.filter(pk__in=ids).update(emptied_at=now)
            _delete_after_commit(names)
        emptied += len(ids)
    return emptied


def _delete_after_commit(names: list[str]) -> None:
    transaction.on_commit(lambda: storage.delete_all(names), robust=True)


def _tell(now: datetime) -> None:
    untold = Generation.objects.filter(expiring(now), expiry_told_at=None, deleted_at=None)
    accounts: Iterable[int] = untold.order_by().values_list("account_id", flat=True).distinct()
    for account_id in list(accounts):
        with transaction.atomic():
            runs = untold.filter(account_id=account_id)
            first = runs.aggregate(first=Min(Coalesce("kept_from", "finished_at")))["first"]
            told = runs.update(expiry_told_at=now)
            if told:
                _mail(account_id, told, first, now)


def _mail(account_id: int, runs: int, first: datetime, now: datetime) -> None:
    account = Account.objects.get(pk=account_id)
    goes = max(periods.add_months(first, settings.RETENTION_MONTHS), now + WARNED_BEFORE)
    with timezone.override(account.time_zone):
        day = date_format(timezone.localtime(goes), "DATE_FORMAT")
    subject = ngettext(
        "%(runs)s result is kept until %(day)s", "%(runs)s results go, the first on %(day)s", runs
    )
    text = _(
        "Images are kept for %(months)s months. Download what you want to keep: the gallery's filter "
        "“Expiring” shows what goes.\n\nWhat a run was asked for and its credits stay on record."
    )
    told = {"runs": localize(runs), "day": day, "months": localize(settings.RETENTION_MONTHS)}
    notices.tell(
        account_id,
        notices.Kind.EXPIRING,
        now.date().isoformat(),
        subject=subject % told,
        text=text % told,
        path=reverse("pages:gallery", current_app="web") + "?expiring=1",
        now=now,
    )
