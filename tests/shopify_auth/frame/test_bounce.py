"""The app in Shopify's frame: who gets a page, who is sent where, and who may frame it."""

from __future__ import annotations

import base64
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from shopify_auth.frame.addresses import is_admin_url, leave_frame
from shopify_auth.models import Person, Shop
from tests.embedded import (
    SECOND_SHOP,
    SHOP,
    STAFF,
    bearer,
    host_of,
    open_page,
    place,
    session_token,
)

RETRY = "X-Shopify-Retry-Invalid-Session-Request"
IN_FRAME = {"Sec-Fetch-Dest": "iframe"}
IN_WINDOW = {"Sec-Fetch-Dest": "document"}
STALE = {"exp": 1, "nbf": 0, "iat": 0}

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(store_access):
    """A browser with the admin open; Shopify gives access to every store."""
    return Client()


@pytest.fixture
def production(browser, settings):
    """Stores live at Shopify; nothing here has to be asked there."""
    open_page(browser)
    settings.DEV_STORE = ""
    return browser


# --- Page loads ----------------------------------------------------------------------------------


def test_a_fresh_token_shows_the_page_and_lets_only_the_stores_admin_frame_it(browser):
    response = open_page(browser)
    assert response.status_code == 200
    policy = response["Content-Security-Policy"]
    assert f"frame-ancestors https://{SHOP} https://admin.shopify.com" in policy
    assert "X-Frame-Options" not in response
    assert response.wsgi_request.surface == "embedded"


def test_each_store_has_a_frame_policy_and_an_account_of_its_own(browser):
    first, second = open_page(browser), open_page(browser, SECOND_SHOP)
    assert SECOND_SHOP in second["Content-Security-Policy"]
    assert SHOP not in second["Content-Security-Policy"]
    assert first.wsgi_request.account != second.wsgi_request.account


def test_no_cookie_is_needed_or_believed(browser, owner):
    own = open_page(owner.client).wsgi_request
    assert own.account != owner.account
    assert own.user != owner.person
    assert own.user == Person.objects.get(shop_staff__shopify_user_id=STAFF)
    assert owner.client.get("/", place()).url.startswith("/auth/session-token?")
    fetch = owner.client.get("/balance", headers={"HX-Request": "true"})
    assert fetch.status_code == 401


@pytest.mark.parametrize("token", ["", "nonsense", "stale", "forged"])
def test_a_page_without_a_good_token_fetches_one_on_the_bounce_page(browser, token):
    text = {
        "stale": session_token(**STALE),
        "forged": session_token(secret="somebody-elses-secret-of-32-or-more"),
    }.get(token, token)
    response = browser.get("/tools", place(id_token=text, session="s", page="2"))
    assert response.status_code == 302
    target = urlsplit(response["Location"])
    query = parse_qs(target.query)
    assert target.path == "/auth/session-token"
    assert "id_token" not in query
    assert query["shop"] == [SHOP]
    wanted = urlsplit(query["shopify-reload"][0])
    assert (wanted.scheme, wanted.netloc, wanted.path) == ("http", "localhost:8000", "/tools")
    assert parse_qs(wanted.query)["page"] == ["2"]
    assert "id_token" not in parse_qs(wanted.query)
    bounced = browser.get(response["Location"])
    assert bounced.status_code == 200
    assert f"frame-ancestors https://{SHOP} " in bounced["Content-Security-Policy"]
    assert "shopify-api-key" in bounced.text
    assert SHOP not in bounced.text


def test_a_page_that_is_bounced_again_and_again_is_refused(browser):
    address = f"/tools?{'&'.join(f'{k}={v}' for k, v in place().items())}"
    for _ in range(2):
        bounce = browser.get(address)
        assert bounce.status_code == 302
        address = parse_qs(urlsplit(bounce["Location"]).query)["shopify-reload"][0]
    refused = browser.get(address, headers=IN_FRAME)
    assert refused.status_code == 401
    assert_is_shown_in_the_frame(refused)


