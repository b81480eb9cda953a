"""No picture of an account goes to Google before somebody of it has accepted the notice."""

from __future__ import annotations

import pytest
from django.test import Client

from credits import ledger
from credits.signals import account_erased
from generations.engines import registry
from generations.models import Generation, ProviderConsent
from generations.runs import consents
from tests.generations.engine import Engine
from tests.generations.mug_store import upload
from tests.merchants import Merchant

TOOL = "/dashboard/tools/ai-backgrounds"


@pytest.fixture(autouse=True)
def _google(monkeypatch: pytest.MonkeyPatch, settings: object) -> None:
    settings.GEMINI_API_KEY, settings.GOOGLE_GEMINI_BASE_URL = "key", ""  # type: ignore[attr-defined]
    for tool in ("ai-backgrounds", "nano-banana-t2i"):
        monkeypatch.setitem(registry.GOOGLE, tool, Engine(name="google"))
    monkeypatch.setitem(registry.LOCAL, "background-removal", Engine())


def start(client: Client, tool: str = "ai-backgrounds", **more: object) -> int:
    form = {"key": tool, "resolution": "1K", "image": upload()} | more
    return client.post(f"/dashboard/tools/{tool}", form).status_code


def test_the_first_picture_waits_for_the_notice(owner: Merchant) -> None:
    assert start(owner.client) == 422
    assert (Generation.objects.count(), owner.total) == (0, 100)
    assert "Read and accept" in owner.client.get(TOOL).content.decode()

    notice = owner.client.get("/dashboard/google?next=ai-backgrounds").content.decode()
    assert "sent to Google" in notice
    answer = owner.client.post("/dashboard/google", {"next": "ai-backgrounds"})

    assert (answer.status_code, answer["Location"]) == (302, TOOL)
    kept = ProviderConsent.objects.get()
    assert (kept.account, kept.accepted_by) == (owner.account, owner.person)
    assert (kept.version, kept.accepted_at is not None) == (consents.VERSION, True)
    assert start(owner.client) == 302
    assert "Read and accept" not in owner.client.get(TOOL).content.decode()


def test_another_text_is_asked_for_again(owner: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    owner.client.post("/dashboard/google")
    monkeypatch.setattr(consents, "VERSION", "2027-01")

    assert start(owner.client) == 422


def test_what_stays_here_or_has_no_picture_needs_none(owner: Merchant, settings: object) -> None:
    ledger.add_package(owner.account.pk, 500, "pkg")

    assert start(owner.client, "background-removal", resolution="") == 302
    assert start(owner.client, "nano-banana-t2i", image="", prompt="A mug") == 302
    settings.GOOGLE_GEMINI_BASE_URL = "http://127.0.0.1:9000"  # type: ignore[attr-defined]
    assert start(owner.client) == 302


def test_another_accounts_acceptance_does_not_count(owner: Merchant, second_shop: Merchant) -> None:
    second_shop.client.post("/dashboard/google")

    assert start(owner.client) == 422


def test_the_notice_leads_to_tools_alone(owner: Merchant) -> None:
    answer = owner.client.post("/dashboard/google", {"next": "//evil.example"})

    assert answer["Location"] == "/dashboard/tools"


def test_it_is_forgotten_with_the_store(owner: Merchant) -> None:
    owner.client.post("/dashboard/google")

    account_erased.send(sender=None, account_id=owner.account.pk)

    assert not ProviderConsent.objects.exists()
