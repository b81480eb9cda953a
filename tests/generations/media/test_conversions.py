"""A result's download in another form: format, ground, shape; the master stays, its origin goes along."""

from __future__ import annotations

import io

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpResponse
from django.test import Client
from PIL import Image

from generations.engines.base import Output, Result
from generations.engines.local.pixels import metadata
from generations.engines.local.pixels.metadata import Origin
from generations.media import links, storage
from generations.models import Generation, Picture
from generations.runs import worker
from tests.generations.engine import Engine
from tests.generations.mug_store import ask
from tests.merchants import Merchant

pytestmark = pytest.mark.django_db
ORIGIN = Origin("ecomVance local engine, test", "algorithmicallyEnhanced")


@pytest.fixture
def cut_out(owner: Merchant, engine: Engine) -> Picture:
    """A red bar on nothing, far left in a wide picture."""
    pixels = np.zeros((400, 800, 4), np.uint8)
    pixels[50:350, 10:110] = (200, 30, 30, 255)
    content = metadata.encoded(pixels, "PNG", ORIGIN)
    output = Output("image", content, "image/png", 800, 400)
    engine.result = Result((output,), "local", "test-model", "real")
    ask(owner.client)
    worker.run(str(Generation.objects.get().pk))
    return Picture.objects.get(role=Picture.Role.OUTPUT)


def fetched(picture: Picture, **form: str) -> HttpResponse:
    # The link is the proof: no cookie goes along.
    return Client().get(links.link(picture, download=True), form)  # type: ignore[return-value]


def image_of(answer: HttpResponse) -> Image.Image:
    assert answer.status_code == 200
    return Image.open(io.BytesIO(answer.content))


@pytest.mark.parametrize(("kind", "shown"), [("png", "PNG"), ("webp", "WEBP"), ("jpeg", "JPEG")])
def test_each_format_keeps_what_the_master_says_of_its_making(
    cut_out: Picture, kind: str, shown: str
) -> None:
    answer = fetched(cut_out, format=kind)

    image = image_of(answer)
    assert (image.format, image.size) == (shown, (800, 400))
    assert metadata.said_source(answer.content) == "algorithmicallyEnhanced"
    assert image.has_transparency_data is (kind != "jpeg")
    ending = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}[kind]
    assert answer["Content-Disposition"].rstrip('"').endswith(f"mug-background-removal{ending}")


def test_the_ground_is_white_for_jpeg_and_any_colour_where_asked(cut_out: Picture) -> None:
    def corner(**form: str) -> tuple[int, ...]:
        return tuple(image_of(fetched(cut_out, **form)).convert("RGBA").getpixel((799, 0)))

    assert corner(format="jpeg") == (255, 255, 255, 255)
    assert corner(format="png", ground="white") == (255, 255, 255, 255)
    assert corner(format="png", ground="colour", colour="#204060") == (32, 64, 96, 255)
    assert corner(format="png")[3] == 0


def test_a_shape_never_cuts_a_cut_out(cut_out: Picture) -> None:
    tall = np.asarray(image_of(fetched(cut_out, format="png", ratio="9:16")))
    square = np.asarray(image_of(fetched(cut_out, format="png", ratio="1:1")))

    assert square.shape[:2] == (400, 400)
    assert tall.shape[1] / tall.shape[0] == pytest.approx(9 / 16, rel=0.01)
    for picture in (tall, square):
        assert np.count_nonzero(picture[..., 3] == 255) == 300 * 100


def test_the_master_stays_and_other_forms_are_404(cut_out: Picture) -> None:
    before = storage.read(cut_out)
    fetched(cut_out, format="jpeg", ground="white", ratio="1:1")

    cut_out.refresh_from_db()
    assert storage.read(cut_out) == before
    for form in (
        {"format": "gif"}, {"format": "png", "ratio": "7:5"}, {"format": "png", "ground": "red"},
    ):  # fmt: skip
        assert fetched(cut_out, **form).status_code == 404


def test_no_whole_picture_is_taken_into_the_memory_of_the_web_process(
    cut_out: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = links.link(cut_out, download=True)
    monkeypatch.setattr(Image, "open", None)

    assert Client().get(picture, {"format": "jpeg", "ratio": "1:1"}).status_code == 200


def test_a_master_that_is_damaged_is_404(cut_out: Picture) -> None:
    default_storage.delete(cut_out.file)
    default_storage.save(cut_out.file, ContentFile(b"\x89PNG and no more"))

    assert fetched(cut_out, format="jpeg").status_code == 404


def test_the_page_offers_them(owner: Merchant, cut_out: Picture) -> None:
    page = owner.client.get(f"/dashboard/runs/{cut_out.generation_id}").content.decode()

    assert "Download in this form" in page
    assert '<option value="4:5">' in page
