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
from django.core import signing
from django.test import Client
from shopify import Session

from ecomvance_app.celery import app
from shopify_auth.billing import schedule
from shopify_auth.models import OfflineToken, Shop
from tests.embedded import SECOND_SHOP, SHOP, host_of, place, session_token

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

    assert sent.count(schedule.RECONCILE) == 1


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
    cookie = client.cookies["shopify_install_state"].value
    assert client.get("/auth/callback", query).status_code == 302
    client.cookies["shopify_install_state"] = cookie
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
    "changes",
    [
        {"timestamp": "soon"},
        {"timestamp": "9" * 400},
        {"secret": "somebody-else"},
        {"shop": "evil.com"},
    ],
    ids=str,
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


def test_lists_are_signed_as_lists(client, store):
    query = signed(ids='["1", "2"]')
    del query["ids"]
    both = query | {"ids[]": ["1", "2"]}
    assert client.get("/auth/install", both).status_code == 302
    assert client.get("/auth/install", query | {"ids[]": ["1", "3"]}).status_code == 400


def test_our_own_parameters_read_the_same_in_every_form_of_the_signature(client, store):
    """Shopify's libraries disagree on whether values are percent-encoded before they are signed."""
    begun = client.get("/auth/install", signed())
    query = agree(store, begun["Location"])
    assert re.fullmatch("[0-9a-f]{32}", query["state"])
    assert urlencode(query) == "&".join(f"{key}={value}" for key, value in query.items())


def test_while_the_secret_rotates_both_sign_and_no_third(client, store, settings):
    settings.SHOPIFY_API_SECRET_OLD = "the-secret-before-of-32-or-more-characters"
    for secret, status in ((settings.SHOPIFY_API_SECRET_OLD, 302), ("", 302), ("another", 400)):
        assert client.get("/auth/install", signed(secret)).status_code == status
    settings.SHOPIFY_API_SECRET_OLD = ""
    old = signed("the-secret-before-of-32-or-more-characters")
    assert client.get("/auth/install", old).status_code == 400


def test_no_secret_is_ever_on_the_librarys_shared_class(client, store):
    client.get("/auth/install", signed())
    assert (Session.secret, Session.api_key) == (None, None)


def test_a_state_that_the_cookie_does_not_hold_does_not_count(client, store):
    begun = client.get("/auth/install", signed())
    query = agree(store, begun["Location"])
    other = signed(code=query["code"], state="0" * 32)
    assert client.get("/auth/callback", other).status_code == 400


def test_a_cookie_of_an_earlier_version_begins_again(client, store):
    old = signing.dumps({"shop": SHOP, "nonce": "0" * 32}, salt="shopify-install")
    client.cookies["shopify_install_state"] = old
    assert client.get("/auth/callback", signed(code="a-code", state=old)).status_code == 400


def test_a_code_that_shopify_refuses_installs_nothing(client, store):
    begun = client.get("/auth/install", signed())
    agree(store, begun["Location"])
    state = dict(parse_qsl(urlsplit(begun["Location"]).query))["state"]
    query = signed(code="another-code", state=state)
    assert client.get("/auth/callback", query).status_code == 400
    assert not OfflineToken.objects.filter(state=OfflineToken.State.ACTIVE).exists()


def test_a_store_whose_permissions_no_longer_suffice_is_asked_again_when_it_is_opened(
    client, store_access, settings
):
    def opening():
        return client.get(
            "/",
            signed(embedded="1", id_token=session_token()),
            headers={"Sec-Fetch-Dest": "iframe"},
        )

    assert opening().wsgi_request.account is not None
    settings.SHOPIFY_SCOPES = ["read_products", "write_files"]
    link = re.search('href="([^"]+)" target="_top"', opening().text)
    assert link is not None
    at_work = client.get("/", place(id_token=session_token()))
    assert at_work.wsgi_request.account is not None

    begun = client.get(html.unescape(link[1]))
    assert client.get("/auth/callback", agree(store_access, begun["Location"])).status_code == 302
    assert Shop.objects.get().scopes == settings.SHOPIFY_SCOPES
    assert opening().wsgi_request.account is not None


def test_switched_off_there_is_nothing(client, settings):
    settings.SHOPIFY_LEGACY_INSTALL = False
    assert client.get("/auth/install", signed()).status_code == 404
    assert client.get("/auth/callback", signed()).status_code == 404
