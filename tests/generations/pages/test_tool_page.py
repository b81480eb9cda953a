"""A tool's page is made from what the tool declares, and brings back what was asked before."""

from __future__ import annotations

import contextlib
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from credits import ledger
from generations import catalog
from generations.engines import registry
from generations.models import Generation, Picture
from generations.runs import worker
from tests.generations import sample_pictures as samples
from tests.generations.engine import Engine
from tests.merchants import Merchant

pytestmark = pytest.mark.django_db
PAGE = "/dashboard/tools"
SLUGS = [slug for slug in catalog.TOOLS if slug != "chat-assistant"]


@pytest.fixture
def every_tool(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A server on which every tool has an engine."""
    engine = Engine()
    for slug in SLUGS:
        monkeypatch.setitem(registry.LOCAL, slug, engine)
    return engine


@pytest.fixture
def rich(owner: Merchant) -> Merchant:
    ledger.add_package(owner.account.pk, 5_000, "test-package")
    return owner


def photo(name: str = "mug.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, samples.encoded(samples.quarters(800, 600), "JPEG"))


def painted(width: int, height: int) -> SimpleUploadedFile:
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).rectangle((width // 4, height // 4, width // 2, height // 2), fill=255)
    stream = io.BytesIO()
    mask.save(stream, "PNG")
    return SimpleUploadedFile("mask.png", stream.getvalue())


def post(merchant: Merchant, slug: str, **fields: object):
    return merchant.client.post(
        f"{PAGE}/{slug}", {"key": "k1", **fields}, headers={"HX-Request": "true"}
    )


@pytest.mark.parametrize("slug", SLUGS)
def test_every_option_of_a_tool_has_its_field(
    owner: Merchant, every_tool: Engine, slug: str
) -> None:
    page = owner.client.get(f"{PAGE}/{slug}").content.decode()

    tool = catalog.TOOLS[slug]
    for option in tool.options:
        assert f'name="option-{option.name}"' in page
    assert ('name="image"' in page) is bool(tool.sources.max)
    assert ('name="mask"' in page) is tool.sources.mask
    assert ('name="reference"' in page) is tool.sources.reference
    assert ('name="prompt"' in page) is (tool.takes_prompt != "no")


def test_what_was_chosen_reaches_the_engine(rich: Merchant, every_tool: Engine) -> None:
    response = post(
        rich, "ai-shadowing", image=photo(), resolution="2K", max_credits="50",
        **{"option-shadow": "drop", "option-angle": "60", "option-colour": "#aabbcc"},
    )  # fmt: skip

    assert response.status_code == 201
    worker.run(str(Generation.objects.get().pk))
    (job,) = every_tool.jobs
    assert (job.resolution, job.options["shadow"], job.options["angle"]) == ("2K", "drop", 60)
    assert job.options["strength"] == 50


def test_a_value_that_the_tool_does_not_take_is_refused_and_costs_nothing(
    rich: Merchant, every_tool: Engine
) -> None:
    before = rich.total
    response = post(
        rich, "ai-shadowing", image=photo(), resolution="1K", **{"option-angle": "sideways"}
    )

    assert response.status_code == 422
    assert rich.total == before
    assert not Generation.objects.exists()


def test_a_price_above_the_one_shown_is_not_charged(rich: Merchant, every_tool: Engine) -> None:
    response = post(rich, "ai-shadowing", image=photo(), resolution="4K", max_credits="50")

    assert response.status_code == 409
    assert not Generation.objects.exists()


def test_a_painted_mask_is_enlarged_to_the_picture(rich: Merchant, every_tool: Engine) -> None:
    response = post(rich, "object-removal", image=photo(), mask=painted(400, 300), resolution="1K")

    assert response.status_code == 201
    mask = Picture.objects.get(role=Picture.Role.MASK)
    assert (mask.width, mask.height) == (800, 600)


def test_a_mask_of_another_shape_is_refused(rich: Merchant, every_tool: Engine) -> None:
    response = post(rich, "object-removal", image=photo(), mask=painted(400, 400), resolution="1K")

    assert response.status_code == 422
    assert not Generation.objects.exists()


def test_pictures_go_in_the_order_of_the_list(rich: Merchant, every_tool: Engine) -> None:
    made = {}
    for name in ("one", "two"):
        post(rich, "image-enhance", key=name, image=photo(f"{name}.jpg"))
        run = Generation.objects.get(pictures__name=f"{name}.jpg")
        made[name] = f"run {run.pk}"

    order = [made["two"], made["one"]]
    boxes = [made["one"], made["two"]]
    post(rich, "product-placement", key="both", chosen=order, photo=boxes, resolution="1K")

    run = Generation.objects.get(tool="product-placement")
    names = run.pictures.filter(role=Picture.Role.INPUT).order_by("position")
    assert list(names.values_list("name", flat=True)) == ["two.jpg", "one.jpg"]


def test_a_refusal_without_scripts_keeps_what_was_chosen(
    owner: Merchant, every_tool: Engine
) -> None:
    ledger.spend(owner.account.pk, 90, "most")
    sent = {"key": "k1", "resolution": "4K", "prompt": "On a beach", "option-set": "shore"}

    answer = owner.client.post(f"{PAGE}/ai-backgrounds", sent | {"photo": "result gone"})

    page = " ".join(answer.content.decode().split())
    assert answer.status_code == 422
    assert "On a beach</textarea>" in page
    assert '<option value="shore" selected' in page
    assert re.search(r'value="4K" [^>]*checked', page)


class TestAgain:
    @pytest.fixture
    def made(self, rich: Merchant, every_tool: Engine) -> Generation:
        post(
            rich, "ai-shadowing", image=photo("blue mug.jpg"), resolution="4K",
            **{"option-shadow": "cast"},
        )  # fmt: skip
        run = Generation.objects.get()
        worker.run(str(run.pk))
        run.refresh_from_db()
        return run

    def test_brings_back_the_choices_and_the_picture(
        self, rich: Merchant, made: Generation
    ) -> None:
        page = rich.client.get(f"{PAGE}/ai-shadowing?again={made.pk}").content.decode()

        assert '<option value="cast" selected' in page
        assert f'value="run {made.pk} 0"' in page

        response = post(rich, "ai-shadowing", key="k2", photo=f"run {made.pk} 0", resolution="4K")
        assert response.status_code == 201
        again = Generation.objects.exclude(pk=made.pk).get()
        files = [run.pictures.get(role=Picture.Role.INPUT).sha256 for run in (made, again)]
        assert files[0] == files[1]

    def test_a_started_run_is_what_the_page_comes_back_with(
        self, rich: Merchant, every_tool: Engine
    ) -> None:
        started = post(rich, "ai-shadowing", image=photo(), resolution="1K")

        run = Generation.objects.get()
        assert started["HX-Replace-Url"] == f"{PAGE}/ai-shadowing?again={run.pk}"

    def test_a_result_keeps_the_name_of_the_merchants_file(
        self, rich: Merchant, made: Generation
    ) -> None:
        result = made.pictures.get(role=Picture.Role.OUTPUT)

        post(rich, "image-enhance", key="k2", photo=f"result {result.pk}")

        again = Generation.objects.exclude(pk=made.pk).get()
        assert again.pictures.get(role=Picture.Role.INPUT).name == "blue mug.jpg"

    def test_brings_back_the_reference_and_the_mask(
        self, rich: Merchant, every_tool: Engine
    ) -> None:
        post(rich, "style-cloning", image=photo(), reference=photo("look.jpg"), resolution="1K")
        styled = Generation.objects.get()
        page = rich.client.get(f"{PAGE}/style-cloning?again={styled.pk}").content.decode()
        assert f'name="reference_again" value="{styled.pk}"' in " ".join(page.split())
        again = {"photo": f"run {styled.pk}", "reference_again": str(styled.pk)}
        assert post(rich, "style-cloning", key="k2", resolution="1K", **again).status_code == 201
        run = Generation.objects.exclude(pk=styled.pk).get()
        kept = [one.pictures.get(role=Picture.Role.REFERENCE).sha256 for one in (styled, run)]
        assert kept[0] == kept[1]

        mask = painted(400, 300)
        post(rich, "object-removal", key="k3", image=photo(), mask=mask, resolution="1K")
        removed = Generation.objects.get(tool="object-removal")
        page = rich.client.get(f"{PAGE}/object-removal?again={removed.pk}").content.decode()
        [address] = re.findall(r'data-kept="([^"]+)"', page)
        with contextlib.closing(rich.client.get(address)) as kept_mask:
            assert kept_mask.status_code == 200

    def test_a_result_is_the_source_of_the_next_tool(
        self, rich: Merchant, made: Generation
    ) -> None:
        result = made.pictures.get(role=Picture.Role.OUTPUT)
        page = rich.client.get(f"{PAGE}/image-enhance?source={result.pk}").content.decode()
        assert f'value="result {result.pk}"' in page

        response = post(rich, "image-enhance", key="k2", photo=f"result {result.pk}")
        assert response.status_code == 201

    def test_another_account_sees_and_takes_nothing_of_it(
        self, second_shop: Merchant, made: Generation
    ) -> None:
        result = made.pictures.get(role=Picture.Role.OUTPUT)
        ledger.add_package(second_shop.account.pk, 500, "test-package")
        address = f"{PAGE}/image-enhance?source={result.pk}&again={made.pk}"
        page = second_shop.client.get(address).content.decode()
        assert str(result.pk) not in page
        assert str(made.pk) not in page

        for value in (
            f"result {result.pk}",
            f"run {made.pk}",
            f"run {made.pk} 0",
            "result x",
            "run \x00",
        ):
            response = post(second_shop, "image-enhance", photo=value)
            assert response.status_code == 422
        assert not Generation.objects.filter(account=second_shop.account).exists()
