"""A result's page in a real browser: the comparison by keys, and the loupe by pointer and by keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from generations.models import Generation
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
    box = page.locator(selector).bounding_box()
    assert box
    return box["x"] + box["width"] / 2


def test_the_loupe_follows_the_pointer_and_the_arrow_keys(
    olivia: Merchant, sign_in: SignIn, photographs: Path
) -> None:
    page = sign_in(olivia.person)
    page.goto(TOOL)
    page.set_input_files("input[name=image]", photographs / "chelsea.png")
    page.click("[data-run-button]")
    page.wait_for_selector("[data-compare]", timeout=60_000)
    page.goto(f"/dashboard/runs/{Generation.objects.get().pk}")
    compare, lens = page.locator("[data-compare]"), page.locator("[data-compare-lens]")

    page.focus("[data-compare-mode=after]")
    page.keyboard.press("d")
    assert compare.get_attribute("data-mode") == "both"
    page.keyboard.press("a")
    assert compare.get_attribute("data-mode") == "after"
    assert lens.is_hidden()
    page.keyboard.press("l")
    lens.wait_for()
    before = middle_of(page, "[data-compare-lens]")
    page.keyboard.press("ArrowRight")
    assert middle_of(page, "[data-compare-lens]") > before
    full = page.locator(".compare__picture--after img").get_attribute("data-full")
    assert page.locator("[data-compare-lens] img").get_attribute("src") == full

    page.hover("[data-compare-stage]")
    off = middle_of(page, "[data-compare-lens]") - middle_of(page, "[data-compare-stage]")
    assert abs(off) < 3
    page.keyboard.press("l")
    assert lens.is_hidden()
