"""Staff change the low-credit default: validated, previewed with whom it changes, recorded."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from credits import tasks
from credits.models import LowCreditDefault
from credits.staff_acts import StaffAct
from tests.credits.ledger.books import open_paper
from tests.merchants import Merchant
from tests.staff.test_rights import member

pytestmark = pytest.mark.django_db


def page() -> str:
    default = LowCreditDefault.objects.get()
    return reverse("admin:credits_lowcreditdefault_change", args=[default.pk])


def post(client: Client, **form: str) -> Any:
    return client.post(page(), {"share": "20", "least": "50"} | form)


def test_the_preview_says_whom_it_changes_and_saves_nothing(chief: Client) -> None:
    open_paper()
    chose = open_paper()
    type(chose).objects.filter(pk=chose.pk).update(low_threshold=40, low_at=40)

    text = post(chief).text

    assert "Accounts whose threshold changes: 1." in text
    assert "Starter, 3,000 credits: low at 600 instead of 300." in text
    assert "Free trial" not in text
    assert LowCreditDefault.objects.get().share == 10
    assert not StaffAct.objects.exists()


def test_confirmed_it_is_saved_recorded_and_reaches_the_accounts(chief: Client) -> None:
    paper = open_paper()

    assert post(chief, _confirmed="1").status_code == 302
    tasks.spread_low_default()

    act = StaffAct.objects.get()
    assert (act.subject, act.act, act.changed) == ("credits.lowcreditdefault", "changed", ["share"])
    paper.refresh_from_db()
    assert paper.low_at == 600


@pytest.mark.parametrize("wrong", [{"share": "101"}, {"share": "-1"}, {"least": "100001"}])
def test_what_is_out_of_range_is_refused(chief: Client, wrong: dict[str, str]) -> None:
    refused = post(chief, _confirmed="1", **wrong)

    assert refused.status_code == 200
    default = LowCreditDefault.objects.get()
    assert (default.share, default.least) == (10, 50)


def test_saving_the_same_moves_nothing(chief: Client) -> None:
    post(chief, share="10", _confirmed="1")

    assert LowCreditDefault.objects.get().is_spread


@pytest.mark.parametrize(("group", "status"), [("support", 403), ("finance", 403), ("admin", 200)])
def test_admins_alone_change_it(owner: Merchant, group: str, status: int) -> None:
    client = member(group)

    assert client.get(page()).status_code == 200
    assert post(client).status_code == status


def test_there_is_one_and_it_is_never_deleted(chief: Client) -> None:
    default = LowCreditDefault.objects.get()
    delete = reverse("admin:credits_lowcreditdefault_delete", args=[default.pk])

    assert chief.get(reverse("admin:credits_lowcreditdefault_add")).status_code == 403
    assert chief.post(delete, {"post": "yes"}).status_code == 403


def test_the_list_of_one_leads_to_it(chief: Client) -> None:
    answer = chief.get(reverse("admin:credits_lowcreditdefault_changelist"))

    assert (answer.status_code, answer["Location"]) == (302, page())
