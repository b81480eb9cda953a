"""Staff name the engine of a tool: validated, previewed, recorded, and over the setting."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from credits.staff_acts import StaffAct
from generations.models import EngineRoute
from tests.merchants import ApiMerchant, open_store

pytestmark = pytest.mark.django_db
ADD = {"tool": "object-removal", "engine": "google", "note": "Better edges"}
SAVED = {"_confirmed": "1"}


@pytest.fixture(autouse=True)
def with_google(settings: Any) -> None:
    """Google is connected, and the setting names nothing."""
    settings.GEMINI_API_KEY, settings.GOOGLE_CLOUD_PROJECT = "k" * 20, ""
    settings.TOOL_ENGINES = {}


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text))


@pytest.fixture
def owner(db: None) -> ApiMerchant:
    """Owen, who asks the API."""
    return open_store("routes.myshopify.com")


def engine_of(merchant: ApiMerchant, tool: str) -> str | None:
    tools = merchant.get("tools").json()["tools"]
    found: str | None = next(one["engine"] for one in tools if one["slug"] == tool)
    return found


def save(client: Client, **form: str) -> Any:
    return client.post(reverse("admin:generations_engineroute_add"), ADD | form | SAVED)


def test_a_route_is_previewed_and_counts_once_saved(chief: Client, owner: ApiMerchant) -> None:
    form = {"tool": "ai-shadowing", "engine": "google"}

    preview = text(chief.post(reverse("admin:generations_engineroute_add"), ADD | form))

    assert "New runs of AI Shadowing go to Google instead of Our server, for everybody." in preview
    assert "Accounts that had a result of it in 30 days: 0." in preview
    assert "Runs that wait and keep the engine that was promised: 0." in preview
    assert engine_of(owner, "ai-shadowing") == "local"
    assert save(chief, **form).status_code == 302
    assert engine_of(owner, "ai-shadowing") == "google"
    act = StaffAct.objects.get()
    assert (act.act, act.subject) == ("added", "generations.engineroute")
    assert "engine" in act.changed


def test_a_row_stands_over_the_setting_until_it_is_deleted(
    chief: Client, owner: ApiMerchant, settings: Any
) -> None:
    settings.TOOL_ENGINES = {"ai-shadowing": "google"}
    assert engine_of(owner, "ai-shadowing") == "google"

    save(chief, tool="ai-shadowing", engine="local")
    assert engine_of(owner, "ai-shadowing") == "local"

    row = EngineRoute.objects.get()
    chief.post(reverse("admin:generations_engineroute_delete", args=[row.pk]), {"post": "yes"})
    assert engine_of(owner, "ai-shadowing") == "google"
    assert set(StaffAct.objects.values_list("act", flat=True)) == {"added", "deleted"}


def test_an_engine_without_credentials_is_refused(chief: Client, settings: Any) -> None:
    settings.GEMINI_API_KEY = ""

    refused = text(save(chief))

    assert "cannot go to Google here. Set GEMINI_API_KEY, or GOOGLE_CLOUD_PROJECT" in refused
    assert not EngineRoute.objects.exists()


def test_an_engine_that_does_not_know_the_tool_is_refused(chief: Client) -> None:
    refused = text(save(chief, tool="background-removal"))

    assert "No engine named google runs background-removal" in refused
    assert not EngineRoute.objects.exists()


def test_a_route_whose_engine_lost_its_credentials_never_steps_to_another(
    chief: Client, owner: ApiMerchant, settings: Any
) -> None:
    save(chief, tool="ai-shadowing")
    settings.GEMINI_API_KEY = ""

    assert engine_of(owner, "ai-shadowing") is None
