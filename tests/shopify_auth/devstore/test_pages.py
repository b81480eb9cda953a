"""The fake's admin pages: the signed address in the frame, installation, and its own guard."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import requests
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from tests.devstore_fixture import DEMO, DevStore


def framed_address(page: str) -> str:
    found = re.search(r'data-src="([^"]+)"', page)
    assert found
    return unescape(found[1])


def open_app(devstore: DevStore, path: str = "") -> requests.Response:
    return requests.get(f"{devstore.url}/store/{DEMO}/apps/development-client-id{path}", timeout=10)


class TestFrame:
    def test_the_address_carries_shopifys_document_parameters(self, devstore: DevStore):
        address = urlsplit(framed_address(open_app(devstore, "/usage?month=2026-11").text))
        query = dict(parse_qsl(address.query))

        assert f"{address.scheme}://{address.netloc}{address.path}" == "http://localhost:8000/usage"
        assert query["month"] == "2026-11"
        assert query["shop"] == "ecomvance-demo.myshopify.com"
        assert query["embedded"] == "1"
        assert {"timestamp", "session", "locale", "hmac", "id_token"} <= query.keys()
        padded = query["host"] + "=" * (-len(query["host"]) % 4)
        host = devstore.url.removeprefix("http://")
        assert "=" not in query["host"]
        assert base64.b64decode(padded).decode() == f"{host}/store/{DEMO}"

    def test_the_query_is_signed_with_the_apps_secret(self, devstore: DevStore, settings: Settings):
        query = dict(parse_qsl(urlsplit(framed_address(open_app(devstore).text)).query))
        signature = query.pop("hmac")

        message = "&".join(f"{key}={value}" for key, value in sorted(query.items()))
        expected = hmac.new(settings.SHOPIFY_API_SECRET.encode(), message.encode(), hashlib.sha256)

        assert signature == expected.hexdigest()

    def test_each_load_brings_a_token_of_its_own(self, devstore: DevStore, settings: Settings):
        def token() -> str:
            query = dict(parse_qsl(urlsplit(framed_address(open_app(devstore).text)).query))
            claims = jwt.decode(
                query["id_token"],
                settings.SHOPIFY_API_SECRET,
                algorithms=["HS256"],
                audience=settings.SHOPIFY_API_KEY,
            )
            return str(claims["jti"])

        assert token() != token()

    def test_stale_parameters_in_the_address_are_replaced(self, devstore: DevStore):
        page = open_app(devstore, "/?shop=second-demo.myshopify.com&id_token=old&embedded=0")
        query = dict(parse_qsl(urlsplit(framed_address(page.text)).query))

        assert query["shop"] == "ecomvance-demo.myshopify.com"
        assert query["id_token"] != "old"

    def test_another_apps_id_is_not_found(self, devstore: DevStore):
        url = f"{devstore.url}/store/{DEMO}/apps/another-app"

        assert requests.get(url, timeout=10).status_code == 404


class TestInstallation:
    def test_an_uninstalled_app_asks_first_and_has_no_token(self, devstore: DevStore):
        devstore.press("uninstall")

        assert "Install ecomVance" in open_app(devstore).text
        refused = requests.post(f"{devstore.url}/store/{DEMO}/session_token", timeout=10)
        assert refused.status_code == 403

    def test_installing_opens_the_app(self, devstore: DevStore):
        devstore.press("uninstall")

        page = requests.post(f"{devstore.url}/store/{DEMO}/install", timeout=10)

        assert framed_address(page.text).startswith("http://localhost:8000/?")

    def test_new_scopes_are_granted_at_the_next_opening(
        self, devstore: DevStore, settings: Settings
    ):
        devstore.misbehave(webhook_lost=-1)
        settings.SHOPIFY_SCOPES = ["read_products", "write_files"]

        open_app(devstore)

        body = devstore.deliveries("app/scopes_update")[0].body
        assert '"previous": ["read_products"]' in body
        assert devstore.shop().scopes == ["read_products", "write_files"]

    def test_the_legacy_flow_opens_the_app_in_the_top_window(
        self, devstore: DevStore, settings: Settings
    ):
        settings.SHOPIFY_LEGACY_INSTALL = True
        devstore.press("uninstall")

        opened = requests.post(
            f"{devstore.url}/store/{DEMO}/install", allow_redirects=False, timeout=10
        )

        query = dict(parse_qsl(urlsplit(opened.headers["Location"]).query))
        assert query.keys() == {"shop", "host", "timestamp", "hmac"}
        assert not devstore.shop().installed


class TestGuard:
    @pytest.mark.parametrize("path", ["", "/products", "/controls", "/apps/development-client-id"])
    def test_every_admin_page_refuses_to_be_framed(self, devstore: DevStore, path: str):
        page = requests.get(f"{devstore.url}/store/{DEMO}{path}", timeout=10)

        assert page.status_code == 200
        assert page.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]

    def test_another_sites_page_can_press_no_button(self, devstore: DevStore):
        refused = requests.post(
            f"{devstore.url}/store/{DEMO}/controls/uninstall",
            headers={"Origin": "http://localhost:8000"},
            timeout=10,
        )

        assert refused.status_code == 403
        assert devstore.shop().installed

    def test_an_unknown_store_is_not_found(self, devstore: DevStore):
        assert requests.get(f"{devstore.url}/store/nobody", timeout=10).status_code == 404

    def test_under_the_apps_host_name_it_sends_to_its_own(self, devstore: DevStore):
        same_site = devstore.url.replace("127.0.0.1", "localhost")

        sent = requests.get(f"{same_site}/store/{DEMO}", allow_redirects=False, timeout=10)

        assert sent.headers["Location"] == f"{devstore.url}/store/{DEMO}"

    def test_only_its_own_files_are_served(self, devstore: DevStore):
        for path in ("/static/admin.py", "/files/uploads/state.json", "/files/no/1.png"):
            assert requests.get(f"{devstore.url}{path}", timeout=10).status_code == 404


class TestCommand:
    def test_it_is_refused_outside_development(self, settings: Settings):
        settings.DEBUG = False
        settings.DEV_STORE = "http://127.0.0.1:8001"

        with pytest.raises(CommandError, match="Set DEBUG=on"):
            call_command("devstore")

    def test_it_is_refused_without_an_address(self, settings: Settings):
        settings.DEBUG = True
        settings.DEV_STORE = ""

        with pytest.raises(CommandError, match="DEV_STORE=http"):
            call_command("devstore")

    def test_it_serves_only_where_the_app_looks(self, settings: Settings):
        settings.DEBUG = True
        settings.DEV_STORE = "http://127.0.0.1:8001"

        with pytest.raises(CommandError, match="names port 8001"):
            call_command("devstore", port=9001)

    def test_a_busy_port_is_named(self, devstore: DevStore, settings: Settings):
        settings.DEBUG = True

        with pytest.raises(CommandError, match="is busy"):
            call_command("devstore")


def test_the_controls_list_charges_and_webhooks(devstore: DevStore):
    devstore.misbehave(webhook_lost=-1)
    devstore.press("compliance", topic="shop/redact")

    page = requests.get(f"{devstore.url}/store/{DEMO}/controls", timeout=10).text

    assert "shop/redact" in page
    assert "lost" in page
    assert "always" in page


def test_forgetting_everything_brings_the_first_day_back(devstore: DevStore):
    devstore.press("uninstall")
    devstore.move_clock(days=30)

    devstore.press("reset")

    assert devstore.shop().installed
    assert devstore.deliveries() == []
    assert not (devstore.fake.folder.parent / "clock_shift").exists()
