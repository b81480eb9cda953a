"""The operations page: how the product does, on one page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ecomvance_app.staff.rooms import render_page, staff_page
from ecomvance_app.watching import operations


@require_safe
@staff_page("generations.view_enginehealth", "credits.view_ledgerpass")
def page(request: HttpRequest) -> HttpResponse:
    """Engines, errors, times, queues, sweeps, the ledger's check and margins."""
    context = {"figures": operations.read(), "sample": operations.SAMPLE}
    return render_page(request, "staff/operations.html", _("Operations"), context)
