"""What operators are told of engines: by the command and on the staff page."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from generations import catalog, engine_standing
from generations.engines import registry
from generations.engines.fake_google.server import FakeGoogleServer
from generations.models import EngineSwitch, Generation
from generations.runs import lifecycle
from tests.generations.engine import Engine, picture_result
from tests.generations.mug_store import ask
from tests.merchants import Merchant


@pytest.fixture(autouse=True)
def _engines(db: None, monkeypatch: pytest.MonkeyPatch, settings: object) -> None:
    monkeypatch.setattr(registry, "LOCAL", {"background-removal": Engine()})
    monkeypatch.setattr(registry, "GOOGLE", {"veo-t2v": Engine(name="google", long=True)})
    settings.GEMINI_API_KEY = settings.GOOGLE_CLOUD_PROJECT = ""  # type: ignore[attr-defined]
    settings.TOOL_ENGINES = {}  # type: ignore[attr-defined]


def told() -> str:
    out = io.StringIO()
    call_command("check_engines", stdout=out)
    return out.getvalue()


def test_lists_every_tool_with_what_runs_it() -> None:
    lines = told().splitlines()

    assert [line.split()[0] for line in lines] == list(catalog.TOOLS)
    assert "local   test-model, real" in lines[0]


def test_fails_when_a_routed_engine_cannot_run(settings: object) -> None:
    registry.LOCAL["background-removal"].reason = "Weights are missing."  # type: ignore[attr-defined]

    with pytest.raises(CommandError, match="1 tools cannot run"):
        told()


def test_fails_when_the_operator_named_an_engine_that_is_not_there(settings: object) -> None:
    settings.TOOL_ENGINES = {"background-removal": "google"}  # type: ignore[attr-defined]

    with pytest.raises(CommandError):
        told()


def test_a_tool_that_staff_switched_off_is_no_fault() -> None:
    EngineSwitch.objects.create(engine="local", is_on=False)

    assert "switched off" in told().splitlines()[0]


def test_says_how_long_runs_take_and_how_they_fail(owner: Merchant) -> None:
    for key in ("a", "b"):
        ask(owner.client, key)
    for run, failed in zip(Generation.objects.all(), (True, False), strict=True):
        started = lifecycle.start(str(run.pk))
        assert started is not None
        if failed:
            lifecycle.fail(started, "provider_error", "It failed.")
        else:
            lifecycle.succeed(started, picture_result())

    cut_out = engine_standing.read()[0]

    assert (cut_out.runs, cut_out.failures) == (1, {"provider_error": 1})
    assert cut_out.p50 is not None


def test_the_staff_page_shows_every_tool(admin_client: Client) -> None:
    page = admin_client.get("/staff/generations/enginehealth/").content.decode()

    assert all(tool.name in page for tool in catalog.TOOLS.values())


@pytest.fixture
def fake_google(settings: object) -> Iterator[FakeGoogleServer]:
    """Google's address is a stand-in's, with a key that it takes."""
    server = FakeGoogleServer()
    server.start()
    settings.GEMINI_API_KEY = "a-key"  # type: ignore[attr-defined]
    settings.GOOGLE_GEMINI_BASE_URL = server.base_url  # type: ignore[attr-defined]
    yield server
    server.stop()


def test_asks_google_for_its_models(fake_google: FakeGoogleServer, settings: Any) -> None:
    said = told()

    for name in ("image_model", "text_model", "omni_model"):
        assert settings.GOOGLE_MODELS[name] in said
    assert said.count("accepts our credentials") == 3
    assert len(fake_google.state.requests) == 3


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"GEMINI_API_KEY": "wrong"}, 3),
        ({"image_model": "gemini-retired"}, 1),
    ],
)
def test_fails_when_google_refuses_the_key_or_a_model(
    fake_google: FakeGoogleServer, settings: Any, changes: dict[str, str], refused: int
) -> None:
    for name, value in changes.items():
        if name.isupper():
            setattr(settings, name, value)
        else:
            settings.GOOGLE_MODELS = settings.GOOGLE_MODELS | {name: value}

    with pytest.raises(CommandError, match=f"Google refuses {refused} models"):
        told()


def test_without_credentials_nobody_is_asked() -> None:
    assert "Google" not in told()
