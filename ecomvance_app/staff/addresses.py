"""The addresses of the staff's pages; those of the tables are Django's own."""

from __future__ import annotations

from django.urls import path

from ecomvance_app.staff import (
    accounts,
    cases,
    incidents,
    operations,
    reports,
    search,
    see_as,
)

pages = [
    path("reports/", reports.queue, name="staff_reports"),
    path("reports/<int:report_id>/close/", reports.close, name="staff_report_close"),
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
