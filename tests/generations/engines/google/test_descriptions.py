"""Descriptions by Google: fitted to a store, nothing invented unmarked, other languages only there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from generations.engines import routing
from generations.engines.fake_google import generate
from generations.models import Generation, Picture
from generations.options import OptionRefused
from generations.runs import quote, worker
from generations.runs.request import Order, Requester, place
from tests.merchants import Merchant
from tests.page_reading import one, read_page, words

pytestmark = pytest.mark.django_db
TOOL = "description-generator"
TYPED = "Tin cup\nHolds 200 ml"
ANSWER = {
    "title": "Tin cup",
    "description_html": "<p>Holds 200 ml.</p><p>Pure silk.</p><script>x</script><p>Cheap.</p>",
    "bullets": ["Holds 900 ml", "Cheap to buy"],
    "meta_title": "Tin cup " * 20,
    "meta_description": "Holds 200 ml. Cheap. " + "Good. " * 60,
    "alt_texts": ["A tin cup"],
}


@pytest.fixture
def google(fake: Any, settings: Any) -> Any:
    settings.GEMINI_API_KEY = "a-key"
    settings.GOOGLE_GEMINI_BASE_URL = fake.base_url
    settings.GOOGLE_MODELS = {"text_seconds": 20.0}
    return fake


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model says what tempts it."""
    monkeypatch.setattr(generate, "_text", lambda *_given: json.dumps(ANSWER))


def written(merchant: Merchant, prompt: str = TYPED, **options: object) -> Generation:
    requester = Requester(merchant.account.pk, merchant.person.pk, "web")
    run, _created = place(requester, Order(TOOL, prompt=prompt, options=options), "key")
    worker.run(str(run.pk))
    run.refresh_from_db()
    return run


def text_of(run: Generation) -> dict[str, Any]:
    return run.pictures.get(role=Picture.Role.OUTPUT).text  # type: ignore[return-value]


def page_of(merchant: Merchant, run: Generation) -> str:
    return words(one(read_page(merchant.client.get(f"/dashboard/runs/{run.pk}")), "main"))


def test_it_goes_to_google_where_credentials_are_set(google: Any, owner: Merchant) -> None:
    run = written(owner)
    assert (run.state, run.engine, run.label, run.price) == ("succeeded", "google", "real", 20)
    assert google.state.counts()["text"] == 1
    assert set(text_of(run)) == set(ANSWER)


def test_the_answer_is_fitted_to_the_store(google: Any, answer: None, owner: Merchant) -> None:
    text = text_of(written(owner, avoid="cheap"))
    assert text["description_html"] == "<p>Holds 200 ml.</p><p>Pure silk.</p>"
    assert text["bullets"] == ["Holds 900 ml"]
    assert len(text["meta_title"]) <= 70
    assert len(text["meta_description"]) <= 160
    assert "Cheap" not in text["meta_description"]


def test_what_it_made_up_is_marked(google: Any, answer: None, owner: Merchant) -> None:
    page = page_of(owner, written(owner))
    assert "not in your product data: Silk, 900 ml" in page.replace("silk", "Silk")
    assert "Checked for figures only" not in page


def test_in_another_language_figures_alone_are_checked(
    google: Any, answer: None, owner: Merchant
) -> None:
    page = page_of(owner, written(owner, language="de"))
    assert "not in your product data: 900 ml" in page
    assert "Checked for figures only" in page


def test_the_model_is_told_the_language_and_the_facts(google: Any, owner: Merchant) -> None:
    written(owner, language="de", tone="warm")
    (call,) = google.state.calls()
    assert "language: Deutsch (de)" in call.prompt
    assert "Holds 200 ml" in call.prompt


def test_what_is_typed_in_by_fields_is_told_once_and_as_data(google: Any, owner: Merchant) -> None:
    run = written(owner, "", product_title="Linen apron", product_options="Size: S, M")
    (call,) = google.state.calls()
    data = call.prompt.split("<product_data>")[1].split("</product_data>")[0]
    assert '"title": "Linen apron"' in data
    assert '"values": ["S", "M"]' in data
    assert "product_title" not in call.prompt
    assert text_of(run)["title"] == "Linen apron"


@pytest.mark.parametrize(
    ("marker", "outcome"),
    [("bad-structure", "provider_error"), ("block", "content_policy"), ("504", "timeout")],
)
def test_what_goes_wrong_is_ruled_by_the_outcome_table(
    google: Any, owner: Merchant, marker: str, outcome: str
) -> None:
    run = written(owner, f"{TYPED} [[fake:{marker}]]")
    for _again in range(2):
        worker.run(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.outcome) == ("failed", outcome)


def test_on_this_machine_it_is_english_and_another_language_is_refused(owner: Merchant) -> None:
    assert routing.engine_name(TOOL) == "local"
    with pytest.raises(OptionRefused) as refused:
        quote.check(Order(TOOL, prompt=TYPED, options={"language": "de"}))
    assert refused.value.field == "options.language"
    page = owner.client.get(f"/dashboard/tools/{TOOL}").content.decode()
    assert "Deutsch" not in page


def test_with_google_the_form_offers_languages(google: Any, owner: Merchant) -> None:
    assert "Deutsch" in owner.client.get(f"/dashboard/tools/{TOOL}").content.decode()
