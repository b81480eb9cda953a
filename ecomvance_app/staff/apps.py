"""Puts our site in the place of Django's."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    """Django's admin with the staff's own site; tables register with it as with any other."""

    default_site = "ecomvance_app.staff.site.StaffSite"
