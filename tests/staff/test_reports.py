"""What merchants report arrives at staff with everything, and is closed once."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from credits.staff_acts import StaffAct
from generations.models import Generation, ProblemReport
from generations.results import problems
from generations.runs.request import Requester
from tests.credits.test_admin import staff_client
from tests.merchants import Merchant

pytestmark = pytest.mark.django_db


@pytest.fixture
def report(owner: Merchant, failed_run: Generation) -> ProblemReport:
    asked = Requester(owner.account.pk, owner.person.pk, "web")
    return problems.report(asked, failed_run, "The mug has lost its handle", "Firefox 140")


def test_it_is_on_the_start_page_and_leads_to_run_case_and_facts(
    chief: Client, report: ProblemReport
) -> None:
    assert "Problem reports" in chief.get("/staff/").text

    page = re.sub(r"\s+", " ", chief.get(reverse("admin:staff_reports")).text)

    for words in ("The mug has lost its handle", "Firefox 140", "Olivia", "Our disk was full.",
                  "Approve and restore", "/files/"):  # fmt: skip
        assert words in page


def test_it_is_closed_once(chief: Client, report: ProblemReport) -> None:
    url = reverse("admin:staff_report_close", args=[report.pk])
    for _pressed_twice in range(2):
        assert chief.post(url).status_code == 302

    report.refresh_from_db()
    assert report.closed_at is not None
    assert StaffAct.objects.filter(act="report closed").count() == 1
    assert "No report waits" in chief.get(reverse("admin:staff_reports")).text


def test_who_reads_closes_nothing(report: ProblemReport) -> None:
    reader = staff_client("view_problemreport")

    assert "Close the report" not in reader.get(reverse("admin:staff_reports")).text
    url = reverse("admin:staff_report_close", args=[report.pk])
    assert reader.post(url).status_code == 403
