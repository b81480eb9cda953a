"""A result's page in a real browser: the comparison by keys, and the loupe by pointer and by keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from generations.models import Generation
from tests.browser.live_pages import still_box, until
from tests.merchants import Merchant, make_merchant

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.plugins.browser import Product

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SignIn = Callable[..., "Page"]
TOOL = "/dashboard/tools/background-removal"


@pytest.fixture
def olivia(product: Product) -> Merchant:
    return make_merchant("Olivia")


def middle_of(page: Page, selector: str) -> float:
    """Where it stands from left to right, in pixels."""
    box = still_box(page, page.locator(selector))
    return box["x"] + box["width"] / 2


def test_the_loupe_follows_the_pointer_and_the_arrow_keys(
    olivia: Merchant, sign_in: SignIn, photographs: Path
) -> None:
    page = sign_in(olivia.person)
    page.goto(TOOL)
    page.set_input_files("input[name=image]", photographs / "chelsea.png")
    page.click("[data-run-button]")
    page.wait_for_selector("[data-compare]", timeout=120_000)
    page.goto(f"/dashboard/runs/{Generation.objects.get().pk}")
    compare, lens = page.locator("[data-compare]"), page.locator("[data-compare-lens]")

    page.focus("[data-compare-mode=after]")
    page.keyboard.press("d")
    expect(compare).to_have_attribute("data-mode", "both")
    page.keyboard.press("a")
    expect(compare).to_have_attribute("data-mode", "after")
    expect(lens).to_be_hidden()
    page.keyboard.press("l")
    lens.wait_for()
    before = middle_of(page, "[data-compare-lens]")
    page.keyboard.press("ArrowRight")
    until(page, lambda: middle_of(page, "[data-compare-lens]") > before)
    full = page.locator(".compare__picture--after img").get_attribute("data-full")
    assert full
    expect(page.locator("[data-compare-lens] img")).to_have_attribute("src", full)

    page.hover("[data-compare-stage]")
    middle = middle_of(page, "[data-compare-stage]")
    until(page, lambda: abs(middle_of(page, "[data-compare-lens]") - middle) < 3)
    page.keyboard.press("l")
    expect(lens).to_be_hidden()
