"""The tool page in a real browser: its price, its search, slow lines and lost answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from credits import ledger
from generations.models import Generation, Picture
from tests.browser.live_pages import until
from tests.framed_fixture import FramedProduct
from tests.merchants import Merchant, make_merchant

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    from tests.plugins.browser import Product

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SignIn = Callable[..., "Page"]
TOOL = "/dashboard/tools/background-removal"
POSTED = f"**{TOOL}"


@pytest.fixture
def olivia(product: Product) -> Merchant:
    return make_merchant("Olivia")


def test_the_price_says_what_pays_and_what_is_left(olivia: Merchant, sign_in: SignIn) -> None:
    ledger.add_package(olivia.account.pk, 1000, "package")
    ledger.spend(olivia.account.pk, 90, "most")
    page = sign_in(olivia.person)
    page.goto(TOOL)

    expect(page.locator("[data-ready] .run-bar__summary")).to_have_text(
        "20 credits 10 from plan, 10 from package Balance 1,010 → 990 about 5 s",
        use_inner_text=True,
    )
    expect(page.locator("[data-run-button]")).to_have_text("Remove background · 20 credits")


def test_without_the_credits_the_button_buys_what_is_missing(
    olivia: Merchant, sign_in: SignIn
) -> None:
    ledger.spend(olivia.account.pk, 81, "most")
    page = sign_in(olivia.person)
    page.goto(TOOL)

    page.wait_for_selector("[data-buy-button]:visible")
    expect(page.locator("[data-buy-button]")).to_have_text("Purchase credits")
    expect(page.locator(".run-bar__left")).to_contain_text("1 missing")
    expect(page.locator("[data-run-button]")).to_be_hidden()


def test_a_slow_line_may_take_minutes_for_an_upload(
    olivia: Merchant, sign_in: SignIn, photographs: Path
) -> None:
    waiting: list[Route] = []
    page = sign_in(olivia.person)
    page.clock.install()
    page.goto(TOOL)
    page.route(POSTED, lambda route: waiting.append(route))  # noqa: PLW0108  Playwright marks it.
    page.set_input_files("input[type=file]", photographs / "coffee.png")
    page.click("[data-run-button]")
    until(page, lambda: waiting)

    page.clock.fast_forward("05:00")
    [upload] = waiting
    upload.continue_()
    page.clock.resume()

    page.wait_for_selector("[data-compare]", timeout=120_000)
    expect(page.locator("#request-errors")).to_have_text("")
    assert olivia.total == 80


def test_a_lost_answer_is_told_and_the_next_click_is_a_run_of_its_own(
    olivia: Merchant, sign_in: SignIn, photographs: Path
) -> None:
    page = sign_in(olivia.person)
    page.goto(TOOL)
    # What the page sent before its line broke.
    with (photographs / "coffee.png").open("rb") as picture:
        sent = {"key": page.locator("#idempotency-key").input_value(), "image": picture}
        assert olivia.client.post(TOOL, sent).status_code == 302
    page.set_input_files("input[type=file]", photographs / "chelsea.png")

    page.click("[data-run-button]")

    told = page.locator("#run-errors .note--critical")
    told.wait_for()
    expect(told).to_contain_text("you find it in the gallery")
    expect(page.locator("[data-dropzone-file]")).to_contain_text("chelsea.png")
    assert olivia.total == 80
    page.locator("form[data-price-form]:not([data-busy])").wait_for()
    page.click("[data-run-button]")
    page.wait_for_selector("[data-compare]", timeout=120_000)
    expect(told).to_have_count(0)
    assert olivia.total == 60
    assert Generation.objects.count() == 2


def test_an_open_page_renews_its_download_link(
    olivia: Merchant, sign_in: SignIn, photographs: Path
) -> None:
    page = sign_in(olivia.person)
    page.clock.install()
    page.goto(TOOL)
    page.clock.resume()
    page.set_input_files("input[type=file]", photographs / "coffee.png")
    page.click("[data-run-button]")
    download = page.get_by_role("link", name="Download PNG")
    download.wait_for(timeout=120_000)
    first, picture = download.get_attribute("href"), page.locator("[data-compare] img").last
    shown = picture.get_attribute("src")

    page.wait_for_timeout(1100)  # A link names the second in which it was made.
    page.clock.fast_forward("10:01")

    expect(page.locator(f"a[href='{first}']")).to_have_count(0)
    assert str(download.get_attribute("href")).startswith("/files/")
    assert picture.get_attribute("src") == shown


def test_products_are_searched_inside_the_form_and_the_page_stays(
    framed_product: FramedProduct, admin_page: Page, photographs: Path
) -> None:
    admin_page.goto(framed_product.admin_url("/tools/background-removal"))
    frame = admin_page.frame_locator("iframe").first
    photos = frame.locator("[data-photo-choice]")
    photos.first.wait_for()
    everything = photos.count()

    frame.get_by_label("Search your products").fill("lamp")
    frame.get_by_label("Search your products").press("Enter")

    frame.locator("#products:not(:has(label:nth-of-type(2)))").wait_for()
    assert everything > 1
    expect(photos).to_have_count(1)
    expect(frame.get_by_text("Drawing of a lit brass lamp")).to_be_visible()
    assert not Generation.objects.exists()
    frame.get_by_label("Search your products").fill("sofa")
    frame.get_by_role("button", name="Search").click()
    frame.get_by_text("No product has “sofa” in its title.").wait_for()
    frame.get_by_label("Search your products").fill("")
    frame.get_by_role("button", name="Search").click()
    frame.get_by_text("Drawing of a candle").wait_for()
    photos.first.check()
    frame.locator("[data-run-button]").click()
    frame.locator("[data-compare]").wait_for(timeout=120_000)
    assert Generation.objects.get().product_title


@pytest.mark.timeout(300)  # Two runs of tools, on a machine that may be busy.
def test_a_product_an_earlier_result_and_an_upload_make_one_scene(
    framed_product: FramedProduct, admin_page: Page, photographs: Path
) -> None:
    admin_page.goto(framed_product.admin_url("/tools/background-removal"))
    frame = admin_page.frame_locator("iframe").first
    frame.locator("[data-photo-choice]").first.check()
    frame.locator("[data-run-button]").click()
    frame.locator("[data-compare]").wait_for(timeout=120_000)
    [cut_out] = Picture.objects.filter(role=Picture.Role.OUTPUT)
    frame.get_by_role("link", name="Product Placement").click()
    rows = frame.locator("[data-chosen-list] > li")
    rows.nth(0).wait_for()

    frame.locator("#products [data-photo-choice]").first.check()
    frame.locator("input[name=image]").set_input_files(photographs / "coffee.png")
    rows.nth(2).wait_for()
    frame.locator("#products [data-photo-choice]").nth(1).check()
    rows.nth(3).get_by_label("Remove").click()
    rows.nth(3).wait_for(state="detached")
    expect(frame.locator("#products [data-photo-choice]").nth(1)).not_to_be_checked()
    rows.nth(2).get_by_label("Move up").click()
    expect(rows.nth(1).locator("[data-name]")).to_have_text("coffee.png")
    order = [rows.nth(at).locator("[data-name]").inner_text() for at in range(3)]
    frame.locator("[data-run-button]").click()

    frame.locator("[data-compare]").wait_for(timeout=120_000)
    run = Generation.objects.get(tool="product-placement")
    went_in = list(run.pictures.filter(role=Picture.Role.INPUT).order_by("position"))
    assert [one.sha256 == cut_out.sha256 for one in went_in] == [True, False, False]
    assert [one.name == "coffee.png" for one in went_in] == [False, True, False]
    assert order[1] == "coffee.png"
    assert run.products[2] == [run.product_id, run.products[2][1]]
    assert run.product_title
    assert run.product_title in order[2]
