"""Buying inside Shopify's admin: the frame, the approval page, the way back, the balance."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import expect

from credits.models import LedgerEntry
from shopify_auth.models import Membership, Purchase, Shop, Subscription
from tests.browser.live_pages import until
from tests.framed_fixture import FramedProduct
from tests.merchants import make_merchant, make_person, open_store

if TYPE_CHECKING:
    from playwright.sync_api import FrameLocator, Page, Route

    from tests.plugins.browser import Product

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def app(page: Page) -> FrameLocator:
    """The app's frame inside the admin."""
    return page.frame_locator("iframe").first


def test_a_package_is_bought_in_the_admin_and_the_balance_rises(
    framed_product: FramedProduct, admin_page: Page
) -> None:
    admin_page.goto(framed_product.admin_url("/plans"))
    app(admin_page).get_by_role("button", name="Purchase Small").click()

    # The whole window is on Shopify's page now, not the frame.
    admin_page.get_by_role("button", name="Approve", exact=True).click()

    frame = app(admin_page)
    frame.get_by_text("500 package credits are in your balance").wait_for()
    frame.locator(".plugin-header__total", has_text="600").wait_for()
    assert Purchase.objects.get().status == "ACTIVE"
    assert LedgerEntry.objects.filter(kind="package", package_delta=500).count() == 1


def test_a_plan_is_chosen_and_cancelled_in_two_clicks(
    framed_product: FramedProduct, admin_page: Page
) -> None:
    admin_page.goto(framed_product.admin_url("/plans"))
    app(admin_page).get_by_role("button", name="Choose Starter").click()
    admin_page.get_by_role("button", name="Approve", exact=True).click()
    frame = app(admin_page)
    frame.get_by_text("Shopify has confirmed your plan").wait_for()
    frame.get_by_text("Your plan", exact=True).wait_for()

    frame.get_by_role("button", name="Cancel plan").click()
    dialog = frame.locator("#cancel-plan")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("3,000 plan credits stay usable until")
    dialog.get_by_role("button", name="Cancel plan").click()

    frame.get_by_text("Changed your mind? Choose Starter again").wait_for()
    expect(dialog).to_be_hidden()
    assert Subscription.objects.get().status == "CANCELLED"


def test_a_declined_charge_is_said_plainly(framed_product: FramedProduct, admin_page: Page) -> None:
    framed_product.devstore.misbehave(decline_returns_to_app=1)
    admin_page.goto(framed_product.admin_url("/plans"))
    app(admin_page).get_by_role("button", name="Purchase Medium").click()

    admin_page.get_by_role("button", name="Decline").click()

    app(admin_page).locator("#confirmation").get_by_text(
        "was declined. Nothing was charged"
    ).wait_for()
    assert not LedgerEntry.objects.filter(kind="package").exists()


def test_on_the_dashboard_a_linked_store_pays(
    framed_product: FramedProduct, admin_page: Page
) -> None:
    admin_page.goto(framed_product.admin_url("/plans"))
    app(admin_page).get_by_role("button", name="Purchase Small").wait_for()
    olivia = make_merchant("Olivia")
    Shop.objects.update(account=olivia.account)
    cookie = {
        "name": settings.SESSION_COOKIE_NAME,
        "value": olivia.client.cookies[settings.SESSION_COOKIE_NAME].value,
        "url": framed_product.product.url,
    }
    admin_page.context.add_cookies([cookie])  # type: ignore[list-item]
    page = admin_page.context.new_page()
    page.goto(f"{framed_product.product.url}/dashboard/plans")

    page.get_by_role("button", name="Purchase Large").click()
    page.get_by_role("button", name="Approve", exact=True).click()

    page.wait_for_url("**/dashboard/plans?charge=*")
    page.get_by_text("5,000 package credits are in your balance").wait_for()
    page.locator(".topbar", has_text="5,100 credits").wait_for()


def test_news_from_shopify_wait_for_a_click_that_is_on_its_way(
    product: Product, sign_in: Callable[..., Page]
) -> None:
    """The page asks Shopify once it is there: the answer must not take a pressed button away."""
    store = open_store("olivias-mugs.myshopify.com")
    olivia = make_person("Olivia")
    Membership.objects.create(person=olivia, account=store.account, role="owner")
    page = sign_in(olivia)
    asked: list[Route] = []
    bought: list[str] = []

    def buy(route: Route) -> None:
        bought.append(route.request.post_data or "")
        route.fulfill(status=204)

    page.route("**/plans/content*", lambda route: asked.append(route))  # noqa: PLW0108
    page.route("**/plans/buy", buy)
    page.goto("/dashboard/plans")
    until(page, lambda: asked)
    page.get_by_role("button", name="Purchase Small").hover()
    page.mouse.down()

    asked[0].fulfill(body="<p>What Shopify says</p>", content_type="text/html")
    page.wait_for_timeout(1_000)
    page.mouse.up()

    page.get_by_text("What Shopify says").wait_for()
    assert [read for read in bought if "package=small" in read]


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_nothing_for_axe_to_find_and_no_sideways_scrolling(
    framed_product: FramedProduct, admin_page: Page, width: int
) -> None:
    admin_page.set_viewport_size({"width": width, "height": 900})
    admin_page.goto(framed_product.admin_url("/plans"))
    app(admin_page).get_by_role("button", name="Choose Starter").click()
    admin_page.get_by_role("button", name="Approve", exact=True).click()
    app(admin_page).get_by_text("Your plan", exact=True).wait_for()
    app(admin_page).get_by_role("button", name="Cancel plan").wait_for()

    frame = next(frame for frame in admin_page.frames if "embedded=1" in frame.url)
    found = Axe().run(frame)

    assert found.violations_count == 0, found.generate_report()
    assert frame.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