@pytest.mark.parametrize(("seconds", "status"), [(50, 401), (70, 302)])
def test_a_page_that_stayed_open_may_bounce_again(browser, seconds, status):
    response = browser.get("/tools", place(bounced=f"2-{int(time.time()) - seconds}"))
    assert response.status_code == status


def assert_is_shown_in_the_frame(page):
    """The admin may frame it, App Bridge says that it is there, and nothing leads out."""
    assert f"frame-ancestors https://{SHOP} https://admin." in page["Content-Security-Policy"]
    head, _, body = page.text.partition("</head>")
    assert head.index("shopify-api-key") < head.index("app-bridge.js") < head.index("frame.js")
    assert 'href="/"' in body
    assert "/dashboard/" not in page.text


@pytest.mark.parametrize("token", ["", "stale", "fresh"])
def test_an_address_that_does_not_exist_says_so_in_the_frame(browser, token):
    text = {"stale": session_token(**STALE), "fresh": session_token()}.get(token, "")
    missing = browser.get("/nothing/here", place(id_token=text), headers=IN_FRAME)
    assert missing.status_code == 404
    assert_is_shown_in_the_frame(missing)
    in_window = browser.get("/nothing/here", place(), headers=IN_WINDOW)
    assert in_window["Content-Security-Policy"].endswith("frame-ancestors 'none'")


def test_another_apps_token_is_refused_in_the_frame(browser):
    query = place(id_token=session_token(aud="another-app"))
    refused = browser.get("/", query, headers=IN_FRAME)
    assert refused.status_code == 401
    assert_is_shown_in_the_frame(refused)


@pytest.mark.parametrize(
    ("headers", "embedded"), [({}, "0"), ({}, ""), (IN_WINDOW, "1"), (IN_FRAME, "0")]
)
def test_a_page_outside_the_frame_is_not_shown_even_with_a_token(production, headers, embedded):
    query = place(id_token=session_token(), embedded=embedded)
    response = production.get("/tools", query, headers=headers)
    assert response.status_code == 302
    assert urlsplit(response["Location"]).path.endswith("/tools")
    assert response["Location"].startswith("https://admin.shopify.com/store/olivias-mugs/apps/")


def test_scripts_come_from_us_and_from_app_bridges_folder_alone(production):
    settled = open_page(production)
    assert settled.status_code == 200
    policy = settled["Content-Security-Policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert [word for word in scripts.split()[1:] if "nonce" not in word] == [
        "'self'",
        "https://cdn.shopify.com/shopifycloud/",
    ]


def test_no_cache_keeps_what_a_merchant_sees(browser, owner):
    assert open_page(browser)["Cache-Control"] == "private, no-store"
    assert owner.client.get("/dashboard/gallery")["Cache-Control"] == "private, no-store"
    fetch = browser.get("/balance", headers=bearer(session_token()))
    assert "private" in fetch["Cache-Control"]


def test_a_link_inside_the_frame_bounces_by_the_page_it_was_on(browser):
    referrer = f"http://localhost:8000/?shop={SHOP}&host={host_of()}&embedded=1&id_token=old"
    response = browser.get("/tools", headers={**IN_FRAME, "Referer": referrer})
    query = parse_qs(urlsplit(response["Location"]).query)
    assert query["shop"] == [SHOP]
    assert query["host"] == [host_of()]


@pytest.mark.parametrize("referrer", ["https://evil.com/?shop=x.myshopify.com&embedded=1", ""])
def test_another_sites_page_says_nothing_about_the_store(browser, referrer):
    response = browser.get("/tools", headers={**IN_FRAME, "Referer": referrer})
    assert response.status_code == 400
    assert response["Content-Security-Policy"].endswith("frame-ancestors 'none'")


def test_another_apps_token_is_refused_at_once(browser):
    response = browser.get("/", place(id_token=session_token(aud="another-app")))
    assert response.status_code == 401


