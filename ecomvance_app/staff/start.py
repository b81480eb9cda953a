"""The start page: what waits for somebody, worst first, each with the way to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from credits.ledger import checks
from credits.outcomes import cases
from credits.reports import for_staff
from ecomvance_app import clock
from generations.models import EngineHealth, Generation, ProblemReport
from shopify_auth.models import BillingCheck, BillingDifference, WebhookDelivery

# Nobody needs to know of the four hundredth; counting stops here.
MOST_COUNTED = 100
# The sweep sends again what has waited a minute; what waits longer has no worker.
LATE_AFTER = timedelta(minutes=5)
# The ledger is checked every night.
UNCHECKED_AFTER = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Need:
    """One line: what it is, how many, since when, and where it is dealt with."""

    title: str
    count: int
    detail: str
    url: str
    is_urgent: bool = False

    @property
    def shown(self) -> str:
        """The figure, which stops at a hundred."""
        return f"{MOST_COUNTED}+" if self.count >= MOST_COUNTED else str(self.count)


def read_needs(request: HttpRequest) -> list[Need]:
    """What this member of staff may deal with and that is there: urgent things first."""
    readers = (
        ("credits.view_restorationcase", _cases),
        ("generations.view_problemreport", _reports),
        ("credits.change_correction", _corrections),
        ("shopify_auth.view_billingdifference", _differences),
        ("shopify_auth.view_billingcheck", _comparisons),
        ("shopify_auth.view_webhookdelivery", _webhooks),
        ("generations.view_enginehealth", _engines),
        ("generations.view_enginehealth", _oldest_job),
        ("credits.view_ledgerpass", _ledger),
    )
    found = [read() for permission, read in readers if request.user.has_perm(permission)]
    needs = [need for need in found if need is not None]
    return sorted(needs, key=lambda need: not need.is_urgent)


def _count(rows: QuerySet[Any]) -> int:
    return len(rows.order_by().values_list("pk", flat=True)[:MOST_COUNTED])


def _cases() -> Need | None:
    count, oldest = cases.waiting(MOST_COUNTED)
    if oldest is None:
        return None
    detail = _("The oldest waits for %(time)s.") % {"time": timesince(oldest)}
    return Need(_("Restoration cases"), count, detail, reverse("admin:staff_cases"))


def _reports() -> Need | None:
    waiting = ProblemReport.objects.filter(closed_at=None)
    oldest = waiting.order_by("reported_at").first()
    if oldest is None:
        return None
    detail = _("The oldest waits for %(time)s.") % {"time": timesince(oldest.reported_at)}
    return Need(_("Problem reports"), _count(waiting), detail, reverse("admin:staff_reports"))


def _corrections() -> Need | None:
    count = for_staff.waiting_corrections(MOST_COUNTED)
    url = reverse("admin:credits_correction_changelist")
    detail = _("A colleague asked for them; somebody else has to say yes.")
    return _need(_("Corrections"), count, detail, f"{url}?state__exact=waiting")


def _differences() -> Need | None:
    unresolved = BillingDifference.objects.filter(resolved_at=None)
    count = _count(unresolved)
    url = reverse("admin:shopify_auth_billingdifference_changelist")
    detail = _("Shopify and we do not say the same of a charge.")
    return _need(_("Billing differences"), count, detail, f"{url}?resolved_at__isempty=1")


def _comparisons() -> Need | None:
    failing = BillingCheck.objects.filter(failures__gt=0)
    url = reverse("admin:shopify_auth_billingcheck_changelist")
    detail = _("These stores could not be compared with Shopify last time.")
    return _need(_("Stores that could not be compared"), _count(failing), detail, url)


def _webhooks() -> Need | None:
    failed = WebhookDelivery.objects.filter(handled_at=None, attempts__gt=0)
    url = reverse("admin:shopify_auth_webhookdelivery_changelist")
    detail = _("They were tried and could not be handled yet.")
    return _need(_("Failed webhooks"), _count(failed), detail, f"{url}?handled_at__isempty=1")


def _engines() -> Need | None:
    paused = EngineHealth.objects.exclude(paused_at=None)
    names = ", ".join(f"{row.engine} {row.tool}" for row in paused.order_by("paused_at")[:5])
    url = reverse("admin:generations_enginehealth_changelist")
    return _need(_("Paused engines"), _count(paused), names, url, is_urgent=True)


def _oldest_job() -> Need | None:
    late = Generation.objects.filter(
        state=Generation.State.QUEUED, created_at__lt=timezone.now() - LATE_AFTER
    )
    oldest = late.order_by("created_at").first()
    if oldest is None:
        return None
    detail = _("The oldest waits for %(time)s.") % {"time": timesince(oldest.created_at)}
    url = reverse("admin:staff_run", args=[oldest.pk])
    return Need(_("Runs that nobody takes"), _count(late), detail, url, is_urgent=True)


def _ledger() -> Need | None:
    last = for_staff.last_check()
    url = reverse("admin:credits_ledgerpass_changelist")
    if last is not None and last.found:
        words = _("Found by the check that began %(time)s ago.")
        detail = words % {"time": timesince(last.started_at)}
        return Need(_("Ledger out of step"), last.found, detail, url, is_urgent=True)
    if checks.is_left_lying(timezone.now()):
        detail = _("The nightly check has stopped halfway.")
        return Need(_("Ledger check"), 1, detail, url)
    if last is not None and last.started_at < clock.now() - UNCHECKED_AFTER:
        detail = _("The last one began %(time)s ago; it should run every night.")
        return Need(
            _("Ledger check"), 1, detail % {"time": timesince(last.started_at, clock.now())}, url
        )
    return None


def _need(title: str, count: int, detail: str, url: str, *, is_urgent: bool = False) -> Need | None:
    return Need(title, count, detail, url, is_urgent) if count else None
