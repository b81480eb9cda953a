"""The pages that lead to a run: tools and their prices, a tool's products, the quick start."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.conf import settings
from PIL import Image

from credits import ledger
from generations import catalog, products
from generations.engines import registry
from generations.models import Generation
from generations.pages import tools_page
from shopify_auth.products import LISTED_PRODUCTS
from tests.generations.engine import Engine
from tests.generations.mug_store import TOOL, OneMug, ask
from tests.merchants import Merchant
from tests.page_reading import attribute, every, one, read_page, words
from tests.products import Photo, Product


class Mugs(OneMug):
    """A store that lists as many mugs as a source lists at most."""

    mugs: ClassVar = [
        Product(f"gid://shopify/Product/{n}", f"Mug {n}", (Photo(f"{n}1"), Photo(f"{n}2")))
        for n in range(products.MOST_LISTED - 1)
    ]
    lamp = Product(
        "gid://shopify/Product/99", "Lamp", (Photo("991", "Drawing of a lit lamp"), Photo("992"))
    )

    def list_products(self, account_id: int, search: str = "") -> list[Product]:
        listed = [*self.mugs, self.lamp]
        return [product for product in listed if search.lower() in product.title.lower()]


@pytest.fixture
def many_mugs(store: None, settings: object) -> None:
    settings.PRODUCT_SOURCE = f"{__name__}.Mugs"  # type: ignore[attr-defined]
    products._source.cache_clear()


def tiles(owner: Merchant, address: str) -> dict[str, str]:
    """What each tile of a page reads, by its tool's name."""
    found = list(every(read_page(owner.client.get(address)), "article"))
    named = {words(one(tile, "h3")): words(tile) for tile in found}
    assert len(named) == len(found)
    return named


def choices(owner: Merchant, **search: str) -> dict[str, str]:
    """The photos to choose from: what is sent, and what its label reads."""
    page = read_page(owner.client.get(TOOL, search))
    labels = every(page, "label", class_="choice--picture")
    return {attribute(one(label, "input"), "value"): words(label) for label in labels}


