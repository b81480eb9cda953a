"""The queue of cases: everything a decision needs, oldest first, in a fixed number of queries."""

from __future__ import annotations

import re
from functools import partial

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from credits.models import LedgerEntry
from credits.staff_acts import StaffAct
from generations.engines.base import PlatformError, ProviderError
from generations.models import Generation
from tests.at_once import at_once, meeting_after
from tests.credits.test_admin import staff_client
from tests.generations.engine import Engine
from tests.merchants import Merchant, make_merchant
from tests.staff.conftest import fail

pytestmark = pytest.mark.django_db


def queue(client: Client, **query: str) -> str:
    response = client.get(reverse("admin:staff_cases"), query)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.text)


def test_a_case_shows_input_output_error_rule_and_the_stores_rate(
    chief: Client, owner: Merchant, engine: Engine, failed_run: Generation
) -> None:
    fail(owner, engine, ProviderError("The image service failed."))

    page = queue(chief)

    assert page.count('class="staff-card"') == 1
    for words in ("Background Removal", "Our disk was full.", "Nothing came out", "/files/",
                  "plan 20, package 0", "1 of 2 runs, 50 %", "Approve and restore"):  # fmt: skip
        assert words in page
    assert "may be restored (discretionary)" in page


def test_the_oldest_comes_first_and_the_next_ones_are_a_page_away(
    chief: Client, second_shop: Merchant, owner: Merchant, engine: Engine
) -> None:
    runs = [
        fail(merchant, engine, PlatformError("Full."))
        for merchant in (*[owner] * 5, *[second_shop] * 5)
    ]
    runs.append(fail(make_merchant("Thea"), engine, PlatformError("Full.")))

    first = queue(chief)
    shown = re.findall(r"/staff/runs/([0-9a-f-]{36})/\">", first)
    assert shown == [str(run.pk) for run in runs[:10]]
    after = re.findall(r"\?after=(\d+)", first)[0]
    assert str(runs[10].pk) in queue(chief, after=after)


def test_its_queries_do_not_grow_with_the_queue(
    chief: Client,
    owner: Merchant,
    engine: Engine,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for _run in range(5):
        fail(owner, engine, PlatformError("Full."))
    with django_assert_max_num_queries(12):
        queue(chief)


def test_two_colleagues_decide_one_case_once(
    chief: Client, owner: Merchant, failed_run: Generation
) -> None:
    case = failed_run.spend.case
    url = reverse("admin:credits_restorationcase_decide", args=[case.pk])

    assert chief.post(url, {"reason": "Disk", "approve": "1"}).status_code == 302
    late = chief.post(url, {"reason": "No", "decline": "1"})

    assert "This case was approved before." in late.text
    assert owner.total == 100
    page = chief.get(reverse("admin:staff_case", args=[case.pk])).text
    assert "Sasha" in page
    assert "Approve and restore" not in page


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("choices", [("approve", "decline"), ("approve", "approve")])
def test_two_colleagues_at_the_same_instant_make_one_decision_and_one_entry(
    chief: Client, owner: Merchant, failed_run: Generation, choices: tuple[str, str]
) -> None:
    case = failed_run.spend.case
    stella = staff_client("view_restorationcase", "change_restorationcase")
    url = reverse("admin:credits_restorationcase_decide", args=[case.pk])
    answers: list[int] = []

    def decide(client: Client, choice: str) -> None:
        answers.append(client.post(url, {"reason": "Disk", choice: "1"}).status_code)

    looked = meeting_after("SELECT", 'FROM "credits_restorationcase"')
    raised = at_once(
        partial(decide, chief, choices[0]), partial(decide, stella, choices[1]), wrapper=looked
    )

    assert raised == []
    case.refresh_from_db()
    entries = LedgerEntry.objects.filter(restores=case.spend_id)
    assert entries.count() == (1 if case.state == "approved" else 0)
    assert owner.total == (100 if case.state == "approved" else 80)
    acts = StaffAct.objects.filter(subject="credits.restorationcase", subject_id=str(case.pk))
    assert [(act.act, act.staff_id) for act in acts] == [(f"case {case.state}", case.decided_by_id)]
    # Whoever comes late with the other word is told; with the same word there is nothing to tell.
    assert sorted(answers) == ([302, 302] if choices[0] == choices[1] else [200, 302])


def test_a_run_without_a_case_is_a_page_too(chief: Client, owner: Merchant, engine: Engine) -> None:
    run = fail(owner, engine, ProviderError("The image service failed."))

    page = chief.get(reverse("admin:staff_run", args=[run.pk])).text

    assert "The image service failed." in page
    assert "not restored" in page
    assert "Approve and restore" not in page