@pytest.mark.parametrize(
    "shop", ["evil.com", "a.myshopify.com.evil.com", "a.myshopify.com\n", "<x>"]
)
def test_a_shop_parameter_that_is_no_store_is_never_reflected(browser, shop):
    response = browser.get("/", {"shop": shop, "host": "bm9ucw", "embedded": "1"})
    assert response.status_code == 400
    assert shop not in response.text
    assert shop not in response["Content-Security-Policy"]


def test_a_shop_parameter_that_differs_from_the_token_is_refused(browser):
    response = browser.get("/", place(SECOND_SHOP, id_token=session_token(SHOP)))
    assert response.status_code == 401
    assert not Shop.objects.exists()


@pytest.mark.parametrize("host", [host_of(), ""])
def test_outside_the_frame_the_merchant_is_sent_into_the_admin(production, settings, host):
    response = production.get("/tools", {"shop": SHOP, "host": host})
    admin = "admin.shopify.com/store/olivias-mugs" if host else f"{SHOP}/admin"
    assert response["Location"] == f"https://{admin}/apps/{settings.SHOPIFY_API_KEY}/tools"


def test_a_link_opened_in_a_tab_of_its_own_goes_into_the_admin(browser, settings):
    referrer = f"http://localhost:8000/?shop={SHOP}&host={host_of()}&embedded=1"
    response = browser.get("/gallery", headers={**IN_WINDOW, "Referer": referrer})
    assert response["Location"].endswith(f"/apps/{settings.SHOPIFY_API_KEY}/gallery")


@pytest.mark.parametrize(
    "address",
    [
        "evil.com/store/x",
        "admin.shopify.com.evil.com/store/x",
        "admin.shopify.com/x",
        "127.0.0.1/store/x",
    ],
)
def test_nobody_is_redirected_to_a_host_that_is_no_admin(production, address):
    host = base64.b64encode(address.encode()).decode()
    response = production.get("/", {"shop": SHOP, "host": host})
    assert response["Location"].startswith(f"https://{SHOP}/admin/apps/")
    assert production.get("/", {"shop": "evil.com", "host": host}).status_code == 400


def test_whoever_comes_without_shopify_is_sent_to_the_dashboard(browser):
    assert browser.get("/")["Location"] == "/dashboard/"
    assert browser.get("/tools?page=2", headers=IN_WINDOW)["Location"] == "/dashboard/tools?page=2"


@pytest.mark.parametrize(
    ("agent", "status"),
    [("Googlebot/2.1", 410), ("Shopify Mobile/iOS bot", 302), ("Mozilla/5.0", 302)],
)
def test_bots_are_told_that_there_is_nothing(browser, agent, status):
    assert browser.get("/", place(), headers={"User-Agent": agent}).status_code == status


# --- The bounce page -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "/tools",
        "//evil.com/",
        "https://evil.com/",
        "http://localhost:8000.evil.com/",
        "http://localhost:8000@evil.com/",
        "http://localhost:8000\\@evil.com/",
        "http://localhost:8000/\n",
        "javascript:alert(1)",
    ],
)
def test_the_bounce_page_loads_our_own_pages_only(browser, wanted):
    response = browser.get("/auth/session-token", place(**{"shopify-reload": wanted}))
    assert response.status_code == 400


def test_the_bounce_page_needs_a_store(browser):
    wanted = {"shopify-reload": "http://localhost:8000/tools"}
    assert browser.get("/auth/session-token", {"shop": "evil.com", **wanted}).status_code == 400
    assert browser.get("/auth/session-token", place(**wanted)).status_code == 200
    assert browser.post("/auth/session-token", place(**wanted)).status_code == 405


# --- Fetches -------------------------------------------------------------------------------------


def test_a_fetch_with_a_token_is_answered(browser):
    response = browser.get("/balance", headers=bearer(session_token()))
    assert response.json()["total"] == 100


@pytest.mark.parametrize("path", ["/balance", "/tools", "/events"])
@pytest.mark.parametrize("token", ["stale", "nonsense"])
def test_a_fetch_with_a_bad_token_is_asked_to_try_once_more(browser, path, token):
    text = session_token(**STALE) if token == "stale" else token
    response = browser.get(path, headers=bearer(text))
    assert response.status_code == 401
    assert response[RETRY] == "1"


