"""Each way to a store's account, walked by its owner in the admin and by the person on the web."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from shopify_auth.models import Connection, Membership, Person
from tests.browser.test_accessibility import look
from tests.devstore_fixture import DEMO
from tests.merchants import make_person
from tests.plugins.browser import new_window

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Locator, Page

    from tests.framed_fixture import FramedProduct

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SETTINGS = "/settings/connection"


class Walk:
    """The owner in the admin, and one person on the web, each in a browser of their own."""

    def __init__(self, framed: FramedProduct, admin: Page, web: Page, found: list[str]) -> None:
        self.framed, self.admin, self.web, self.found = framed, admin, web, found
        size = admin.viewport_size
        assert size is not None
        self.width = size["width"]

    def open_settings(self) -> Frame:
        """The settings of the app in the store's admin."""
        self.admin.goto(self.framed.admin_url(SETTINGS))
        frame = self.admin.frame_locator("iframe").owner.element_handle().content_frame()
        assert frame is not None
        expect(frame.get_by_role("heading", name="Connections", exact=True)).to_be_visible()
        return frame

    def look_inside(self, frame: Frame, name: str) -> None:
        """Note what axe finds inside the admin's frame, and whether it overflows."""
        frame.evaluate(Axe().axe_script)
        report = AxeResults(frame.evaluate("axe.run({resultTypes: ['violations']})"))
        if report.violations_count:
            self.found.append(f"{name} in the admin at {self.width}: {report.generate_report()}")
        if frame.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self.found.append(f"{name} in the admin at {self.width} scrolls sideways")

    def look(self, name: str) -> None:
        """The same on the web."""
        look(self.web, name, self.found, widths=(self.width,))
        self.web.set_viewport_size({"width": self.width, "height": 900})


def by_the_plugin(walk: Walk) -> None:
    frame = walk.open_settings()
    frame.get_by_role("button", name="Open on the web").click()
    link: Locator = frame.get_by_role("link", name="Sign in on the web")
    address = link.get_attribute("href")
    walk.look_inside(frame, "the link")
    walk.web.goto(address or "")
    walk.look("asking by the link")
    walk.web.get_by_role("button", name="Ask to join").click()


def by_the_web(walk: Walk) -> None:
    walk.web.goto("/dashboard/connect")
    walk.look("connect")
    walk.web.get_by_label("Store domain").fill(DEMO)
    walk.web.get_by_role("button", name="Ask the store").click()


def by_a_code_of_the_store(walk: Walk) -> None:
    frame = walk.open_settings()
    frame.get_by_role("button", name="Show a code").click()
    code = frame.locator("code").first.inner_text()
    walk.look_inside(frame, "the code")
    walk.web.goto("/dashboard/connect")
    walk.web.get_by_label("Code shown in Shopify").fill(code.lower())
    walk.web.get_by_role("button", name="Use code").click()


def by_a_code_of_the_web(walk: Walk) -> None:
    walk.web.goto("/dashboard/connect")
    walk.web.get_by_role("button", name="Show a code for the store").click()
    code = walk.web.locator("code").first.inner_text()
    walk.look("the code")
    frame = walk.open_settings()
    frame.get_by_label("Code shown on the web").fill(code)
    frame.get_by_role("button", name="Use code").click()
    expect(frame.get_by_text("wants to join. Decide below.")).to_be_visible()
    walk.web.goto("/dashboard/connect")
    walk.web.get_by_role("link", name=DEMO).click()


WAYS: list[Callable[[Walk], None]] = [
    by_the_plugin, by_the_web, by_a_code_of_the_store, by_a_code_of_the_web,
]  # fmt: skip


@pytest.fixture
def web(chromium: Browser, framed_product: FramedProduct) -> Iterator[Page]:
    context = new_window(
        chromium, base_url=framed_product.product.url, viewport={"width": 1280, "height": 900}
    )
    yield context.new_page()
    context.close()


def sign_in(web: Page, person: Person) -> None:
    """By the form, so that the password was typed a moment ago."""
    web.goto("/dashboard/sign-in/login/")
    web.locator("[name=login]").fill(person.email or "")
    web.locator("[name=password]").fill("correct horse")
    web.locator("[name=password]").press("Enter")
    web.wait_for_url(lambda url: "/sign-in/" not in url)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_way_from_the_first_press_to_the_shared_balance(
    framed_product: FramedProduct,
    admin_page: Page,
    web: Page,
    way: Callable[[Walk], None],
    width: int,
):
    for page in (admin_page, web):
        page.set_viewport_size({"width": width, "height": 900})
    found: list[str] = []
    walk = Walk(framed_product, admin_page, web, found)
    walk.open_settings()
    wendy = make_person("Wendy")
    sign_in(web, wendy)

    way(walk)
    expect(web.get_by_text("The store's owner now decides in Shopify")).to_be_visible()
    walk.look("asked")
    assert not Membership.objects.exists()

    frame = walk.open_settings()
    expect(frame.get_by_text("wendy@example.com")).to_be_visible()
    walk.look_inside(frame, "who asks")
    frame.get_by_label("Role").select_option("maker")
    frame.get_by_role("button", name="Let them in").click()
    expect(frame.get_by_text("joins once they confirm")).to_be_visible()
    assert not Membership.objects.exists()

    web.reload()
    expect(web.get_by_text("Its account has 100 credits now")).to_be_visible()
    walk.look("let in")
    web.get_by_role("button", name="Connect").click()
    expect(web.get_by_text("You are connected.")).to_be_visible()
    walk.look("connected")
    assert Membership.objects.get().person == wendy
    assert Connection.objects.get().key_id is not None
    web.get_by_role("link", name="Open the account").click()
    expect(web.locator("[data-part=balance-button]")).to_contain_text("100")
    assert found == []