class TestTools:
    def test_every_tool_without_an_engine_says_that_it_is_not_there(
        self, owner: Merchant, engine: Engine
    ) -> None:
        shown = tiles(owner, "/dashboard/tools")

        assert len(shown) == len(catalog.TOOLS)
        sentences = ("This tool comes later.", "This tool is switched off for now.")
        missing = {name for name, text in shown.items() if any(s in text for s in sentences)}
        assert missing == set(shown) - {"Background Removal"}
        assert "4 s 400 · 6 s 600 · 8 s 800 credits" in shown["Veo 3.1 T2V"]

    def test_a_video_that_the_trial_can_never_pay_for_says_so(
        self, owner: Merchant, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(registry.LOCAL, "veo-t2v", engine)

        shown = tiles(owner, "/dashboard/tools")

        assert "Needs 400; the trial gives 100 a day." in shown["Veo 3.1 T2V"]


class TestToolsPage:
    def test_is_searched_by_words_and_by_goal(self, owner: Merchant, engine: Engine) -> None:
        assert list(tiles(owner, "/dashboard/tools?q=SHADOW+natural")) == ["AI Shadowing"]
        assert set(tiles(owner, "/dashboard/tools?goal=video")) == {
            "Product Reels", "Model Reels", "Veo 3.1 I2V", "Veo 3.1 T2V",
        }  # fmt: skip
        nothing = owner.client.get("/dashboard/tools?q=%3Csofa%3E").content.decode()
        assert "No tool is called “&lt;sofa&gt;”" in nothing

    def test_every_goal_names_tools_and_every_tool_a_goal(self) -> None:
        served = {slug for slugs in tools_page._SERVES.values() for slug in slugs}

        assert served == set(catalog.TOOLS)
        assert set(tools_page._SERVES) == set(tools_page.GOALS)

    def test_batches_are_shadows_alone_and_the_others_say_one_picture(
        self, owner: Merchant, engine: Engine
    ) -> None:
        shown = tiles(owner, "/dashboard/tools")

        assert [name for name, text in shown.items() if "Batch" in text] == ["AI Shadowing"]
        assert "Up to 14 products in one image, one result" in shown["Product Placement"]
        assert "You can run 5 now" in shown["Background Removal"]
        assert "about 5 s" in shown["Background Removal"]

    def test_what_the_balance_pays_for_stands_before_what_it_does_not(
        self, owner: Merchant
    ) -> None:
        ledger.spend(owner.account.pk, 75, "run")

        shown = tiles(owner, "/dashboard/tools?goal=clean")

        # One suite holds three of them; each suite is sorted for itself.
        assert "You can run 1 now" in shown["Background Removal"]
        assert "Needs 5 more credits" in shown["Object Removal"]
        assert "Needs 25 more credits" in shown["Image Enhance"]
        every_tool = list(tiles(owner, "/dashboard/tools?q=ecomAI").items())
        needs = ["Needs" in text for _name, text in every_tool]
        assert needs == sorted(needs)
        assert [name for name, text in every_tool if "You can run" in text] == [
            "Background Removal", "Description Generator",
        ]  # fmt: skip

    def test_a_google_key_is_named_only_where_it_would_bring_more(
        self, owner: Merchant, settings: Any
    ) -> None:
        shown = tiles(owner, "/dashboard/tools")
        coming = {name for name, text in shown.items() if "Google key" in text}
        assert {"Product Try-On", "Veo 3.1 T2V", "AI Backgrounds"} <= coming
        assert not {"Background Removal", "Image Enhance", "AI Shadowing"} & coming

        settings.GEMINI_API_KEY = "a-key"
        shown = tiles(owner, "/dashboard/tools")
        assert not any("Google key" in text for text in shown.values())

    @pytest.mark.parametrize("slug", tools_page.EXAMPLES)
    def test_examples_are_there_and_small(self, slug: str) -> None:
        for side in ("before", "after"):
            path = Path(settings.BASE_DIR) / "static" / tools_page.example_file(slug, side)
            with Image.open(path) as image:
                assert (image.format, image.size) == ("WEBP", (320, 240))
            assert path.stat().st_size < 30_000


class TestQuickStart:
    def test_the_tools_used_most_come_first(
        self, owner: Merchant, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for slug in ("object-removal", "image-enhance", "product-placement", "ai-shadowing"):
            monkeypatch.setitem(registry.LOCAL, slug, engine)
        ledger.add_package(owner.account.pk, 1000, "package")
        for number, tool in enumerate(["image-enhance"] * 3 + ["ai-shadowing"] * 2):
            ledger.spend(owner.account.pk, 50, f"spend-{number}", tool=tool)

        assert list(tiles(owner, "/dashboard/")) == [
            "Image Enhance", "AI Shadowing", "Background Removal", "Object Removal",
        ]  # fmt: skip

    def test_a_tool_that_cannot_be_paid_says_what_is_missing(
        self, owner: Merchant, engine: Engine
    ) -> None:
        ledger.spend(owner.account.pk, 81, "most", tool="background-removal")

        shown = tiles(owner, "/dashboard/")

        assert "Needs 1 more credit." in shown["Background Removal"]


@pytest.mark.usefixtures("many_mugs")
class TestProducts:
    def test_are_found_by_their_title(self, owner: Merchant, engine: Engine) -> None:
        found = choices(owner, search=" lamp ")

        assert list(found) == ["gid://shopify/Product/99 991", "gid://shopify/Product/99 992"]

    def test_that_nobody_has_are_said_to_be_missing(self, owner: Merchant, engine: Engine) -> None:
        page = owner.client.get(TOOL, {"search": "<sofa>"}).content.decode()

        assert "No product has “&lt;sofa&gt;” in its title." in page
        assert 'value="&lt;sofa&gt;"' in page
        assert not choices(owner, search="<sofa>")

    def test_beyond_the_first_are_said_to_need_a_search(
        self, owner: Merchant, engine: Engine
    ) -> None:
        told = "The first 30 products are shown. Search for the others by their titles."

        assert told in words(read_page(owner.client.get(TOOL)))
        assert told not in words(read_page(owner.client.get(TOOL, {"search": "lamp"})))
        assert products.MOST_LISTED == LISTED_PRODUCTS

    def test_photos_of_one_product_are_told_apart(self, owner: Merchant, engine: Engine) -> None:
        labels = choices(owner, search="lamp").values()

        assert list(labels) == ["Lamp Drawing of a lit lamp", "Lamp Photo 2"]


class TestAToolsForm:
    def test_offers_each_priced_choice(
        self, owner: Merchant, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(registry.LOCAL, "product-placement", engine)
        address = "/dashboard/tools/product-placement"

        page = owner.client.get(address).content.decode()

        choices = re.findall(r'name="resolution"\s+value="(\w+)"\s+data-price="(\d+)"', page)
        assert choices == [("1K", "50"), ("2K", "50"), ("4K", "100")]
        photo = "gid://shopify/Product/1 7"
        form = {"key": "k", "photo": photo, "resolution": "4K"}
        assert owner.client.post(address, form).status_code == 302
        assert Generation.objects.get().price == 100

    def test_does_not_give_a_slow_upload_up(self, owner: Merchant, engine: Engine) -> None:
        page = owner.client.get(TOOL).content.decode()

        # 25 MB take seven minutes at half a megabit a second.
        [milliseconds] = re.findall(r"hx-config='\{\"timeout\": (\d+)\}'", page)
        assert int(milliseconds) >= 7 * 60 * 1000

    def test_gets_a_new_key_with_the_word_that_the_old_one_is_used(
        self, owner: Merchant, engine: Engine
    ) -> None:
        ask(owner.client)

        answer = ask(owner.client, image="", photo="gid://shopify/Product/1 7")

        assert answer.status_code == 409
        body = answer.content.decode()
        assert "you find it in the gallery" in body
        [key] = re.findall(r'id="idempotency-key" value="(\w+)"', body)
        assert (
            ask(owner.client, key, image="", photo="gid://shopify/Product/1 7").status_code == 201
        )
        assert owner.total == 60

    def test_one_missing_credit_is_one(self, owner: Merchant, engine: Engine) -> None:
        ledger.spend(owner.account.pk, 81, "most")

        body = ask(owner.client).content.decode()

        assert "20 credits are needed and you have 19: 1 is missing. Nothing was charged." in body


@pytest.mark.parametrize(
    ("address", "loaded"),
    [
        ("/dashboard/", set()),
        ("/dashboard/tools", set()),
        ("/dashboard/gallery", set()),
        ("/dashboard/usage", set()),
        (TOOL, {"compare", "price", "upload", "sources", "painting", "mask", "draft"}),
    ],
)
def test_scripts_of_runs_load_only_where_they_are_used(
    owner: Merchant, engine: Engine, address: str, loaded: set[str]
) -> None:
    page = owner.client.get(address).content.decode()

    scripts = set(re.findall(r"js/([a-z_]+)[\w.]*\.js", page))
    of_runs = {"compare", "price", "upload", "sources", "painting", "mask", "draft"}
    assert scripts & of_runs == loaded
    assert {"app", "requests", "balance", "live"} <= scripts
