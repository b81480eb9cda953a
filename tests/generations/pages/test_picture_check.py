"""A picture is checked before a run is paid for: advice alone, free, and nothing is kept of it."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageFilter

from credits.models import LedgerEntry
from ecomvance_app import rates
from generations.media import decoding
from generations.models import Generation, Picture
from tests.generations import sample_pictures as samples
from tests.generations.mug_store import stored_files
from tests.merchants import Merchant

pytestmark = pytest.mark.django_db


def check(owner: Merchant, slug: str, image: Image.Image | None = None, **fields: object):
    if image is not None:
        content = samples.encoded(image, "PNG")
        fields["image"] = SimpleUploadedFile("mug.png", content, "image/png")
    return owner.client.post(f"/dashboard/tools/{slug}/check", fields)


def advice(owner: Merchant, slug: str, image: Image.Image) -> str:
    answer = check(owner, slug, image)
    assert answer.status_code == 200, answer.content
    return " ".join(answer.json()["advice"])


@pytest.fixture
def product() -> Image.Image:
    return samples.product_on_table(1000, 800)


def test_a_good_photo_has_no_advice(owner: Merchant, product: Image.Image) -> None:
    assert advice(owner, "ai-shadowing", product) == ""


def test_nothing_is_charged_or_stored(owner: Merchant, product: Image.Image) -> None:
    before = LedgerEntry.objects.count()

    advice(owner, "ai-shadowing", product)

    assert LedgerEntry.objects.count() == before
    assert not Generation.objects.exists()
    assert not Picture.objects.exists()
    assert not stored_files(owner.account.pk)


def test_a_resolution_that_the_photo_cannot_fill_is_told(owner: Merchant) -> None:
    def sizes(slug: str, width: int, height: int) -> dict[str, str]:
        photo = samples.product_on_table(1000, 800).resize((width, height))
        told: dict[str, str] = check(owner, slug, photo).json()["sizes"]
        return told

    small = sizes("ai-shadowing", 500, 400)
    assert set(small) == {"2K", "4K"}
    assert "500 × 400 pixels: 4K shows no more of it than 1K" in small["4K"]
    assert set(sizes("ai-shadowing", 1500, 1200)) == {"4K"}
    assert sizes("ai-shadowing", 2400, 1900) == {}
    # What makes pictures larger is for that, and a tool of one size has nothing to choose.
    assert sizes("image-enhance", 500, 400) == {}
    assert sizes("background-removal", 500, 400) == {}


def test_small_blurred_and_dark_photos_are_told(owner: Merchant, product: Image.Image) -> None:
    small = product.resize((500, 400))
    assert "500 × 400" in advice(owner, "background-removal", small)
    blurred = product.filter(ImageFilter.GaussianBlur(8))
    assert "Blurred" in advice(owner, "background-removal", blurred)
    dark = product.point(lambda value: value // 5)
    assert "Very dark" in advice(owner, "background-removal", dark)
    # What mends them does not complain of them.
    assert advice(owner, "image-enhance", small.filter(ImageFilter.GaussianBlur(6))) == ""


def test_a_product_that_is_cut_off_is_told_where_it_would_show(
    owner: Merchant, product: Image.Image
) -> None:
    half = product.crop((0, 0, 1000, 620))

    assert "cut off" in advice(owner, "ai-shadowing", half)
    assert "cut off" in advice(owner, "ai-backgrounds", half)
    assert advice(owner, "background-removal", half) == ""


def test_what_cannot_be_used_is_refused_with_its_sentence(owner: Merchant) -> None:
    answer = check(owner, "ai-shadowing", samples.quarters(200, 100))

    assert answer.status_code == 422
    assert "200 by 100" in answer.json()["refused"]


def test_a_stores_photo_is_checked_too(owner: Merchant) -> None:
    answer = check(owner, "background-removal", chosen="gid://shopify/Product/1 7")

    assert "480 × 320" in answer.json()["advice"][0]
    gone = check(owner, "background-removal", chosen="gid://shopify/Product/1 8")
    assert "no longer in the store" in gone.json()["refused"]


def test_another_accounts_result_is_not_checked(owner: Merchant, second_shop: Merchant) -> None:
    sent = SimpleUploadedFile("a.png", samples.encoded(samples.quarters(), "PNG"), "image/png")
    owner.client.post("/dashboard/tools/background-removal", {"key": "k1", "image": sent})
    run = Generation.objects.get()

    answer = check(second_shop, "background-removal", chosen=f"run {run.pk}")

    assert answer.status_code == 422
    assert "no longer here" in answer.json()["refused"]


def test_what_comes_too_fast_is_not_decoded(
    owner: Merchant, product: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "MOST_FREE_A_MINUTE", 1)
    monkeypatch.setattr(rates, "_this_minute", lambda: owner.account.pk)
    assert check(owner, "ai-shadowing", product).status_code == 200
    monkeypatch.setattr(decoding, "ask", None)

    answer = check(owner, "ai-shadowing", product)

    assert answer.status_code == 429
    assert "Wait a minute" in answer.json()["refused"]
