"""The App Bridge stand-in, in Chromium: a small app on `localhost` inside the fake admin."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest
from django.conf import settings as django_settings
from playwright.sync_api import expect
from pytest_django.fixtures import Settings

from tests.devstore_fixture import DEMO, DevStore
from tests.plugins.browser import new_window

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Page

pytestmark = pytest.mark.browser

PAGE = """<!doctype html>
<html><head>
<meta name="shopify-api-key" content="development-client-id">
<script src="{bridge}"></script>
<title>{title}</title>
</head><body>
<s-app-nav><a href="/" rel="home">Home</a><s-link href="/tools">Tools</s-link>
<s-link href="/usage">Usage</s-link></s-app-nav>
<h1>{title}</h1>
<form data-save-bar id="settings"><input name="threshold" value="50"></form>
<a id="plain" href="/usage">Usage by a plain link</a>
<output></output>
<script>
  const show = (value) => {{ document.querySelector("output").textContent = JSON.stringify(value); }};
  document.querySelector("#settings").addEventListener("submit", (event) => {{
    event.preventDefault();
    show("saved " + event.target.threshold.value);
  }});
</script>
</body></html>"""


class SmallApp:
    """Pages for everybody with a token, a bounce page for the rest, and a JSON route."""

    def __init__(self, bridge: str) -> None:
        self.requests: list[tuple[str, str]] = []
        self.refuse_next = 0
        self.reauthorize_to = ""
        app = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                app.answer(self, bridge)

            def log_message(self, *args):
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}"

    def answer(self, handler: BaseHTTPRequestHandler, bridge: str) -> None:
        address = urlsplit(handler.path)
        authorization = handler.headers.get("Authorization", "")
        self.requests.append((address.path, authorization))
        if address.path == "/api":
            self.answer_fetch(handler, authorization)
            return
        title = {"/": "Home", "/tools": "Tools", "/bounce": "Bounce"}.get(address.path, "Usage")
        if address.path != "/bounce" and not self.holds(
            dict(parse_qsl(address.query)).get("id_token", "")
        ):
            handler.send_response(302)
            target = urlencode({"shopify-reload": f"{self.url}{address.path}"})
            handler.send_header("Location", f"/bounce?{target}")
            handler.end_headers()
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        # Third-party cookies are blocked in the frame; this one must never come back.
        handler.send_header("Set-Cookie", "plain=1; SameSite=Lax")
        handler.end_headers()
        handler.wfile.write(PAGE.format(bridge=bridge, title=title).encode())

    def answer_fetch(self, handler: BaseHTTPRequestHandler, authorization: str) -> None:
        refused = self.refuse_next > 0
        self.refuse_next -= refused
        handler.send_response(401 if refused or self.reauthorize_to else 200)
        if refused:
            handler.send_header("X-Shopify-Retry-Invalid-Session-Request", "1")
        if self.reauthorize_to:
            handler.send_header("X-Shopify-API-Request-Failure-Reauthorize", "1")
            handler.send_header(
                "X-Shopify-API-Request-Failure-Reauthorize-Url", self.reauthorize_to
            )
        handler.end_headers()
        body = {
            "cookies": handler.headers.get("Cookie", ""),
            "signed": self.holds(authorization[7:]),
        }
        handler.wfile.write(json.dumps(body).encode())

    def holds(self, token: str) -> bool:
        try:
            jwt.decode(
                token,
                django_settings.SHOPIFY_API_SECRET,
                algorithms=["HS256"],
                audience=django_settings.SHOPIFY_API_KEY,
            )
        except jwt.InvalidTokenError:
            return False
        return True


@pytest.fixture
def app(devstore: DevStore, settings: Settings) -> Iterator[SmallApp]:
    app = SmallApp(f"{devstore.url}/app-bridge.js")
    thread = threading.Thread(target=app.server.serve_forever, args=(0.05,))
    thread.start()
    settings.APP_URL = app.url
    yield app
    app.server.shutdown()
    thread.join()
    app.server.server_close()


@pytest.fixture
def admin(devstore: DevStore, app: SmallApp, chromium: Browser) -> Iterator[Page]:
    """The admin with the small app in its frame."""
    context = new_window(chromium, viewport={"width": 1280, "height": 800})
    context.grant_permissions(["local-network-access"])
    page = context.new_page()
    page.goto(admin_url(devstore))
    frame_of(page).get_by_role("heading", name="Home").wait_for()
    yield page
    context.close()


def admin_url(devstore: DevStore, path: str = "") -> str:
    return f"{devstore.url}/store/{DEMO}/apps/development-client-id{path}"


def frame_of(page: Page) -> FrameLocator:
    return page.frame_locator("#app-frame")


def run(page: Page, script: str) -> None:
    """Run script in the app's frame; what it shows is read by `shown`."""
    frame_of(page).locator("body").evaluate(f"async () => {{ {script} }}")


def shown(page: Page) -> str:
    output = frame_of(page).locator("output", has_text=re.compile("."))
    output.wait_for()
    return output.inner_text()


