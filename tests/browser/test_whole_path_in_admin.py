"""The main path inside Shopify's admin, with the web dashboard of the same account open beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect

from generations.models import Generation
from shopify_auth.models import Membership, Shop
from tests.devstore_fixture import DEMO
from tests.framed_fixture import FramedProduct
from tests.merchants import make_person

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import FrameLocator, Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NEVER_LOADED_AGAIN = "window.neverLoadedAgain"


@pytest.fixture
def framed(framed_product: FramedProduct, admin_page: Page) -> FrameLocator:
    """The app's Home inside the admin of the store, which has just been installed."""
    # Only the stream tells a page of what another one spends: its own asking leads nowhere.
    admin_page.context.route("**/balance", lambda route: route.fulfill(status=404))
    admin_page.goto(framed_product.admin_url())
    frame = admin_page.frame_locator("iframe").first
    # The first load installs the app.
    frame.locator("[data-balance-button]").wait_for()
    balance_shown(frame, 100)
    return frame


@pytest.fixture
def dashboard(framed_product: FramedProduct, framed: FrameLocator, admin_page: Page) -> Page:
    """The web dashboard of the same account, open in another tab for Olivia."""
    account = Shop.objects.get(domain=f"{DEMO}.myshopify.com").account
    assert account is not None
    person = make_person("Olivia")
    Membership.objects.create(person=person, account=account)
    client = Client()
    client.force_login(person)
    cookie = {
        "name": settings.SESSION_COOKIE_NAME,
        "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
        "url": framed_product.product.url,
    }
    admin_page.context.add_cookies([cookie])  # type: ignore[list-item]
    page = admin_page.context.new_page()
    page.goto(f"{framed_product.product.url}/dashboard/")
    balance_shown(page, 100)
    return page


def balance_shown(page: Page | FrameLocator, total: int) -> None:
    """Wait until the header shows this balance."""
    page.locator(f"[data-balance-button] [data-balance=total]:text-is('{total}')").wait_for()


def test_a_photo_becomes_a_cut_out_in_the_frame_and_both_doors_show_every_spend_at_once(
    framed: FrameLocator, dashboard: Page, photographs: Path
) -> None:
    dashboard.evaluate(f"{NEVER_LOADED_AGAIN} = true")

    # In the frame: Home, Tools, the tool, a product's photo, the cut-out.
    framed.locator("main a[href='/tools/background-removal']").first.click()
    framed.locator("[data-photo-choice]").first.check()
    button = framed.locator("[data-run-button]")
    expect(button).to_contain_text("20 credits")
    button.click()
    balance_shown(dashboard, 80)
    balance_shown(framed, 80)
    framed.locator("[data-compare]").wait_for(timeout=120_000)
    found = Axe().run(dashboard.context.pages[0].frames[1])
    assert found.violations_count == 0, found.generate_report()
    assert dashboard.evaluate(NEVER_LOADED_AGAIN)

    # The other way round: on the dashboard, while the frame stays on its result.
    dashboard.goto(dashboard.url.rstrip("/") + "/tools/background-removal")
    dashboard.set_input_files("input[type=file]", photographs / "coffee.png")
    dashboard.locator("[data-run-button]").click()
    balance_shown(framed, 60)
    balance_shown(dashboard, 60)
    dashboard.locator("[data-compare]").wait_for(timeout=120_000)
    expect(framed.locator("[data-compare]")).to_be_visible()

    runs = list(Generation.objects.order_by("created_at"))
    assert [(run.surface, run.state, run.price) for run in runs] == [
        ("embedded", "succeeded", 20),
        ("web", "succeeded", 20),
    ]
    assert runs[0].product_title
    assert runs[0].account == runs[1].account
