"""The staff's site: Django's tables, and before them the pages that answer questions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext_lazy as _


class StaffSite(admin.AdminSite):
    """One room: what needs somebody, one search, accounts as stories, the queue of cases."""

    site_header = _("ecomVance staff")
    site_title = _("ecomVance staff")
    index_title = _("What needs somebody")
    index_template = "staff/start.html"
    site_url = "/dashboard/"
    enable_nav_sidebar = False

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """The start page: what needs somebody, then every table."""
        # Pages reverse the site's own addresses, so they are read when the site is there.
        from ecomvance_app.staff import start  # noqa: PLC0415

        context = {"needs": start.read_needs(request)} | (extra_context or {})
        return super().index(request, context)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """The pages of `ecomvance_app.staff` before Django's own."""
        from ecomvance_app.staff import accounts, cases, incidents, operations, search, see_as  # noqa: PLC0415

        pages = [
            path("operations/", operations.page, name="staff_operations"),
            path("search/", search.page, name="staff_search"),
            path("accounts/<int:account_id>/", accounts.page, name="staff_account"),
            path("accounts/<int:account_id>/note/", accounts.add_note, name="staff_note"),
            path("accounts/<int:account_id>/check/", accounts.check, name="staff_check"),
            path("accounts/<int:account_id>/see-as/", see_as.begin, name="staff_see_as"),
            path("see-as/stop/", see_as.stop, name="staff_stop_seeing"),
            path("incidents/new/", incidents.new, name="staff_incident_new"),
            path("incidents/<int:incident_id>/", incidents.page, name="staff_incident"),
            path("cases/", cases.queue, name="staff_cases"),
            path("cases/<int:case_id>/", cases.page, name="staff_case"),
            path("runs/<uuid:run_id>/", cases.run_page, name="staff_run"),
        ]
        return [*pages, *super().get_urls()]
