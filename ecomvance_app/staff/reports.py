"""What merchants report of their runs: each with the run, its pictures, its case and what support would ask."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from credits import staff_acts
from credits.admin.recorded import staff_id
from ecomvance_app import clock
from ecomvance_app.staff.cases import cards_of_runs
from ecomvance_app.staff.rooms import render_page, staff_page
from generations.models import ProblemReport
from generations.results import problems

PAGE = 10


@require_safe
@staff_page("generations.view_problemreport")
def queue(request: HttpRequest) -> HttpResponse:
    """Open reports, oldest first."""
    after = request.GET.get("after", "")
    waiting = ProblemReport.objects.filter(closed_at=None).select_related("reported_by")
    if after.isdecimal() and len(after) < 19:
        waiting = waiting.filter(pk__gt=int(after))
    rows = list(waiting.order_by("pk")[: PAGE + 1])
    shown = rows[:PAGE]
    cards = cards_of_runs([row.generation_id for row in shown], clock.now())
    context = {
        "reports": [(row, cards[row.generation_id]) for row in shown],
        "next_after": shown[-1].pk if len(rows) > PAGE else None,
        "may_decide": request.user.has_perm("credits.change_restorationcase"),
    }
    return render_page(request, "staff/reports.html", _("Problem reports"), context)


@require_POST
@staff_page("generations.change_problemreport")
def close(request: HttpRequest, report_id: int) -> HttpResponse:
    """Somebody has looked into it; once, however often it is pressed."""
    report = get_object_or_404(ProblemReport, pk=report_id)
    with transaction.atomic():
        was_open = report.closed_at is None
        problems.close(report.pk, staff_id(request))
        if was_open:
            staff_acts.record(
                staff_id(request), "report closed", report, account_id=report.account_id
            )
    messages.success(request, _("The report is closed."))
    return HttpResponseRedirect(reverse("admin:staff_reports"))
