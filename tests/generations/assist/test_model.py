"""The assistant with Google's model: functions called, figures from this account, failures said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from credits import ledger
from generations import engine_setup, products
from generations.assist import answers
from generations.assist.events import Delta
from generations.engines.fake_google.server import FakeGoogleServer
from generations.engines.google import chat
from generations.engines.google.errors import MESSAGES
from generations.models import (
    ChatMessage,
    Conversation,
    EngineDay,
    EngineHealth,
    EngineSwitch,
    StaffNotice,
    UsagePrice,
)
from generations.runs import consents
from tests.generations.assist.talk import ask, of_kind, text_of
from tests.merchants import ApiMerchant, open_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def google(settings: Any) -> Iterator[Any]:
    server = FakeGoogleServer()
    server.start()
    settings.GEMINI_API_KEY = "a-key"
    settings.GOOGLE_GEMINI_BASE_URL = server.base_url
    settings.GOOGLE_MODELS = {"text_seconds": 20.0}
    settings.PRODUCT_SOURCE = "tests.generations.mug_store.OneMug"
    products._source.cache_clear()
    yield server
    products._source.cache_clear()
    server.stop()


@pytest.fixture
def olivia() -> ApiMerchant:
    return open_store("olivia.myshopify.com")


def calls(name: str, **arguments: Any) -> str:
    """A question that makes the fake model call a function."""
    return f"[[fake:call={name}]] {json.dumps(arguments)}"


def test_it_goes_to_google_where_credentials_are_set(google: Any, olivia: ApiMerchant) -> None:
    (tool,) = [t for t in olivia.get("tools").json()["tools"] if t["slug"] == "chat-assistant"]
    assert (tool["engine"], tool["label"], tool["available"]) == ("google", "real", True)
    events = ask(olivia, "Good day")
    assert "Good day" in text_of(events)
    assert events[-1][0] == "done"
    assert ChatMessage.objects.get(role="assistant").engine == "google"


def test_a_function_is_answered_from_this_account(google: Any, olivia: ApiMerchant) -> None:
    ledger.add_package(olivia.account.pk, 33, "package")
    ledger.add_package(open_store("sam.myshopify.com").account.pk, 777, "package")
    events = ask(olivia, calls("read_balance"))
    assert '"package": 33' in text_of(events)
    assert "777" not in text_of(events)
    assert of_kind(events, "source") == [{"kind": "balance", "reference": ""}]
    assert google.state.counts()["text"] == 2


def test_the_model_cannot_name_another_account(google: Any, olivia: ApiMerchant) -> None:
    events = ask(olivia, calls("read_balance", account_id=olivia.account.pk + 1))
    assert "Arguments that do not fit: account_id." in text_of(events)


def test_a_draft_of_the_models_is_a_card_with_its_price(google: Any, olivia: ApiMerchant) -> None:
    before = olivia.holdings
    wish = {"tool": "nano-banana-t2i", "resolution": "4K", "prompt": "A red mug"}
    events = ask(olivia, calls("propose_run", **wish))
    (draft,) = of_kind(events, "draft")
    assert {name: draft[name] for name in wish} == wish
    assert draft["quote"]["credits"] == 100
    assert olivia.holdings == before


def test_it_is_told_the_closed_list_and_that_others_words_are_data(
    google: Any, olivia: ApiMerchant
) -> None:
    ask(olivia, "hello")
    body = google.state.requests[0]["body"]
    (tools,) = body["tools"]
    names = {one["name"] for one in tools["functionDeclarations"]}
    assert {"read_balance", "explain_charge", "propose_run"} <= names
    assert len(names) == 11
    system = json.dumps(body["systemInstruction"])
    assert "written by others too" in system
    assert "<merchant_request>" in json.dumps(body["contents"], ensure_ascii=False)


def test_what_was_said_before_comes_along(google: Any, olivia: ApiMerchant) -> None:
    (done,) = of_kind(ask(olivia, "My first words"), "done")
    ask(olivia, "And now?", done["conversation"])
    turns = google.state.requests[0]["body"]["contents"]
    assert [turn["role"] for turn in turns] == ["user", "model", "user"]
    assert "My first words" in json.dumps(turns[0])


def test_what_it_costs_the_operator_counts_towards_the_cap(
    google: Any, olivia: ApiMerchant
) -> None:
    UsagePrice.objects.update_or_create(
        engine="google",
        model="gemini-3.8-flash",
        unit="candidates_token_count",
        defaults={"micro_usd": 10, "as_of": "2026-11-27"},
    )
    before = sum(EngineDay.objects.values_list("spent", flat=True))
    UsagePrice.objects.exclude(unit="candidates_token_count").delete()
    ask(olivia, calls("read_balance"))
    assert EngineDay.objects.get(engine="google").spent - before == 2 * 120 * 10
    EngineSwitch.objects.update_or_create(engine="google", tool="", defaults={"daily_cap": "0.001"})
    refused = olivia.post("assist", {"message": "hello"}, key=None)
    assert (refused.status_code, refused.json()["error"]) == (422, "tool_unavailable")
    assert "limit for today" in refused.json()["message"]


@pytest.fixture
def price() -> int:
    """A token of an answer costs ten millionths of a USD, everything else nothing."""
    UsagePrice.objects.all().delete()
    UsagePrice.objects.create(
        engine="google", model="gemini-3.8-flash", unit="candidates_token_count", micro_usd=10,
        as_of="2026-11-27",
    )  # fmt: skip
    return 10


def spent() -> int:
    return sum(EngineDay.objects.filter(engine="google").values_list("spent", flat=True))


@pytest.mark.parametrize("pieces", [1, 2])
def test_an_answer_that_is_stopped_counts_towards_the_cap(
    google: Any, olivia: ApiMerchant, price: int, pieces: int
) -> None:
    answer = answers.ask(olivia.account, None, "", "Tell me a long story", timezone.now())
    for _piece in range(pieces):
        assert isinstance(next(answer.events), Delta)

    answer.events.close()

    assert spent() == 120 * price
    assert ChatMessage.objects.get(role="assistant").state == "stopped"


def test_stopped_after_a_look_up_both_requests_count(
    google: Any, olivia: ApiMerchant, price: int
) -> None:
    text = calls("read_balance")
    answer = answers.ask(olivia.account, None, "", text, timezone.now())
    while not isinstance(next(answer.events), Delta):
        pass

    answer.events.close()

    assert google.state.counts()["text"] == 2
    assert spent() == 2 * 120 * price


@pytest.mark.parametrize("marker", ["stream-cut", "stream-error", "stream-safety"])
def test_an_answer_that_breaks_off_counts_towards_the_cap(
    google: Any, olivia: ApiMerchant, price: int, marker: str
) -> None:
    events = ask(olivia, f"Hello [[fake:{marker}]]")
    assert events[-1][0] == "error"
    assert text_of(events)
    assert spent() == 120 * price


def test_without_googles_count_an_answer_is_estimated(
    google: Any, olivia: ApiMerchant, price: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "usage_of", lambda _chunk: {})
    text = text_of(ask(olivia, "Hello [[fake:stream-cut]]"))
    assert spent() == len(text) // 4 * price > 0


@pytest.mark.parametrize("marker", ["503", "400-key"])
def test_what_google_refuses_at_the_door_costs_nothing(
    google: Any, olivia: ApiMerchant, price: int, marker: str
) -> None:
    assert ask(olivia, f"Hello [[fake:{marker}]]")[-1][0] == "error"
    assert spent() == 0


def test_staff_see_what_an_answer_failed_by(google: Any, olivia: ApiMerchant) -> None:
    ask(olivia, "Hello [[fake:429]]")
    ask(olivia, "Hello [[fake:stream-safety]]")

    standing = EngineHealth.objects.get(engine="google", tool="chat-assistant")
    assert standing.last_error == MESSAGES["quota"]
    assert standing.paused_at is None
    setup = engine_setup.read()
    assert setup.quota_refused_at == standing.last_error_at
    told = engine_setup.read_tools()["chat-assistant"]
    assert (told.last_error, told.last_error_at) == (MESSAGES["quota"], standing.last_error_at)


def test_staff_are_told_when_an_answer_meets_what_they_have_to_mend(
    google: Any, olivia: ApiMerchant
) -> None:
    ask(olivia, "Hello [[fake:400-key]]")

    assert "chat-assistant at google" in StaffNotice.objects.get().text


def test_it_may_not_look_things_up_for_ever(google: Any, olivia: ApiMerchant) -> None:
    events = ask(olivia, "[[fake:call-again=read_balance]]")
    assert events[-1][0] == "done"
    assert google.state.counts()["text"] == 7


@pytest.mark.parametrize(
    "marker", ["stream-cut", "stream-error", "stream-safety", "block", "503", "400-key", "html"]
)
def test_what_goes_wrong_ends_the_answer_with_a_sentence(
    google: Any, olivia: ApiMerchant, marker: str
) -> None:
    events = ask(olivia, f"Hello [[fake:{marker}]]")
    name, data = events[-1]
    assert (name, data["error"]) == ("error", "provider_error")
    assert "Ask again" in data["message"]
    kept = ChatMessage.objects.get(role="assistant")
    assert (kept.state, kept.text) == ("failed", text_of(events))


def test_the_notice_is_accepted_first(
    google: Any, olivia: ApiMerchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consents, "_stays_here", lambda: False)
    refused = olivia.post("assist", {"message": "hello"}, key=None)
    assert (refused.status_code, refused.json()["error"]) == (403, "consent_required")
    assert not Conversation.objects.exists()
    assert not google.state.counts()["text"]
    consents.accept(olivia.account.pk, None)
    assert ask(olivia, "hello")[-1][0] == "done"
