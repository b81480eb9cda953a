"""The app inside https://admin.shopify.com, in Chromium, which blocks third-party cookies."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from credits import ledger
from shopify_auth.models import OfflineToken, Shop
from tests.browser.live_pages import until
from tests.embedded import SHOP, place, session_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Frame, Page, Request

    from tests.merchants import Merchant
    from tests.plugins.browser import Product

ADMIN = "https://admin.shopify.com"
APP_BRIDGE = (Path(__file__).parent / "app_bridge.js").read_text()
# A token that has fifteen of its sixty seconds left, counting the leeway for clocks that differ.
LAST_SECONDS = {"exp": 5, "nbf": -55, "iat": -55}
LONGER_MILLISECONDS = 16_000

pytestmark = pytest.mark.browser


@dataclass
class Admin:
    """Shopify's admin in a browser window, with the app in its frame."""

    page: Page
    product: Product
    token_times: dict[str, int] = field(default_factory=dict)
    loads: list[str] = field(default_factory=list)
    sent_cookies: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def token(self) -> str:
        """The next of `tokens`, or one of Olivia's store, fresh unless `token_times` moves it."""
        if self.tokens:
            return self.tokens.pop(0)
        now = int(time.time())
        return session_token(**{name: now + moved for name, moved in self.token_times.items()})

    def open(self, path: str = "/", token: str = "", parent: str = ADMIN, **more: str) -> Frame:
        """Open the app's page in a frame of `parent`."""
        query = place(id_token=token or self.token(), **more)
        src = f"{self.product.url}{path}?{urlencode(query)}"
        html = f'<iframe src="{src.replace("&", "&amp;")}" width="1200" height="800"></iframe>'
        self.page.route(
            f"{parent}/**",
            lambda route: route.fulfill(body=html, content_type="text/html"),
        )
        self.page.goto(f"{parent}/store/olivias-mugs/apps/ecomvance")
        return self.page.frames[1]

    def paths(self) -> list[str]:
        """The documents that the frame has loaded, in order."""
        return [urlsplit(url).path for url in self.loads]


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    """Olivia's store, installed before; Shopify itself is out of reach here."""
    now = timezone.now()
    account = ledger.open_account(name="Olivia's Mugs")
    shop = Shop.objects.create(domain=SHOP, shopify_id="700001", account=account, installed_at=now)
    OfflineToken.objects.create(
        shop=shop,
        state=OfflineToken.State.ACTIVE,
        access_token="shpat_not-a-real-token",
        expires_at=now + timedelta(hours=1),
    )
    return shop


@pytest.fixture
def admin(
    shop: Shop,
    product: Product,
    open_context: Callable[..., BrowserContext],
    complaints: list[str],
) -> Any:
    """A browser in which the merchant is signed in to Shopify."""
    context = open_context()
    # Chromium lets no public page reach this machine; the app is on it only here.
    context.grant_permissions(["local-network-access"])
    page = context.new_page()
    admin = Admin(page, product)
    page.expose_function("signSessionToken", admin.token)
    page.route(
        "https://cdn.shopify.com/shopifycloud/app-bridge.js",
        lambda route: route.fulfill(body=APP_BRIDGE, content_type="text/javascript"),
    )

    def note(request: Request) -> None:
        if not request.url.startswith(product.url):
            return
        if request.resource_type == "document":
            admin.loads.append(request.url)
        admin.sent_cookies.append(request.all_headers().get("cookie", ""))

    page.on("request", note)
    yield admin
    elsewhere = "request to another host: "
    known = (f"{elsewhere}{ADMIN}/", f"{elsewhere}https://cdn.shopify.com/shopifycloud/app-bridge")
    complaints[:] = [text for text in complaints if not text.startswith(known)]


def test_the_app_works_in_the_admin_without_any_cookie(admin: Admin, owner: Merchant):
    """Olivia is signed in to the dashboard in the same browser; the frame gains nothing by it."""
    name, value = "sessionid", owner.client.cookies["sessionid"].value
    admin.page.context.add_cookies([{"name": name, "value": value, "url": admin.product.url}])
    frame = admin.open()
    expect(frame.locator("[data-balance=total]").first).to_have_text("100")
    expect(frame.locator("body")).to_have_attribute("data-surface", "embedded")
    assert admin.paths() == ["/"]
    # The token came in the address and is not left there for histories and Referers.
    assert "id_token=" in admin.loads[0]
    assert "id_token" not in frame.url
    assert set(admin.sent_cookies) == {""}


