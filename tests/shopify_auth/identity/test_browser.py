"""The pages of sign-in and of the second factor in a browser: axe-clean and never scrolling sideways."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from playwright.sync_api import expect

from tests.browser.test_accessibility import found, look
from tests.merchants import make_merchant

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.plugins.browser import Product

__all__ = ["found"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = (1280, 390)
SIGN_IN = "/dashboard/sign-in/"
FACTOR = f"{SIGN_IN}second-factor/"


SECONDS_OF_A_CODE = 30


def code_of(secret: str) -> str:
    """The app's code of this half minute, of which enough is left to type it."""
    while time.time() % SECONDS_OF_A_CODE > SECONDS_OF_A_CODE / 3:
        time.sleep(0.5)
    counter = next(iter(yield_hotp_counters_from_time()))
    return str(format_hotp_value(hotp_value(secret, counter)))


def arrives(page: Page, path: str) -> None:
    """Wait for the page at this path, whatever its query says."""
    page.wait_for_url(lambda url: urlsplit(url).path == path)


def test_from_sign_in_to_saved_recovery_codes(product: Product, page: Page, found: list[str]):
    olivia = make_merchant("Olivia").person
    for name in ("login", "signup", "password/reset"):
        page.goto(f"{SIGN_IN}{name}/")
        look(page, name, found, WIDTHS)
    page.goto(f"{FACTOR}")
    page.get_by_label("Email").fill(str(olivia.email))
    page.get_by_label("Password", exact=True).fill("correct horse")
    page.locator("form button[type=submit]").last.click()
    arrives(page, FACTOR)
    look(page, "second factor", found, WIDTHS)

    page.goto(f"{FACTOR}totp/activate/")
    if "reauthenticate" in page.url:
        look(page, "password again", found, WIDTHS)
        page.get_by_label("Password", exact=True).fill("correct horse")
        page.locator("form button[type=submit]").last.click()
        arrives(page, f"{FACTOR}totp/activate/")
    look(page, "set up", found, WIDTHS)
    secret = page.locator("code").first.inner_text()
    page.locator("input[name=code]").fill(code_of(secret))
    page.get_by_role("button", name="Turn on").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    look(page, "recovery codes", found, WIDTHS)

    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_label("I have saved these codes").check()
    page.get_by_role("button", name="Go on").click()
    arrives(page, FACTOR)
    for name in ("recovery-codes/generate", "totp/deactivate"):
        page.goto(f"{FACTOR}{name}/")
        look(page, name, found, WIDTHS)

    assert found == []
