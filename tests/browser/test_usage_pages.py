"""Usage, ledger, warnings and settings in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from credits import ledger
from credits.accounts import alerts
from credits.models import AlertRecipient
from tests.browser.live_pages import stream
from tests.credits.reports.story import spend_document_day
from tests.merchants import Merchant, make_merchant, zone_at_noon

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.plugins.browser import Product

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SignIn = Callable[..., "Page"]


@pytest.fixture
def olivia(product: Product) -> Merchant:
    """Olivia, whose day is the product document's sample, and who has sixty entries more."""
    merchant = make_merchant("Olivia", zone_at_noon())
    account_id, now = merchant.account.pk, timezone.now()
    ledger.start_plan_period(account_id, "starter", now, now + timedelta(days=30), key="period")
    spend_document_day(account_id, actor=f"user:{merchant.person.pk}")
    return merchant


def test_the_day_the_month_and_the_check(olivia: Merchant, sign_in: SignIn) -> None:
    page = sign_in(olivia.person)
    page.goto("/dashboard/usage")

    day = page.locator(".usage-day").first.inner_text()
    assert day.split("\n")[:2] == ["Today", "Used: 120 credits"]
    assert "balance adjust\n-30" in day
    assert "2,880 remaining" in page.locator("[aria-labelledby=summary]").inner_text()
    assert page.locator("#check").get_by_label("adds up").is_visible()
    assert page.locator(".chart__bars rect").count() == 3
    page.get_by_text("Show as a table").click()
    expect(page.locator("details table")).to_contain_text(re.compile(r"Background Removal\s+60"))

    page.select_option("#span", label=page.locator("option[value^=period]").inner_text())
    page.get_by_role("button", name="Show").click()
    expect(page.locator("main")).to_contain_text("Billing period summary")


def test_the_ledger_pages_back_and_forth(olivia: Merchant, sign_in: SignIn) -> None:
    items = [(1, f"many-{n}", "image-enhance", "") for n in range(60)]
    ledger.spend_many(olivia.account.pk, items)
    page = sign_in(olivia.person)
    page.goto("/dashboard/usage")
    page.get_by_role("link", name="Ledger").click()
    page.wait_for_url("**/usage/ledger")

    newest = page.locator("tbody tr").first.inner_text()
    page.get_by_role("link", name="Older").click()
    expect(page.locator("tbody")).to_contain_text("Trial credits")
    page.get_by_role("link", name="Newer").click()
    expect(page.locator("tbody tr").first).to_have_text(newest, use_inner_text=True)

    page.locator("tbody a").first.click()
    expect(page.locator("[aria-labelledby=receipt]")).to_contain_text("1 credit")


def test_the_export_downloads(olivia: Merchant, sign_in: SignIn) -> None:
    page = sign_in(olivia.person)
    page.goto("/dashboard/usage")

    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()

    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("sequence,utc_time,local_time")
    assert len(lines) == 11


def test_the_popover_opens_and_closes_by_keyboard(olivia: Merchant, sign_in: SignIn) -> None:
    page = sign_in(olivia.person)
    page.goto("/dashboard/usage")
    popover = page.locator("#balance-popover")

    page.locator("[data-balance-button]").focus()
    page.keyboard.press("Enter")
    expect(popover).to_be_visible()
    expect(popover).to_contain_text("never expire")
    expect(popover).to_contain_text("Used first: plan credits, then package credits.")
    page.keyboard.press("Escape")
    expect(popover).to_be_hidden()


def test_one_warning_at_a_time(olivia: Merchant, sign_in: SignIn) -> None:
    page = sign_in(olivia.person)
    account_id = olivia.account.pk

    def banner() -> str:
        page.goto("/dashboard/")
        banners = page.locator("main .banner:visible")
        assert banners.count() <= 1
        return banners.inner_text() if banners.count() else ""

    assert banner() == ""
    ledger.spend(account_id, 2880 - 300, "down to the threshold", tool="veo-t2v")
    low = banner()
    assert "You have 300 credits remaining." in low
    assert "Plan credits reset on:" in low
    assert "choose the shortest video that works" in low
    ledger.spend(account_id, 290, "below the cheapest", tool="veo-t2v")
    assert "The cheapest tool costs 20 credits." in banner()
    ledger.spend(account_id, 10, "nothing left", tool="veo-t2v")
    assert "You have no credits left" in banner()


def test_the_warning_follows_the_balance_without_a_reload(
    olivia: Merchant, sign_in: SignIn
) -> None:
    account_id = olivia.account.pk
    alerts.set_threshold(account_id, 0)
    page = sign_in(olivia.person)
    stream(page, "/dashboard/usage")
    banner = page.locator("#page-banner")
    expect(banner).to_have_text("")

    ledger.spend(account_id, 2870, "below the cheapest", tool="veo-t2v")
    banner.get_by_text("The cheapest tool costs 20 credits.").wait_for()
    # The stream's first message after a load is the balance of the moment: it hides nothing.
    stream(page, "/dashboard/usage")
    expect(banner).to_contain_text("You have 10 credits remaining.")

    ledger.spend(account_id, 10, "nothing left", tool="veo-t2v")
    banner.get_by_text("You have no credits left").wait_for()
    ledger.add_package(account_id, 500, key="package")
    page.locator("#page-banner:not(:has(.banner))").wait_for(state="attached")
    expect(page.locator(".topbar")).to_contain_text("Package 500")


def test_the_popover_follows_the_trial_into_a_plan(product: Product, sign_in: SignIn) -> None:
    quay = make_merchant("Quay")
    page = sign_in(quay.person)
    stream(page, "/dashboard/")
    page.locator("[data-balance-button]").click()
    details = page.locator("#balance-details")
    expect(details).to_contain_text("Trial credits reset on:")

    now = timezone.now()
    end = now + timedelta(days=30)
    ledger.start_plan_period(quay.account.pk, "starter", now, end, key="period", now=now)

    details.get_by_text("Plan credits reset on:").wait_for()
    expect(details).to_be_visible()
    expect(details).not_to_contain_text("Trial")
    expect(details).to_contain_text("3,000")
    expect(page.locator("[data-balance-button]")).not_to_contain_text("trial")


def test_settings_are_saved_from_the_bar(olivia: Merchant, sign_in: SignIn) -> None:
    page = sign_in(olivia.person)
    page.goto("/dashboard/settings")
    save = page.get_by_role("button", name="Save")
    expect(save).to_be_hidden()

    page.get_by_label("Warn at or below").fill("450")
    page.get_by_label("Email addresses").fill("not an address")
    save.click()
    page.get_by_text("is not an email address").wait_for()
    page.locator("form#notification-settings:not([data-busy])").wait_for()
    page.get_by_label("Email addresses").fill("olivia@example.com")
    save.click()
    page.get_by_text("Settings saved").wait_for()
    expect(page.locator("#page-banner")).to_have_text("")

    olivia.account.refresh_from_db()
    assert olivia.account.low_threshold == 450
    assert AlertRecipient.objects.get().email == "olivia@example.com"
    expect(save).to_be_hidden()

    page.get_by_label("Warn at or below").fill("3000")
    save.click()
    page.get_by_text("Low credits warning", exact=True).wait_for()
