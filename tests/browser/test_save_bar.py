"""Unsaved settings: the bar stays until they are saved or discarded, inside the admin and outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from credits.models import Account
from tests.framed_fixture import FramedProduct
from tests.merchants import Merchant, make_merchant

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, FrameLocator, Page

    from tests.plugins.browser import Product

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SignIn = Callable[..., "Page"]
TOO_MUCH = "99999999999999"


@pytest.fixture
def framed(framed_product: FramedProduct, admin_page: Page) -> FrameLocator:
    """The settings inside the admin of a store that has just installed the app."""
    admin_page.goto(framed_product.admin_url("/settings"))
    frame = admin_page.frame_locator("iframe").first
    frame.get_by_label("Warn at or below").wait_for()
    return frame


def threshold() -> int | None:
    return Account.objects.get().low_threshold


def test_a_refused_save_keeps_the_admins_bar_and_discarding_brings_back_what_was_saved(
    framed: FrameLocator, admin_page: Page
) -> None:
    bar, field = admin_page.locator("[data-save-bar]"), framed.get_by_label("Warn at or below")
    expect(bar).to_be_hidden()
    expect(framed.get_by_role("button", name="Save")).to_be_hidden()

    field.fill("70")
    bar.wait_for()
    admin_page.locator("[data-save]").click()
    admin_page.locator("[data-toasts]", has_text="Settings saved").wait_for()
    bar.wait_for(state="hidden")
    assert threshold() == 70

    field.fill(TOO_MUCH)
    framed.locator("form#notification-settings").evaluate("form => { form.noValidate = true }")
    admin_page.locator("[data-save]").click()
    framed.locator(".field__error").wait_for()
    expect(bar).to_be_visible()
    expect(field).to_have_value(TOO_MUCH)
    assert threshold() == 70

    admin_page.locator("[data-discard]").click()
    bar.wait_for(state="hidden")
    expect(field).to_have_value("70")
    expect(framed.locator(".field__error")).to_have_count(0)


def test_leaving_asks_in_the_admins_dialog_and_the_title_stays_right(
    framed: FrameLocator, admin_page: Page
) -> None:
    prompts: list[str] = []

    def note(dialog: Dialog) -> None:
        prompts.append(dialog.type)
        dialog.accept()

    admin_page.on("dialog", note)
    title = admin_page.locator("[data-title]")
    framed.get_by_label("Warn at or below").fill("70")
    admin_page.locator("[data-save-bar]").wait_for()

    # By the admin's menu, and by a link of the page.
    for link in (
        admin_page.locator("[data-app-nav]").get_by_text("Usage"),
        framed.get_by_role("link", name="People"),
    ):
        link.click()
        admin_page.locator("button[value=stay]").click()
        expect(admin_page.locator("button[value=stay]")).to_be_hidden()
        assert admin_page.url.endswith("/settings")
        expect(title).to_contain_text("Settings")
        expect(framed.get_by_label("Warn at or below")).to_have_value("70")

    admin_page.locator("[data-app-nav]").get_by_text("Usage").click()
    admin_page.locator("button[value=leave]").click()
    framed.get_by_role("heading", name="Usage", exact=True).wait_for()
    # The title comes after the page, by a message.
    expect(title).to_contain_text("Usage")
    assert prompts == []
    assert threshold() is None


@pytest.fixture
def olivia(product: Product) -> Merchant:
    return make_merchant("Olivia")


def test_on_the_dashboard_a_refused_save_keeps_its_buttons(
    olivia: Merchant, sign_in: SignIn
) -> None:
    page = sign_in(olivia.person)
    page.goto("/dashboard/settings")
    field, save = page.get_by_label("Warn at or below"), page.get_by_role("button", name="Save")
    expect(save).to_be_hidden()
    page.locator("form#notification-settings").evaluate("form => { form.noValidate = true }")
    field.fill(TOO_MUCH)
    save.click()
    page.locator(".field__error").wait_for()
    expect(save).to_be_visible()

    page.get_by_role("button", name="Discard").click()
    expect(field).to_have_value("")
    expect(save).to_be_hidden()

    field.fill("70")
    save.click()
    page.locator("#toasts", has_text="Settings saved").wait_for()
    expect(save).to_be_hidden()
    assert threshold() == 70


def test_on_the_dashboard_a_link_asks_in_a_dialog_and_not_in_the_browsers_prompt(
    olivia: Merchant, sign_in: SignIn
) -> None:
    page, prompts = sign_in(olivia.person), list[str]()

    def note(dialog: Dialog) -> None:
        prompts.append(dialog.type)
        dialog.accept()

    page.on("dialog", note)
    page.goto("/dashboard/settings")
    field, people = page.get_by_label("Warn at or below"), page.get_by_role("link", name="People")
    asks = page.get_by_role("dialog", name="Leave page with unsaved changes?")
    field.fill("70")
    expect(page.get_by_role("button", name="Save")).to_be_visible()
    people.click()
    expect(asks.get_by_role("button", name="Stay")).to_be_focused()
    page.keyboard.press("Enter")
    expect(asks).to_be_hidden()
    expect(field).to_have_value("70")
    expect(page.get_by_role("button", name="Save")).to_be_visible()

    people.click()
    asks.get_by_role("button", name="Leave page").click()
    page.wait_for_url("**/people")
    assert prompts == []
    assert threshold() is None


def test_the_browser_asks_on_the_dashboard_only_where_typed_text_would_be_lost(
    olivia: Merchant, sign_in: SignIn
) -> None:
    page, prompts = sign_in(olivia.person), list[str]()

    def note(dialog: Dialog) -> None:
        prompts.append(dialog.type)
        dialog.accept()

    page.on("dialog", note)
    page.goto("/dashboard/settings")
    page.get_by_label("A run failed").check()
    page.get_by_role("button", name="Save").wait_for()
    page.reload()
    assert prompts == []

    page.get_by_label("Warn at or below").fill("70")
    page.reload()
    assert prompts == ["beforeunload"]
