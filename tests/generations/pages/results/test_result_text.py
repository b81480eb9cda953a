"""A description from the button to the page: 20 credits, the text, and what the data does not say."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse

from credits.models import LedgerEntry
from generations import products, tasks
from generations.engines import registry
from generations.engines.base import Output, Result
from generations.models import Generation
from tests.generations.engine import Engine
from tests.generations.mug_store import OneMug, upload
from tests.merchants import Merchant
from tests.page_reading import every, one, read_page, words

TOOL = "description-generator"
PAGE = f"/dashboard/tools/{TOOL}"
CHOSEN = f"{OneMug.mug.id} 7"


class ToldMug(OneMug):
    """A store that says more about its mug than its title."""

    def read_data(self, account_id: int, product_id: str) -> dict[str, object]:
        return {"title": "Enamel mug", "vendor": "Hus", "description_html": "<p>Holds 300 ml.</p>"}


@pytest.fixture(autouse=True)
def told_store(store: None, settings: Any) -> None:
    settings.PRODUCT_SOURCE = "tests.generations.pages.results.test_result_text.ToldMug"
    products._source.cache_clear()


def press(owner: Merchant, **data: object) -> HttpResponse:
    form = {"key": "k1"} | data
    return owner.client.post(PAGE, form, headers={"HX-Request": "true"})  # type: ignore[return-value]


def finished() -> Generation:
    run = Generation.objects.get()
    tasks.run(generation_id=str(run.pk))
    run.refresh_from_db()
    assert run.state == "succeeded"
    return run


def page_of(owner: Merchant, run: Generation) -> Any:
    return read_page(owner.client.get(f"/dashboard/runs/{run.pk}"))


def test_a_description_costs_20_credits_and_stands_on_its_page(owner: Merchant) -> None:
    press(owner, photo=CHOSEN)
    run = finished()
    spend = LedgerEntry.objects.get(kind="spend")
    assert (spend.credits, spend.tool, run.spend_id) == (-20, TOOL, spend.pk)
    assert (run.model, run.label) == ("template draft", "real")
    page = page_of(owner, run)
    article = words(one(page, "article"))
    assert "Enamel mug from Hus. Holds 300 ml." in article
    assert "Enamel mug | Hus" in article
    assert "not in your product data" not in words(one(page, "main"))


def test_what_an_engine_made_up_is_named_and_its_html_is_cleaned(
    owner: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine()
    html = "<p>Holds <em>900 ml</em>.</p><script>alert(1)</script><p onclick='x()'>Silk.</p>"
    text = {"title": "Enamel mug", "description_html": html, "bullets": ["100 % organic"]}
    output = Output("text", media_type="application/json", text=text)
    engine.result = Result((output,), "local", "test-model", "real")
    monkeypatch.setattr(registry, "LOCAL", {TOOL: engine})
    press(owner, photo=CHOSEN)
    run = finished()
    response = owner.client.get(f"/dashboard/runs/{run.pk}")
    page = read_page(response)
    assert "not in your product data: 900 ml, Silk, 100 % organic" in words(one(page, "main"))
    assert "alert(1)" not in response.content.decode()
    assert "onclick" not in response.content.decode()
    assert "900 ml" in [words(found) for found in every(page, "em")]


@pytest.mark.parametrize(
    "given",
    [{}, {"prompt": "Mug", "option-language": "de"}],
    ids=["nothing known", "another language"],
)
def test_what_cannot_be_written_is_refused_before_it_is_charged(
    owner: Merchant, given: dict[str, str]
) -> None:
    answer = press(owner, image=upload(), **given)
    assert answer.status_code == 422
    assert not Generation.objects.exists()
    assert not LedgerEntry.objects.filter(kind="spend").exists()


def test_a_picture_of_ones_own_is_written_about_from_what_is_typed(owner: Merchant) -> None:
    press(owner, image=upload(), prompt="Tin cup\nHolds 200 ml")
    article = words(one(page_of(owner, finished()), "article"))
    assert "Tin cup" in article
    assert "Holds 200 ml" in article


APRON = {
    "option-product_title": "Linen apron",
    "option-product_type": "Aprons",
    "option-product_vendor": "Nordlys",
    "option-product_options": "Size: S, M",
    "option-product_tags": "kitchen",
    "option-product_description": "Washes at 60 °C. 100 % organic cotton.",
    "option-product_alt_texts": "A sand apron on a hook",
}


def test_each_field_that_is_typed_in_is_data_and_none_of_it_is_marked(owner: Merchant) -> None:
    press(owner, **APRON, prompt="Weight: 240 g", **{"option-template": "technical"})
    run = finished()
    assert run.product_title == "Linen apron"
    page = page_of(owner, run)
    article = words(one(page, "article"))
    for said in ("Linen apron", "Aprons", "Nordlys", "S, M", "60 °C", "240 g", "on a hook"):
        assert said in article
    assert "100 % organic cotton" in article
    assert "not in your product data" not in words(one(page, "main"))
    # What is typed in as the present description is compared as a store's is.
    assert "Compare with the present description" in words(one(page, "main"))


@pytest.mark.parametrize("name", [name for name in APRON if name != "option-product_tags"])
def test_what_stands_in_no_field_any_more_is_marked(
    owner: Merchant, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    claim = "Recycled wool, 77 cm."
    given = APRON | {name: f"{APRON[name]}, {claim}"}
    engine = Engine()
    text = {"title": "Linen apron", "description_html": f"<p>{claim}</p>", "bullets": []}
    output = Output("text", media_type="application/json", text=text)
    engine.result = Result((output,), "local", "test-model", "real")
    monkeypatch.setattr(registry, "LOCAL", {TOOL: engine})
    press(owner, **given)
    said_so = finished()
    assert "not in your product data" not in words(one(page_of(owner, said_so), "main"))
    Generation.objects.all().delete()
    press(owner, **APRON, key="k2")
    assert "77 cm" in words(one(page_of(owner, finished()), class_="note--warning"))


def test_a_field_that_is_typed_in_stands_instead_of_the_stores(owner: Merchant) -> None:
    press(owner, photo=CHOSEN, **{"option-product_vendor": "Nordlys"})
    run = finished()
    article = words(one(page_of(owner, run), "article"))
    assert "Enamel mug from Nordlys. Holds 300 ml." in article
    assert "Hus" not in article


def test_the_form_shows_the_fields_open_where_there_is_no_store(
    owner: Merchant, settings: Any
) -> None:
    def is_open() -> bool:
        fields = one(read_page(owner.client.get(PAGE)), "details", class_="product-data")
        return "open" in dict(fields.attributes)

    assert not is_open()
    settings.PRODUCT_SOURCE = "tests.generations.mug_store.ClosedStore"
    products._source.cache_clear()
    assert is_open()