def test_a_spend_shows_in_the_frame_at_once(admin: Admin, shop: Shop):
    frame = admin.open()
    frame.locator("[data-balance=total]").first.wait_for()
    assert shop.account_id is not None
    ledger.spend(shop.account_id, 5, key="a cut-out", tool="background-removal")
    frame.locator("[data-balance=total]:text-is('95')").first.wait_for()


def test_another_site_cannot_frame_the_app(admin: Admin, complaints: list[str]):
    frame = admin.open(parent="https://evil.example")
    until(admin.page, lambda: frame.url.startswith("chrome-error://"))
    until(admin.page, lambda: any("frame-ancestors" in text for text in complaints))
    complaints.clear()


def test_a_stale_token_is_replaced_on_the_bounce_page(admin: Admin):
    frame = admin.open("/tools", token=session_token(exp=1, nbf=0, iat=0))
    frame.get_by_role("heading", name="Tools", exact=True).wait_for()
    assert admin.paths() == ["/tools", "/auth/session-token", "/tools"]


def test_links_go_on_working_when_the_first_token_is_long_dead(admin: Admin):
    """Every token lives fifteen seconds here, so each page outlives its own; no page bounces."""
    admin.token_times = LAST_SECONDS
    frame = admin.open()
    frame.locator("[data-balance=total]").first.wait_for()
    for path in ("/tools", "/tools/background-removal"):
        admin.page.wait_for_timeout(LONGER_MILLISECONDS)
        frame.locator(f"a[href='{path}']:visible").first.click()
        frame.wait_for_url(f"**{path}?*")
        frame.locator("[data-balance=total]").first.wait_for()
    assert admin.paths() == ["/", "/tools", "/tools/background-removal"]


def test_a_fetch_with_a_dead_token_is_sent_again_and_nobody_notices(admin: Admin):
    frame = admin.open()
    frame.locator("[data-balance=total]").first.wait_for()
    statuses: list[int] = []
    admin.tokens = [session_token(exp=1, nbf=0, iat=0)]
    admin.page.on(
        "response",
        lambda answer: statuses.append(answer.status) if "/gallery?again" in answer.url else None,
    )
    assert frame.evaluate("fetch('/gallery?again').then((answer) => answer.status)") == 200
    until(admin.page, lambda: len(statuses) > 1)
    assert statuses == [401, 200]


def test_a_refusal_leads_home_without_leaving_the_frame(admin: Admin):
    """A page that bounced twice just now and still has no good token."""
    frame = admin.open("/tools", token="stale", bounced=f"2-{int(time.time())}")
    frame.get_by_text("Open this page again from your Shopify admin").wait_for()
    frame.get_by_role("link", name="ecomVance").click()
    frame.locator("[data-balance=total]").first.wait_for()
    assert admin.paths() == ["/tools", "/"]


def test_back_in_the_frame_shows_the_page_before(admin: Admin):
    frame = admin.open()
    frame.locator("a[href='/tools']:visible").first.click()
    frame.wait_for_url("**/tools?*")
    frame.evaluate("history.back()")
    frame.wait_for_url(lambda url: urlsplit(url).path == "/")
    frame.get_by_role("heading", name="Home", exact=True).wait_for()


def test_an_export_downloads_and_the_page_stays(admin: Admin):
    """However old the page is: a download carries no session token, so its link is made afresh."""
    frame = admin.open("/usage")
    frame.locator("[data-balance=total]").first.wait_for()
    with admin.page.expect_download() as download:
        frame.get_by_role("link", name="Export CSV").click()
    assert (
        download.value.path()
        .read_text(encoding="utf-8-sig")
        .startswith("sequence,utc_time,local_time")
    )
    expect(frame.get_by_role("heading", name="Usage", exact=True)).to_be_visible()
    assert set(admin.sent_cookies) == {""}
