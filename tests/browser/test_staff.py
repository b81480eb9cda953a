"""A colleague answers a merchant from the admin alone, and the merchant's open page follows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from generations.runs import lifecycle
from shopify_auth.models import Person
from tests.browser.live_pages import stream
from tests.browser.test_live_sentences import olivia, working_run
from tests.merchants import Merchant, make_person

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["olivia"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
]
SignIn = Callable[..., "Page"]
WIDTHS = (1280, 390)
PICTURES = os.environ.get("STAFF_PICTURES", "")
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def sasha(db: None) -> Person:
    """A colleague who may do everything."""
    person = make_person("Sasha")
    person.is_staff = person.is_superuser = True
    person.save()
    return person


def fits(page: Page, name: str) -> None:
    """Nothing is cut off at either width, and no part of the page broke the policy."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(OVERFLOW) <= 0, f"{name} at {width}"
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


def restore_by_clicks(staff: Page) -> None:
    """From an e-mail address to the restored case; every page on the way fits."""
    # The one address that is typed: where staff begin.
    staff.goto("/staff/")
    fits(staff, "start")
    staff.get_by_role("searchbox").fill("olivia@example.com")
    staff.get_by_role("searchbox").press("Enter")
    staff.get_by_role("heading", name="What happened").wait_for()
    fits(staff, "account")
    entry = staff.locator(".staff-line").first
    expect(entry).to_contain_text("Used: Background Removal")
    with staff.expect_navigation():
        entry.get_by_role("link", name="Run").click()
    fits(staff, "run")
    staff.get_by_role("link", name="plan 20, package 0").click()
    staff.locator(".staff-line").first.get_by_role("link", name="Case").click()
    staff.get_by_label("Reason").fill("Our storage failed")
    staff.get_by_role("button", name="Approve and restore").click()
    staff.get_by_text("No case waits for a decision.").wait_for()
    fits(staff, "cases")


def test_by_clicks_from_search_to_restored_and_the_merchants_page_follows(
    olivia: Merchant, sasha: Person, sign_in: SignIn
) -> None:
    run = working_run(olivia)
    merchant = sign_in(olivia.person)
    lifecycle.fail(run, "platform_error", "Our storage failed.")
    stream(merchant, "/dashboard/")
    needs, balance = (
        merchant.locator("[data-part=needs-you]"),
        merchant.locator("[data-balance=total]").first,
    )
    expect(needs).to_contain_text("because of our error")
    expect(balance).to_have_text("2,980")
    # Gone with the page, if anything loads it again.
    merchant.evaluate("() => { window.isTheSamePage = true }")

    staff = sign_in(sasha)
    refused: list[str] = []
    staff.on("console", lambda line: refused.append(line.text) if "Security" in line.text else None)
    restore_by_clicks(staff)

    expect(balance).to_have_text("3,000")
    expect(needs).not_to_contain_text("our error")
    expect(merchant.locator("[data-part=recent-runs]")).to_contain_text("20 restored")
    assert merchant.evaluate("() => window.isTheSamePage") is True
    assert refused == []


def test_every_page_fits_both_widths(olivia: Merchant, sasha: Person, sign_in: SignIn) -> None:
    page = sign_in(sasha)
    for path in (
        "operations", "incidents/new", "reports", "search", "credits/account", "credits/ledgerentry",
        "credits/plan/1/change", f"credits/account/{olivia.account.pk}/adjust",
    ):  # fmt: skip
        page.goto(f"/staff/{path}/")
        fits(page, path.replace("/", "-"))


def test_seeing_as_the_merchant_shows_a_banner_and_stops(
    olivia: Merchant, sasha: Person, sign_in: SignIn
) -> None:
    page = sign_in(sasha)
    page.goto(f"/staff/accounts/{olivia.account.pk}/")
    page.get_by_role("button", name="See as merchant").click()
    expect(page.get_by_text("Nothing can be changed.")).to_be_visible()
    fits(page, "seen")

    page.get_by_role("button", name="Stop").click()
    page.get_by_role("heading", name="What happened").wait_for()
