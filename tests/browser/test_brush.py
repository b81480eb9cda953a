"""The brush on a cut-out in a real browser: by pointer and by keys, undone, kept, on a phone too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from generations.models import Generation, Picture
from tests.browser.live_pages import still_box
from tests.merchants import Merchant, make_merchant

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.plugins.browser import Product

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SignIn = Callable[..., "Page"]


@pytest.fixture
def olivia(product: Product) -> Merchant:
    return make_merchant("Olivia")


def test_a_cut_out_is_corrected_by_pointer_and_by_keys(
    olivia: Merchant, sign_in: SignIn, photographs: Path
) -> None:
    page = sign_in(olivia.person)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/dashboard/tools/background-removal")
    page.set_input_files("input[name=image]", photographs / "coffee.png")
    page.click("[data-run-button]")
    page.get_by_role("link", name="Correct by hand").click(timeout=120_000)
    page.wait_for_selector("[data-brush-editor][data-ready]")
    canvas = page.locator("[data-paint-canvas]")
    canvas.scroll_into_view_if_needed()
    box = still_box(page, canvas)
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.1)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.1, steps=3)
    page.mouse.up()
    canvas.focus()
    page.keyboard.press("e")
    for key in ("+", " ", "ArrowRight", " "):
        page.keyboard.press(key)
    page.keyboard.press("Control+z")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.get_by_role("button", name="Save").click()

    page.get_by_text("Saved. It was free").wait_for()
    kept, erased = list(Picture.objects.get(strokes__isnull=False).strokes or [])
    assert (kept["mode"], erased["mode"], olivia.total) == ("keep", "erase", 80)
    assert kept["points"][0] == pytest.approx([0.1, 0.1], abs=0.01)
    page.reload()
    page.wait_for_selector("[data-brush-editor][data-ready]")
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Back to the first result").wait_for()
    assert Generation.objects.get().pictures.filter(role=Picture.Role.OUTPUT).count() == 1
