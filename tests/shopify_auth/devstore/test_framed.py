"""The running product inside the fake admin, in Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.framed_fixture import FramedProduct

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_the_first_opening_installs_the_store_and_shows_its_trial(
    framed_product: FramedProduct, admin_page: Page
):
    complaints: list[str] = []
    admin_page.on("console", lambda message: complaints.append(message.text))

    admin_page.goto(framed_product.admin_url())

    frame = admin_page.frame_locator("#app-frame")
    frame.get_by_text("Credits: 100 available").first.wait_for()
    admin_page.locator("[data-app-nav]").get_by_text("Tools").wait_for()
    assert framed_product.devstore.shop().tokens[0].used
    assert complaints == []


def test_a_plain_link_in_the_frame_comes_back_signed_in(
    framed_product: FramedProduct, admin_page: Page
):
    admin_page.goto(framed_product.admin_url("/tools"))
    frame = admin_page.frame_locator("#app-frame")
    frame.get_by_role("heading", name="Tools", exact=True).wait_for()

    frame.get_by_role("link", name="Background Removal").first.click()

    frame.get_by_role("heading", name="Background Removal").first.wait_for()
    admin_page.wait_for_url("**/tools/background-removal*")
