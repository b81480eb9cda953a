"""The staff's site: Django's tables, and before them the pages that answer questions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver
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
        from ecomvance_app.staff import addresses  # noqa: PLC0415

        return [*addresses.pages, *super().get_urls()]
