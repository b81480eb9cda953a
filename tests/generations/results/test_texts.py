"""A written result, changed by hand: kept with the run, shown, downloaded, and free."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from credits.models import LedgerEntry
from generations import products, tasks
from generations.models import Generation, Picture
from tests.generations.mug_store import OneMug, upload
from tests.merchants import Merchant, make_merchant
from tests.page_reading import attribute, every, one, read_page, words
from tests.products import Product

TOOL = "description-generator"
PARTS = {
    "title": "Enamel mug",
    "description_html": "<p>Holds a lot.</p><script>alert(1)</script>",
    "bullets": "Made of tin\r\n\r\nFor tea",
    "meta_title": "Enamel mug",
    "meta_description": "A mug.",
    "alt_texts": "A mug on a shelf",
}


class BareMug(OneMug):
    """A store whose one product has a description and no photo."""

    mug = Product("gid://shopify/Product/1", "Enamel mug", ())

    def read_data(self, account_id: int, product_id: str) -> dict[str, object]:
        return {"title": "Enamel mug", "description_html": "<p>An <b>old</b> text.</p>"}


@pytest.fixture(autouse=True)
def bare_store(store: None, settings: Any) -> None:
    settings.PRODUCT_SOURCE = "tests.generations.results.test_texts.BareMug"
    products._source.cache_clear()


@pytest.fixture
def run(owner: Merchant) -> Generation:
    form = {"key": "k1", "photo": BareMug.mug.id}
    owner.client.post(f"/dashboard/tools/{TOOL}", form)
    run = Generation.objects.get()
    tasks.run(generation_id=str(run.pk))
    return run


def edit(client: Client, run: Generation, **parts: str) -> HttpResponse:
    address = f"/dashboard/runs/{run.pk}/text?part=page"
    return client.post(address, PARTS | parts, headers={"HX-Request": "true"})  # type: ignore[return-value]


def text_of(run: Generation) -> Picture:
    return run.pictures.get(role=Picture.Role.OUTPUT)


def page_of(owner: Merchant, run: Generation) -> Any:
    return read_page(owner.client.get(f"/dashboard/runs/{run.pk}"))


def test_a_product_without_a_photo_is_offered_and_written_about(
    owner: Merchant, run: Generation
) -> None:
    page = read_page(owner.client.get(f"/dashboard/tools/{TOOL}"))
    assert BareMug.mug.id in [attribute(found, "value") for found in every(page, "input")]
    assert "old text" in words(one(page_of(owner, run), "article"))


def test_changes_are_shown_kept_and_free(owner: Merchant, run: Generation) -> None:
    before = LedgerEntry.objects.count()
    assert edit(owner.client, run).status_code == 200
    article = words(one(page_of(owner, run), "article"))
    assert "Holds a lot." in article
    assert "Made of tin For tea" in article
    assert LedgerEntry.objects.count() == before
    text = text_of(run)
    assert text.words == {
        "title": "Enamel mug",
        "description_html": "<p>Holds a lot.</p>",
        "bullets": ["Made of tin", "For tea"],
        "meta_title": "Enamel mug",
        "meta_description": "A mug.",
        "alt_texts": ["A mug on a shelf"],
    }
    assert text.text != text.words


def test_what_is_changed_is_checked_for_inventions_too(owner: Merchant, run: Generation) -> None:
    edit(owner.client, run, description_html="<p>Pure silk, 900 ml.</p>")
    assert "not in your product data: silk, 900 ml" in words(
        one(page_of(owner, run), "main")
    ).replace("Silk", "silk")


def test_changes_can_be_undone(owner: Merchant, run: Generation) -> None:
    edit(owner.client, run)
    edit(owner.client, run, undo="1")
    assert text_of(run).words == text_of(run).text
    assert "Holds a lot." not in words(one(page_of(owner, run), "article"))


def test_the_present_description_is_compared_word_by_word(owner: Merchant, run: Generation) -> None:
    edit(owner.client, run, description_html="<p>An honest text.</p>")
    page = page_of(owner, run)
    assert [words(found) for found in every(page, "del")] == ["old"]
    assert [words(found) for found in every(page, "ins")] == ["honest"]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("title", " "),
        ("title", "x" * 256),
        ("description_html", "<p></p>"),
        ("meta_title", "x" * 71),
        ("meta_description", "x" * 161),
        ("bullets", "\n".join("x" * 51)),
        ("alt_texts", "a\x07b"),
    ],
)
def test_what_a_store_would_not_take_is_refused(
    owner: Merchant, run: Generation, part: str, value: str
) -> None:
    answer = edit(owner.client, run, **{part: value})
    assert answer.status_code == 422
    assert answer["HX-Retarget"] == f"#text-errors-{run.pk}"
    assert text_of(run).edited is None


def test_without_scripts_a_refusal_is_a_page(owner: Merchant, run: Generation) -> None:
    answer = owner.client.post(f"/dashboard/runs/{run.pk}/text", PARTS | {"title": ""})
    assert answer.status_code == 422
    assert "this cannot be empty" in answer.content.decode()


def test_nobody_elses_text_can_be_changed(owner: Merchant, run: Generation) -> None:
    stranger = make_merchant("Stranger")
    assert edit(stranger.client, run).status_code == 404
    assert text_of(run).edited is None


def test_a_run_without_a_text_has_none_to_change(owner: Merchant, sent_jobs: list[str]) -> None:
    form = {"key": "k2", "image": upload()}
    owner.client.post("/dashboard/tools/background-removal", form)
    assert edit(owner.client, Generation.objects.get()).status_code == 409


def test_the_download_is_the_text_as_it_stands(
    owner: Merchant, client: Client, run: Generation
) -> None:
    edit(owner.client, run)
    link = next(
        attribute(found, "href")
        for found in every(page_of(owner, run), "a")
        if attribute(found, "href").startswith("/files/")
    )
    answer = client.get(link)
    content = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert 'filename="enamel-mug-description-generator.txt"' in answer["Content-Disposition"]
    assert "Description (HTML)\n<p>Holds a lot.</p>\n" in content
    assert "Bullet points\n- Made of tin\n- For tea\n" in content


def test_each_part_can_be_copied(owner: Merchant, run: Generation) -> None:
    edit(owner.client, run)
    page = page_of(owner, run)
    copied = [attribute(found, "data-copy") for found in every(page, "button")]
    assert "<p>Holds a lot.</p>" in copied
    assert "Made of tin\nFor tea" in copied
