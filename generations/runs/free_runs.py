"""Sandbox renders cost nothing, so their number is limited: one at a time, so many a day.

A day is a day in the account's time zone. Source: decisions on engines.
"""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.utils.formats import localize
from django.utils.translation import gettext as _

from credits.models import Account
from credits.periods import local_day
from generations import limits
from generations.models import Generation
from generations.runs.quote import RunRefused, Terms


def check(account_id: int, terms: Terms, now: datetime) -> None:
    """RunRefused when this account may not start another free run now; paid runs always may.

    The last word is had under the account's lock.
    """
    if terms.label != "sandbox":
        return
    runs = Generation.objects.filter(account_id=account_id, label="sandbox", price=0)
    if runs.exclude(state__in=Generation.FINAL).exists():
        message = _("A free sandbox run is under way. Start the next one when it is done.")
        raise RunRefused(message, "free_run_under_way", status=429)
    most = limits.value(limits.Name.FREE_RUNS)
    if runs.filter(created_at__gte=_start_of_day(account_id, now)).count() >= most:
        message = _("Sandbox runs are free, %(most)s a day. Come back tomorrow.")
        raise RunRefused(message % {"most": localize(most)}, "free_runs_used_up", status=429)


def _start_of_day(account_id: int, now: datetime) -> datetime:
    zone = Account.objects.values_list("time_zone", flat=True).get(pk=account_id)
    return datetime.combine(local_day(now, zone), time(), ZoneInfo(zone))
