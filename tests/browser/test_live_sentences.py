"""Sentences follow what they speak of, without a reload and without moving the page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from credits import ledger
from credits.models import RestorationCase
from credits.outcomes import cases
from generations.models import Generation
from generations.runs import lifecycle
from tests.browser.live_pages import stream
from tests.merchants import Merchant, make_merchant

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SignIn = Callable[..., "Page"]

SHIFT = """() => {
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: false });
}"""


@pytest.fixture
def olivia(product: object) -> Merchant:
    """Olivia, with a plan."""
    merchant = make_merchant("Olivia")
    now = timezone.now()
    end = now + timedelta(days=30)
    ledger.start_plan_period(merchant.account.pk, "starter", now, end, key="period", now=now)
    return merchant


def working_run(olivia: Merchant) -> Generation:
    """A run that a worker has begun; none of the running product's workers knows of it."""
    now = timezone.now()
    spend = ledger.spend(olivia.account.pk, 20, "run", tool="background-removal")
    return Generation.objects.create(
        account=olivia.account, key="run", request_digest="-", tool="background-removal", price=20,
        spend=spend, surface="web", state="running", attempts=1, enqueued_at=now, created_at=now,
        started_at=now, lease_until=now + timedelta(minutes=5),
    )  # fmt: skip


def test_home_follows_a_run_to_its_end_and_its_case(olivia: Merchant, sign_in: SignIn) -> None:
    run = working_run(olivia)
    page = sign_in(olivia.person)
    stream(page, "/dashboard/")
    recent = page.locator("[data-part=recent-runs]")
    expect(recent).to_contain_text("Running")

    lifecycle.fail(run, "platform_error", "Our storage failed.")
    recent.get_by_text("Failed").wait_for()
    page.locator("#run-announcer", has_text="A run failed").wait_for(state="attached")
    needs = page.locator("[data-part=needs-you]")
    needs.get_by_text("1 run failed within").wait_for()
    expect(needs).to_contain_text("because of our error")

    staff = make_merchant("Sam").person
    cases.approve(RestorationCase.objects.get(), staff, "Our fault", timezone.now())
    recent.get_by_text("20 used · 20 restored").wait_for()
    expect(needs).not_to_contain_text("our error")


def test_what_is_pressed_stays_until_its_click(olivia: Merchant, sign_in: SignIn) -> None:
    """A part that is made anew between press and release would lose the click."""
    run = working_run(olivia)
    page = sign_in(olivia.person)
    stream(page, "/dashboard/")
    page.locator(f"[data-part=recent-runs] a[href*='{run.pk}']").first.hover()
    page.mouse.down()

    lifecycle.fail(run, "platform_error", "Our storage failed.")
    page.locator("#run-announcer", has_text="A run failed").wait_for(state="attached")
    # Longer than the page gathers and fetches, where nothing keeps it from it.
    page.wait_for_timeout(1_500)
    page.mouse.up()

    page.wait_for_url(f"**/runs/{run.pk}")


def test_tools_say_how_often_they_can_be_run_now(olivia: Merchant, sign_in: SignIn) -> None:
    page = sign_in(olivia.person)
    stream(page, "/dashboard/tools")
    tile = page.locator(".tile", has_text="Background Removal")
    expect(tile).to_contain_text("You can run 150 now")

    ledger.spend(olivia.account.pk, 2_980, "much", tool="veo-t2v")
    tile.get_by_text("You can run 1 now").wait_for()


def test_what_a_reader_has_opened_stays_open(olivia: Merchant, sign_in: SignIn) -> None:
    page = sign_in(olivia.person)
    stream(page, "/dashboard/usage")
    ledger.spend(olivia.account.pk, 20, "one", tool="background-removal")
    page.locator("[data-part=usage-report]").get_by_text("Background Removal × 1").wait_for()

    page.get_by_text("Show as a table").click()
    expect(page.locator("[data-part=usage-report] details table")).to_be_visible()
    ledger.spend(olivia.account.pk, 20, "two", tool="background-removal")
    page.locator("[data-part=usage-report]").get_by_text("Background Removal × 2").wait_for()
    expect(page.locator("[data-part=usage-report] details")).to_have_attribute("open", "")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_banner_that_arrives_moves_nothing(olivia: Merchant, sign_in: SignIn, width: int) -> None:
    page = sign_in(olivia.person, viewport={"width": width, "height": 800})
    stream(page, "/dashboard/")
    expect(page.locator("#page-banner .banner")).to_have_count(0)
    page.evaluate(SHIFT)

    ledger.spend(olivia.account.pk, 2_990, "much", tool="veo-t2v")
    banner = page.locator("#page-banner .banner")
    banner.wait_for()
    page.wait_for_timeout(700)
    assert page.evaluate("window.shift") < 0.02
    assert banner.bounding_box()["height"] < 200  # type: ignore[index]

    banner.get_by_role("button", name="Dismiss").click()
    expect(page.locator("#page-banner .banner")).to_have_count(0)


def test_a_split_that_has_changed_is_shown_before_it_is_charged(
    olivia: Merchant, sign_in: SignIn, photographs: Path
) -> None:
    ledger.add_package(olivia.account.pk, 500, key="package")
    page = sign_in(olivia.person)
    page.route("**/events?*", lambda route: route.fulfill(status=404))
    page.route("**/balance", lambda route: route.fulfill(status=404))
    page.goto("/dashboard/tools/background-removal")
    split = page.locator("[data-price-text=split]")
    page.locator("[data-price-text=split]:text-is('20 from plan')").wait_for()
    page.set_input_files("input[type=file]", photographs / "coffee.png")

    # The page hears nothing of it, as when a period ends in a tab that sleeps.
    ledger.spend(olivia.account.pk, 3_000, "elsewhere", tool="veo-t2v")
    page.locator("[data-run-button]").click()
    page.get_by_text("now 0 from plan and 20 from package would pay").wait_for()
    split.get_by_text("20 from package").wait_for()
    page.locator("form[data-price-form]:not([data-busy])").wait_for()
    assert olivia.total == 500

    page.locator("[data-run-button]").click()
    page.wait_for_selector("[data-compare], .progress", timeout=120_000)
    assert olivia.total == 480
