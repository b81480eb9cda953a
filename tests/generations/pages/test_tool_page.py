"""A tool's page is made from what the tool declares, and brings back what was asked before."""

from __future__ import annotations

import io

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
        assert f'value="run {made.pk}"' in page

        response = post(rich, "ai-shadowing", key="k2", photo=f"run {made.pk}", resolution="4K")
        assert response.status_code == 201
        again = Generation.objects.exclude(pk=made.pk).get()
        files = [run.pictures.get(role=Picture.Role.INPUT).sha256 for run in (made, again)]
        assert files[0] == files[1]

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

        for value in (f"result {result.pk}", f"run {made.pk}", "result x", "run \x00"):
            response = post(second_shop, "image-enhance", photo=value)
            assert response.status_code == 422
        assert not Generation.objects.filter(account=second_shop.account).exists()
