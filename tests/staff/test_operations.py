"""What staff read of engines on the operations page, and what the page keeps to itself."""

from __future__ import annotations

import dataclasses
import html
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from generations import catalog
from generations.engines.google.errors import MESSAGES
from generations.engines.local import weights
from generations.models import EngineDay, EngineHealth, EngineSwitch, Generation
from tests.merchants import Merchant

pytestmark = pytest.mark.django_db
SECRET = "AIza-a-key-of-nobody-0123456789"


def read(chief: Client) -> str:
    """The page's words, with one space between them."""
    page = chief.get("/staff/operations/")
    assert page.status_code == 200
    return " ".join(html.unescape(page.text).split())


def fail(merchant: Merchant, tool: str, error: str, *, minutes: int = 5, **fields: Any) -> None:
    """A run that failed so many minutes ago."""
    now = timezone.now() - timedelta(minutes=minutes)
    Generation.objects.create(
        account=merchant.account, key=f"{tool}{error}{minutes}", tool=tool, price=0, surface="web",
        enqueued_at=now, created_at=now, started_at=now, finished_at=now, state="failed",
        error=error, **{"outcome": "provider_error", "engine": "google"} | fields,
    )  # fmt: skip


def test_says_whether_keys_are_set_and_never_any_part_of_them(chief: Client, settings: Any) -> None:
    settings.GEMINI_API_KEY, settings.GOOGLE_CLOUD_PROJECT = SECRET, ""
    page = read(chief)
    assert "GEMINI_API_KEY: set" in page
    assert "GOOGLE_CLOUD_PROJECT: not set" in page
    parts = {SECRET[at : at + 6] for at in range(len(SECRET) - 5)}
    assert not [part for part in parts if part in page]

    settings.GEMINI_API_KEY = ""
    assert "GEMINI_API_KEY: not set" in read(chief)


@pytest.mark.parametrize(
    ("key", "project", "unused"),
    [
        ("a-key", "", ["veo"]),
        ("", "a-project", ["omni"]),
        ("", "", ["image", "text", "veo", "omni"]),
    ],
)
def test_names_the_model_of_each_use(
    chief: Client, settings: Any, key: str, project: str, unused: list[str]
) -> None:
    settings.GEMINI_API_KEY, settings.GOOGLE_CLOUD_PROJECT = key, project
    names = ("image", "text", "veo", "omni")
    settings.GOOGLE_MODELS = {f"{name}_model": f"the-{name}-model" for name in names}
    page = read(chief)
    for use, name in zip(
        ("pictures", "texts", "videos by Google Cloud", "videos by API key"), names, strict=True
    ):
        assert f"{use}: the-{name}-model" in page
        after = page.split(f": the-{name}-model", 1)[1][:60]
        assert ("not in use" in after.split("</dd>")[0]) == (name in unused)


def test_tells_the_days_spending_the_cap_and_the_last_quota_error(
    chief: Client, owner: Merchant
) -> None:
    assert "google: 0.00 USD today, no cap" in read(chief)
    assert "no quota error in 30 days" in read(chief)

    EngineDay.objects.create(engine="google", day=timezone.now().date(), spent=2_340_000)
    EngineSwitch.objects.create(engine="google", daily_cap=25)
    fail(owner, "veo-t2v", MESSAGES["quota"], minutes=40, outcome="platform_error")
    fail(owner, "veo-t2v", MESSAGES["unavailable"], minutes=2)
    page = read(chief)
    assert "google: 2.34 of 25.00 USD today" in page
    assert "last quota error 40\xa0minutes ago" in chief.get("/staff/operations/").text


def test_names_the_weights_their_size_and_whether_they_are_genuine(
    chief: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = chief.get("/staff/operations/").text
    assert all(known.name in page for known in weights.ALL)
    assert page.count("SHA-256 verified") == len(weights.ALL)
    assert f"{weights.U2NETP.path.stat().st_size / 1024 / 1024:.1f}\xa0MB" in page

    @dataclasses.dataclass(frozen=True)
    class Elsewhere(weights.Weights):
        @property
        def path(self) -> Path:
            return tmp_path / self.name

    (tmp_path / "changed.onnx").write_bytes(b"another network")
    monkeypatch.setattr(
        weights, "ALL", (Elsewhere("changed.onnx", "0" * 64), Elsewhere("gone.onnx", "0" * 64))
    )
    page = chief.get("/staff/operations/").text
    assert "SHA-256 verified" not in page
    assert page.count("SHA-256 is wrong") == 2


def test_each_tool_has_its_engine_its_times_its_failures_and_its_last_error(
    chief: Client, owner: Merchant
) -> None:
    fail(owner, "background-removal", "It broke first.", minutes=9, engine="local")
    fail(
        owner, "background-removal", "It broke last.", minutes=3, engine="local",
        outcome="platform_error",
    )  # fmt: skip
    now = timezone.now()
    for number in (4, 8):
        Generation.objects.create(
            account=owner.account, key=f"k{number}", tool="background-removal", price=0,
            surface="web", enqueued_at=now, created_at=now, finished_at=now, state="succeeded",
            outcome="delivered", started_at=now - timedelta(seconds=number), engine="local",
        )  # fmt: skip
    name = catalog.TOOLS["background-removal"].name
    row = read(chief).split(f'<th scope="row">{name}</th>')[1].split("</tr>")[0]
    assert "local" in row
    assert ">6.0<" in row
    assert ">7.6<" in row
    assert "platform_error 1, provider_error 1" in row
    assert "It broke last. " in row
    assert "It broke first." not in row


def test_a_paused_engine_says_what_has_to_be_mended(chief: Client) -> None:
    EngineHealth.objects.create(
        engine="google", tool="veo-t2v", paused_at=timezone.now(), fault="Renew the key."
    )
    assert "Renew the key." in read(chief)
