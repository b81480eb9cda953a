"""Every act of staff stands in one record, and nobody chooses the key of a correction."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from credits import ledger
from credits.accounts.redaction import redact_account
from credits.models import LedgerEntry, RestorationCase
from credits.outcomes import rules
from credits.staff_acts import StaffAct, StaffWords
from tests.credits.test_admin import staff_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def support():
    return staff_client("view_account", "change_account", "change_restorationcase", "change_plan")


def acts() -> list[tuple[str, str, int | None]]:
    return [(act.act, act.subject, act.account_id) for act in StaffAct.objects.order_by("pk")]


def form_of(client, url: str, **fields: str) -> dict[str, str]:
    """The form's fields with the key that the page carries."""
    found = re.search(r'name="key" value="([^"]+)"', client.get(url).text)
    assert found
    return fields | {"code": "goodwill", "key": found[1], "confirm": "Write"}


def adjust_url(merchant) -> str:
    return reverse("admin:credits_account_adjust", args=[merchant.account.pk])


def test_an_adjustment_is_one_act_however_often_it_is_pressed(owner, support):
    form = form_of(
        support, adjust_url(owner), bucket="package", credits="5", reason="Ms Reed asked"
    )
    for _press in range(2):
        support.post(adjust_url(owner), form)

    assert acts() == [("balance adjusted", "credits.ledgerentry", owner.account.pk)]
    assert StaffAct.objects.get().subject_id == str(LedgerEntry.objects.get(kind="adjust").pk)
    assert StaffWords.objects.get().text == "Ms Reed asked"


def test_the_key_of_a_correction_is_the_servers(owner, support):
    form = form_of(support, adjust_url(owner), bucket="package", credits="5", reason="Goodwill")

    refused = support.post(adjust_url(owner), form | {"key": "purchase:gid://shopify/1"})
    assert "its key is not ours" in refused.text
    assert not LedgerEntry.objects.filter(kind="adjust").exists()

    support.post(adjust_url(owner), form)
    assert LedgerEntry.objects.get(kind="adjust").key.startswith("staff:")


def test_a_decision_is_an_act(owner, support):
    spend = ledger.spend(owner.account.pk, 30, "run:1", tool="image-enhance")
    rules.apply_outcome(spend, "platform_error", now=timezone.now())
    case = RestorationCase.objects.get()
    url = reverse("admin:credits_restorationcase_decide", args=[case.pk])

    support.post(url, {"reason": "Our disk was full", "approve": "Approve"})

    assert acts() == [("case approved", "credits.restorationcase", owner.account.pk)]


def test_what_is_changed_by_hand_is_an_act_with_the_fields_names(owner, support):
    plan_page = reverse("admin:credits_plan_change", args=[1])
    form = {
        "name": "Starter", "handle": "starter", "price_usd": "21.00", "credits": "3000",
        "on_sale": "on", "position": "1", "_confirmed": "1",
    }  # fmt: skip

    assert support.post(plan_page, form).status_code == 302

    act = StaffAct.objects.get()
    assert (act.act, act.subject, act.subject_id) == ("changed", "credits.plan", "1")
    assert "price_usd" in act.changed
    assert not LogEntry.objects.exists()


def test_erasing_an_account_leaves_the_acts_without_their_words(owner, support):
    form = form_of(support, adjust_url(owner), bucket="package", credits="5", reason="For Ms Reed")
    support.post(adjust_url(owner), form)

    redact_account(owner.account.pk)

    assert len(acts()) == 1
    assert not StaffWords.objects.exists()