def test_a_fetch_that_names_another_store_is_refused(browser):
    response = browser.get("/balance", {"shop": SECOND_SHOP}, headers=bearer(session_token()))
    assert response.status_code == 401


def test_the_api_says_it_in_json(browser):
    response = browser.get("/events")
    assert response.status_code == 401
    assert response.json()["error"] == "unauthorized"


def test_a_token_in_the_address_never_changes_anything(browser, store_access):
    open_page(browser)
    checking = Client(enforce_csrf_checks=True)
    path = "/runs/00000000-0000-4000-8000-000000000000/cancel"
    in_address = checking.post(f"{path}?id_token={session_token()}")
    assert in_address.status_code == 401
    in_header = checking.post(path, headers=bearer(session_token()))
    assert in_header.status_code == 404


def test_a_token_does_not_open_the_dashboard(browser, owner):
    checking = Client(enforce_csrf_checks=True)
    assert checking.get("/dashboard/balance", headers=bearer(session_token())).status_code == 401
    checking.force_login(owner.person)
    path = "/dashboard/runs/00000000-0000-4000-8000-000000000000/cancel"
    assert checking.post(path, headers=bearer(session_token())).status_code == 403


def test_options_are_answered_without_letting_other_sites_in(browser, settings):
    response = browser.options("/api/v1/balance", headers={"Origin": "https://evil.com"})
    assert response.status_code == 204
    assert response["Access-Control-Allow-Origin"] == settings.APP_URL
    assert response["Access-Control-Max-Age"] == "7200"


# --- The web dashboard ---------------------------------------------------------------------------


def test_the_dashboard_is_framed_by_nobody(owner):
    response = owner.client.get("/dashboard/")
    assert response.status_code == 200
    assert response["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    assert response.wsgi_request.account == owner.account


def test_the_dashboard_asks_for_a_sign_in(client):
    page = client.get("/dashboard/gallery")
    assert page.status_code == 302
    assert page["Location"].endswith("?next=/dashboard/gallery")
    assert client.get("/dashboard/balance", headers={"HX-Request": "true"}).status_code == 401


def test_somebody_without_an_account_is_told_so(stranger):
    assert stranger.get("/dashboard/").status_code == 403


# --- Out of the frame ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://admin.shopify.com/store/olivias-mugs/charges/1/confirm", True),
        (f"https://{SHOP}/admin/charges/1/confirm_application_charge?signature=x", True),
        (f"http://{SHOP}/admin/charges/1", False),
        (f"https://{SHOP}/", False),
        ("https://admin.shopify.com.evil.com/store/x", False),
        ("https://admin.shopify.com/x", False),
        (f"https://{SHOP}@evil.com/admin/", False),
        ("https://evil.com\\@admin.shopify.com/store/x", False),
        ("//admin.shopify.com/store/x", False),
        ("javascript:alert(1)", False),
        ("https://admin.shopify.com/store/x\n", False),
        ("", False),
    ],
)
def test_the_window_is_sent_to_the_admin_and_nowhere_else(settings, url, expected):
    settings.DEV_STORE = ""
    assert is_admin_url(url) is expected


def test_an_approval_page_takes_the_whole_window(browser, rf, settings):
    settings.DEV_STORE = ""
    url = f"https://{SHOP}/admin/charges/1/confirm_application_charge?signature=x"
    document = open_page(browser).wsgi_request
    page = leave_frame(document, url)
    assert page.status_code == 200
    assert "_top" in page.content.decode()
    fetch = browser.get("/balance", headers=bearer(session_token())).wsgi_request
    answer = leave_frame(fetch, url)
    assert answer.status_code == 401
    assert answer["X-Shopify-API-Request-Failure-Reauthorize"] == "1"
    assert answer["X-Shopify-API-Request-Failure-Reauthorize-Url"] == url
    assert leave_frame(rf.get("/dashboard/plans"), url)["Location"] == url
    with pytest.raises(ValueError, match="admin only"):
        leave_frame(document, "https://evil.com/")