class TestTokens:
    def test_fetch_is_signed_and_no_cookie_rides_along(self, admin: Page):
        run(admin, "show(await (await fetch('/api')).json())")

        assert json.loads(shown(admin)) == {"cookies": "", "signed": True}

    def test_a_refused_fetch_is_repeated_once_with_a_new_token(self, admin: Page, app: SmallApp):
        app.refuse_next = 1

        run(admin, "show((await fetch('/api')).status)")

        tokens = [authorization for path, authorization in app.requests if path == "/api"]
        assert shown(admin) == "200"
        assert len(tokens) == 2
        assert tokens[0] != tokens[1]

    def test_refused_twice_it_stays_refused(self, admin: Page, app: SmallApp):
        app.refuse_next = 2

        run(admin, "show((await fetch('/api')).status)")

        assert shown(admin) == "401"

    def test_another_origin_gets_no_token(self, admin: Page, devstore: DevStore, app: SmallApp):
        run(
            admin, f"await fetch('{devstore.url}/app-bridge.js', {{mode: 'no-cors'}}); show('done')"
        )

        assert shown(admin) == '"done"'
        assert [path for path, _ in app.requests if path == "/api"] == []

    def test_the_bounce_page_comes_back_signed_in(self, admin: Page, app: SmallApp):
        frame_of(admin).locator("#plain").click()

        frame_of(admin).get_by_role("heading", name="Usage").wait_for()
        admin.wait_for_url("**/apps/development-client-id/usage")
        assert [path for path, _ in app.requests][-3:] == ["/usage", "/bounce", "/usage"]


class TestNavigation:
    def test_the_nav_items_stand_in_the_admins_side(self, admin: Page):
        items = admin.locator("[data-app-nav] a")
        expect(items).to_have_text(["Tools", "Usage"])
        expect(frame_of(admin).locator("s-app-nav")).to_be_hidden()

    def test_choosing_an_item_loads_it_and_moves_the_address(self, admin: Page, devstore: DevStore):
        admin.locator("[data-app-nav]").get_by_text("Tools").click()

        frame_of(admin).get_by_role("heading", name="Tools").wait_for()
        admin.wait_for_url(admin_url(devstore, "/tools"))
        current = admin.locator("[data-app-nav] a[aria-current=page]")
        expect(current).to_have_text("Tools")
        assert "id_token" not in admin.url

    def test_the_title_is_the_admins(self, admin: Page):
        run(admin, "document.title = 'Batch 7'")

        admin.locator("[data-title]", has_text="Batch 7").wait_for()

    def test_a_pushed_address_is_followed(self, admin: Page, devstore: DevStore):
        run(admin, "history.pushState(null, '', '/runs/5')")

        admin.wait_for_url(admin_url(devstore, "/runs/5"))

    def test_the_reauthorize_header_moves_the_top_window(
        self, admin: Page, app: SmallApp, devstore: DevStore
    ):
        app.reauthorize_to = f"{devstore.url}/store/{DEMO}/products"

        run(admin, "await fetch('/api')")

        admin.wait_for_url("**/products")

    def test_opening_in_top_moves_the_top_window(self, admin: Page, devstore: DevStore):
        run(admin, f"window.open('{devstore.url}/store/{DEMO}/controls', '_top')")

        admin.wait_for_url("**/controls")


class TestInterface:
    def test_a_toast_shows_in_the_admin(self, admin: Page):
        run(admin, "shopify.toast.show('Published')")

        admin.locator("[data-toasts]", has_text="Published").wait_for()

    def test_the_save_bar_saves_the_changed_form(self, admin: Page):
        frame_of(admin).locator("[name=threshold]").fill("80")

        admin.locator("[data-save]").click()

        assert shown(admin) == '"saved 80"'
        admin.locator("[data-save-bar]").wait_for(state="hidden")

    def test_discarding_puts_the_form_back(self, admin: Page):
        field = frame_of(admin).locator("[name=threshold]")
        field.fill("80")

        admin.locator("[data-discard]").click()

        admin.locator("[data-save-bar]").wait_for(state="hidden")
        expect(field).to_have_value("50")

    def test_leaving_with_changes_asks_first(self, admin: Page, devstore: DevStore):
        frame_of(admin).locator("[name=threshold]").fill("80")
        admin.locator("[data-app-nav]").get_by_text("Tools").click()
        admin.locator("button[value=stay]").click()
        expect(admin.locator("button[value=stay]")).to_be_hidden()
        assert admin.url == admin_url(devstore)

        admin.locator("[data-app-nav]").get_by_text("Tools").click()
        admin.locator("button[value=leave]").click()

        frame_of(admin).get_by_role("heading", name="Tools").wait_for()

    def test_the_picker_gives_the_chosen_products_up_to_its_limit(self, admin: Page):
        run(
            admin,
            "shopify.resourcePicker({type: 'product', multiple: 2})"
            ".then((chosen) => show(chosen.map(({title}) => title)))",
        )
        choices = admin.locator(".choice")
        choices.nth(2).wait_for()
        titles = choices.all_inner_texts()
        for position in range(3):
            choices.nth(position).click()
        admin.locator("button[value=choose]").click()

        assert json.loads(shown(admin)) == titles[:2]

    def test_a_cancelled_picker_gives_nothing(self, admin: Page):
        run(
            admin,
            "shopify.resourcePicker({type: 'product'}).then((chosen) => show(String(chosen)))",
        )
        admin.locator("button[value=cancel]").click()

        assert shown(admin) == '"undefined"'


class TestGuard:
    def test_only_the_apps_frame_is_given_a_token(self, admin: Page):
        asked: list[str] = []
        admin.on("request", lambda request: asked.append(request.url))

        admin.evaluate("window.postMessage({devstore: 1, type: 'idToken', id: 1}, '*')")
        with admin.expect_request_finished():
            admin.evaluate("fetch('/static/admin.css')")

        assert [url.rpartition("/")[2] for url in asked] == ["admin.css"]

    def test_no_other_site_can_take_the_apps_place(self, admin: Page, devstore: DevStore):
        elsewhere = devstore.url.replace("127.0.0.1", "localhost")

        with admin.expect_console_message(lambda message: "frame-src" in message.text):
            admin.evaluate("(url) => { document.querySelector('#app-frame').src = url }", elsewhere)
