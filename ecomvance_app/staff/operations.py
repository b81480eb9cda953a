"""The operations page: how the product does, on one page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ecomvance_app.staff.rooms import render_page, staff_page
from ecomvance_app.watching import operations
from generations import engine_setup


@require_safe
@staff_page("generations.view_enginehealth", "credits.view_ledgerpass")
def page(request: HttpRequest) -> HttpResponse:
    """Engines and what they stand on, errors, times, queues, sweeps, the ledger's check, margins."""
    figures, states = operations.read(), engine_setup.read_tools()
    context = {
        "figures": figures,
        "tools": [(tool, states[tool.slug]) for tool in figures.tools],
        "setup": engine_setup.read(),
        "sample": operations.SAMPLE,
    }
    return render_page(request, "staff/operations.html", _("Operations"), context)
