"""Installation by redirects: signed by Shopify, begun by us, in this browser, once."""

from __future__ import annotations

import hashlib
import hmac
import html
import re
import time
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from django.conf import settings as django_settings
from django.test import Client

from ecomvance_app.celery import app
from shopify_auth.models import OfflineToken, Shop
from tests.embedded import SECOND_SHOP, SHOP, host_of

HANDLE = SHOP.removesuffix(".myshopify.com")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _switched_on(settings):
    settings.SHOPIFY_LEGACY_INSTALL = True


def signed(secret="", **query):
    """A query as Shopify signs it."""
    fields = {"shop": SHOP, "host": host_of(), "timestamp": str(int(time.time())), **query}
    text = "&".join(f"{key}={value}" for key, value in sorted(fields.items()))
    key = (secret or django_settings.SHOPIFY_API_SECRET).encode()
    return fields | {"hmac": hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}


def agree(store_access, authorize_url):
    """The merchant agrees on Shopify's page; the query they come back with."""
    query = dict(parse_qsl(urlsplit(authorize_url).query))
    shop = urlsplit(authorize_url).path.split("/")[2]
    response = requests.post(
        f"{store_access.url}/shops/{shop}/admin/oauth/grant",
        data=query,
        allow_redirects=False,
        timeout=10,
    )
    assert response.headers["Location"].startswith(query["redirect_uri"])
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query))


@pytest.fixture
def store(store_access):
    """Olivia's store, which does not have the app yet."""
    with store_access.changed_shop(HANDLE) as shop:
        shop.installed = False
    return store_access


def test_the_whole_way_from_shopifys_link_into_the_admin(client, store):
    opened = client.get("/", signed())
    assert urlsplit(opened["Location"]).path == "/auth/install"
    begun = client.get(opened["Location"])
    assert f"/shops/{SHOP}/admin/oauth/authorize?" in begun["Location"]
    back = client.get("/auth/callback", agree(store, begun["Location"]))
    assert back.status_code == 302
    assert back["Location"].endswith(f"/apps/{django_settings.SHOPIFY_API_KEY}")
    shop = Shop.objects.get()
    assert (shop.state, shop.account.plan_balance) == (Shop.State.INSTALLED, 100)
    assert OfflineToken.objects.get().refresh_token


def test_a_return_looks_for_what_was_paid_meanwhile(
    client, store, monkeypatch, django_capture_on_commit_callbacks
):
    sent: list[str] = []
    monkeypatch.setattr(app, "send_task", lambda name, **_options: sent.append(name))
    begun = client.get("/auth/install", signed())

    with django_capture_on_commit_callbacks(execute=True):
        client.get("/auth/callback", agree(store, begun["Location"]))

    assert sent.count("shopify_auth.bring_in_line") == 1


def test_begun_inside_the_frame_it_goes_on_in_the_whole_window(client, store):
    """The page where the merchant agrees refuses every frame, and the frame keeps no cookie."""
    opened = client.get("/", signed(embedded="1"), headers={"Sec-Fetch-Dest": "iframe"})
    assert opened.status_code == 200
    assert f"frame-ancestors https://{SHOP} " in opened["Content-Security-Policy"]
    link = re.search('href="([^"]+)" target="_top"', opened.text)
    assert link is not None
    begun = client.get(html.unescape(link[1]))
    assert f"/shops/{SHOP}/admin/oauth/authorize?" in begun["Location"]


def test_a_return_works_once(client, store):
    begun = client.get("/auth/install", signed())
    query = agree(store, begun["Location"])
    cookies = client.cookies.output()
    assert client.get("/auth/callback", query).status_code == 302
    assert "shopify_install_state" in cookies
    client.cookies["shopify_install_state"] = query["state"]
    assert client.get("/auth/callback", query).status_code == 400


def test_a_return_counts_in_the_browser_that_began(client, store):
    query = agree(store, client.get("/auth/install", signed())["Location"])
    assert Client().get("/auth/callback", query).status_code == 400
    assert not Shop.objects.exists()


def test_a_state_of_another_store_does_not_count(client, store):
    state = client.get("/auth/install", signed())
    other = dict(parse_qsl(urlsplit(state["Location"]).query))["state"]
    query = signed(shop=SECOND_SHOP, code="a-code", state=other)
    assert client.get("/auth/callback", query).status_code == 400


@pytest.mark.parametrize("state", ["", "made-up", "a:b:c"])
def test_a_state_that_is_not_ours_does_not_count(client, store, state):
    client.cookies["shopify_install_state"] = state
    query = signed(code="a-code", state=state)
    assert client.get("/auth/callback", query).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"shop": SHOP},
        {"shop": SHOP, "hmac": "0" * 64, "timestamp": "1"},
        {"shop": SHOP, "hmac": "é", "timestamp": "now"},
    ],
)
def test_an_unsigned_beginning_is_refused(client, query):
    assert client.get("/auth/install", query).status_code == 400


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_signature_of_another_time_is_refused(client, hours):
    another_time = str(int(time.time()) + hours * 3600)
    assert client.get("/auth/install", signed(timestamp=another_time)).status_code == 400


@pytest.mark.parametrize(
    "changes", [{"timestamp": "soon"}, {"secret": "somebody-else"}, {"shop": "evil.com"}], ids=str
)
def test_what_shopify_did_not_sign_for_a_store_is_refused(client, changes):
    assert client.get("/auth/install", signed(**changes)).status_code == 400


def test_one_changed_parameter_breaks_the_signature(client):
    query = signed() | {"shop": SECOND_SHOP}
    assert client.get("/auth/install", query).status_code == 400


def test_two_parameters_do_not_pass_for_one(client):
    """Joined without escaping, both queries are the same text."""
    query = signed(locale="en", session="s")
    both = f"{query.pop('locale')}&session={query.pop('session')}"
    assert client.get("/auth/install", query | {"locale": both}).status_code == 400


def test_an_ampersand_in_a_value_is_signed_escaped(client, store):
    query = signed(locale="a%26b=c") | {"locale": "a&b=c"}
    assert client.get("/auth/install", query).status_code == 302


def test_values_may_be_signed_percent_encoded(client, store):
    fields = {"shop": SHOP, "timestamp": str(int(time.time())), "locale": "en US"}
    text = urlencode(sorted(fields.items())).replace("+", "%20")
    key = django_settings.SHOPIFY_API_SECRET.encode()
    query = fields | {"hmac": hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}
    assert client.get("/auth/install", query).status_code == 302


def test_a_code_that_shopify_refuses_installs_nothing(client, store):
    begun = client.get("/auth/install", signed())
    agree(store, begun["Location"])
    state = dict(parse_qsl(urlsplit(begun["Location"]).query))["state"]
    query = signed(code="another-code", state=state)
    assert client.get("/auth/callback", query).status_code == 400
    assert not OfflineToken.objects.filter(state=OfflineToken.State.ACTIVE).exists()


def test_switched_off_there_is_nothing(client, settings):
    settings.SHOPIFY_LEGACY_INSTALL = False
    assert client.get("/auth/install", signed()).status_code == 404
    assert client.get("/auth/callback", signed()).status_code == 404
