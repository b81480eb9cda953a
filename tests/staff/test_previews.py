"""What is configured is validated, previewed with whom it touches, and only then saved."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from credits import ledger
from credits.models import OutcomeRule, Package, Plan
from generations.models import EngineSwitch, Generation, UsagePrice
from tests.merchants import Merchant

pytestmark = pytest.mark.django_db
PLAN = {"name": "Starter", "price_usd": "29", "credits": "3000", "on_sale": "on", "position": "0"}


def text(response: object) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text))  # type: ignore[attr-defined]


def test_a_plan_is_previewed_with_who_holds_it_and_saved_when_confirmed(
    chief: Client, owner: Merchant
) -> None:
    now = timezone.now()
    ledger.start_plan_period(owner.account.pk, "starter", now, now + timedelta(days=30), key="p")
    plan = Plan.objects.get(handle="starter")
    url = reverse("admin:credits_plan_change", args=[plan.pk])

    response = chief.post(url, PLAN)

    preview = text(response)
    assert "Accounts that hold this plan: 1. They keep what they were granted." in preview
    assert re.search(r"19\.00\s+29", preview)
    assert Plan.objects.get(handle="starter").price_usd == plan.price_usd
    sent = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', response.text))
    sent.pop("csrfmiddlewaretoken", None)
    assert chief.post(url, sent | {"_confirmed": "1"}).status_code == 302
    assert Plan.objects.get(handle="starter").price_usd == 29


@pytest.mark.parametrize(
    ("model", "form", "words"),
    [
        (Package, PLAN | {"name": "Small", "on_sale": ""}, "Nobody can buy it any more."),
        (
            OutcomeRule,
            {"policy": "automatic", "rule": "x"},
            "Open cases that stay open for staff: 1.",
        ),
    ],
)
def test_packages_and_outcomes_say_whom_they_touch(
    chief: Client, failed_run: Generation, model: type, form: dict[str, str], words: str
) -> None:
    rows = model.objects.all()  # type: ignore[attr-defined]
    row = rows.get(outcome="platform_error") if model is OutcomeRule else rows[0]
    url = reverse(f"admin:credits_{model.__name__.lower()}_change", args=[row.pk])

    assert words in text(chief.post(url, form))


def test_a_switch_says_what_waits_and_names_only_what_there_is(
    chief: Client, owner: Merchant
) -> None:
    now = timezone.now()
    Generation.objects.create(
        account=owner.account, key="k", tool="image-enhance", price=0, surface="web",
        engine="google", enqueued_at=now, created_at=now,
    )  # fmt: skip
    url = reverse("admin:generations_engineswitch_add")
    form = {"engine": "google", "tool": "image-enhance", "daily_cap": "5", "note": ""}

    assert "Runs that wait and are worked off: 1." in text(chief.post(url, form))
    for wrong, words in (
        ({"engine": "gogle"}, "There are these engines: local, google."),
        ({"tool": "no-such"}, "There is no such tool"),
        ({"daily_cap": "-1"}, "zero or more"),
    ):
        assert words in text(chief.post(url, form | wrong | {"_confirmed": "1"}))
    assert not EngineSwitch.objects.exists()
    chief.post(url, form | {"_confirmed": "1"})
    assert EngineSwitch.objects.get().is_on is False


def test_provider_prices_touch_no_merchant(chief: Client) -> None:
    url = reverse("admin:generations_usageprice_add")
    form = {"engine": "google", "model": "m", "unit": "u", "micro_usd": "4", "as_of": "2026-11-01"}

    assert "No merchant pays more or less." in text(chief.post(url, form))
    assert not UsagePrice.objects.filter(model="m").exists()
    assert "zero or more" in text(chief.post(url, form | {"micro_usd": "-4", "_confirmed": "1"}))
    chief.post(url, form | {"_confirmed": "1"})
    assert UsagePrice.objects.filter(model="m").exists()


def test_a_negative_price_is_refused(chief: Client) -> None:
    url = reverse("admin:credits_plan_change", args=[Plan.objects.get(handle="starter").pk])

    refused = text(chief.post(url, PLAN | {"price_usd": "-1", "_confirmed": "1"}))
    assert "greater than or equal to 0" in refused
