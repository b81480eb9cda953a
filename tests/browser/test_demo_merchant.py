"""What the README asks a newcomer to do: sign in with the demo log-in and cut a product out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from PIL import Image
from pytest_django.fixtures import Settings

from generations.models import Generation
from shopify_auth.demo import MERCHANT_EMAIL
from tests.framed_fixture import FramedProduct
from tests.plugins.browser import new_window

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(chromium: Browser, framed_product: FramedProduct, settings: Settings) -> Iterator[Page]:
    """A new window at the web dashboard of the demo store."""
    settings.DEBUG = True
    call_command("demo_store")
    context = new_window(chromium, base_url=framed_product.product.url)
    yield context.new_page()
    context.close()


def sign_in(page: Page, email: str, password: str) -> None:
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", password)
    page.get_by_role("button", name="Sign in").click()


def test_the_demo_merchant_signs_in_and_cuts_a_product_of_the_store_out(page: Page) -> None:
    page.goto("/dashboard/tools/background-removal")
    email, password = page.locator("#demo-login code").all_inner_texts()
    sign_in(page, email, "not the password")
    page.locator(".note--critical").wait_for()
    sign_in(page, email, password)

    # Where the merchant wanted to go, and not the first page.
    page.wait_for_url("**/dashboard/tools/background-removal")
    photo = page.locator("[data-photo-choice]").first
    photo.check()
    page.locator("[data-run-button]").click()
    page.locator("[data-compare]").wait_for(timeout=120_000)

    run = Generation.objects.get()
    assert (run.state, run.surface, run.price) == ("succeeded", "web", 20)
    assert (run.requested_by.email, bool(run.product_title)) == (MERCHANT_EMAIL, True)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download PNG").click()
    with Image.open(io.BytesIO(download.value.path().read_bytes())) as image:
        original = run.pictures.get(role="input")
        assert (image.format, image.mode) == ("PNG", "RGBA")
        assert image.size == (original.width, original.height)
