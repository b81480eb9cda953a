"""What Shopify should not answer, and answers that do not come: the client ends in an error of its own."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from django.test import Client
from django.utils import timezone

from shopify_auth.admin_api import client, offline_tokens, queries
from shopify_auth.admin_api.documents import SHOP_DETAILS, SUBSCRIPTION_CANCEL
from shopify_auth.admin_api.errors import QueryFailed, ShopifyUnavailable
from shopify_auth.devstore.admin_api import endpoints
from shopify_auth.models import OfflineToken, Shop, WebhookDelivery
from shopify_auth.webhooks import inbox
from tests.embedded import SECOND_SHOP, SHOP, open_page
from tests.shopify_auth.webhooks.post import post, work

HANDLE = SHOP.removesuffix(".myshopify.com")

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(store_access):
    """Olivia's store, which has the app."""
    open_page(Client())
    return Shop.objects.get(domain=SHOP)


# --- Answers that do not come --------------------------------------------------------------------


@pytest.fixture
def _short_limit(monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", (5, 1.5))
    monkeypatch.setattr(client, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(endpoints, "SLOW_SECONDS", 4)


def test_the_switch_is_slower_than_the_app_waits():
    assert max(client.TIMEOUT_SECONDS) < endpoints.SLOW_SECONDS


@pytest.mark.usefixtures("_short_limit")
def test_a_query_that_is_not_answered_in_time_is_asked_again(shop, store_access):
    store_access.misbehave(handle=HANDLE, slow=1)
    assert queries.ask(shop, SHOP_DETAILS)["shop"]["name"] == HANDLE


@pytest.mark.usefixtures("_short_limit")
def test_a_mutation_that_is_not_answered_in_time_is_not_sent_again(shop, store_access):
    store_access.misbehave(handle=HANDLE, slow=3)
    with pytest.raises(ShopifyUnavailable):
        queries.ask(shop, SUBSCRIPTION_CANCEL, id="gid://shopify/AppSubscription/1")
    time.sleep(0.2)
    assert store_access.shop(HANDLE).misbehaviour.slow == 2


@pytest.mark.usefixtures("_short_limit")
def test_a_token_endpoint_that_is_slow_costs_no_token(shop, store_access):
    OfflineToken.objects.update(expires_at=timezone.now())
    store_access.misbehave(handle=HANDLE, slow=-1)
    with pytest.raises(ShopifyUnavailable):
        offline_tokens.access_token(shop)
    store_access.misbehave(handle=HANDLE, slow=0)
    assert offline_tokens.access_token(shop)


def test_a_claim_outlasts_the_slowest_answers(shop, store_access, monkeypatch):
    """Each question is answered at the last moment of its last attempt; time only counts here."""
    spent = []
    refused: dict[str, int] = {}
    ask = requests.Session.post

    def late(session, url, **options):
        spent.append(sum(client.TIMEOUT_SECONDS))
        allowed = client.ATTEMPTS - 1 if url.endswith("graphql.json") else client.ATTEMPTS - 2
        refused[url] = refused.get(url, 0) + 1
        if refused[url] <= allowed:
            answer = requests.Response()
            answer.status_code, answer.headers["Retry-After"] = 429, "3600"
            return answer
        refused[url] = 0
        return ask(session, url, **options)

    OfflineToken.objects.update(expires_at=timezone.now())
    monkeypatch.setattr(requests.Session, "post", late)
    monkeypatch.setattr(time, "sleep", spent.append)
    offline_tokens.access_token(shop)
    assert 50 < sum(spent) < offline_tokens.LEASE.total_seconds()

    with store_access.changed_shop(HANDLE) as gone:
        gone.tokens.clear()
        gone.installed = False
    post("app/uninstalled")
    spent.clear()
    work()
    assert WebhookDelivery.objects.get().outcome == "Uninstalled"
    assert 180 < sum(spent) < inbox.LONGEST_HANDLING_SECONDS


# --- Answers that are no answers -----------------------------------------------------------------


@pytest.fixture
def answering(settings):
    """A server in Shopify's place that says the same whatever it is asked."""

    class Answer(BaseHTTPRequestHandler):
        text = b""

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.text)))
            self.end_headers()
            self.wfile.write(self.text)

        def log_message(self, *_arguments):
            """Nothing to the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.DEV_STORE = f"http://127.0.0.1:{server.server_port}"

    def say(answer):
        Answer.text = json.dumps(answer).encode()

    yield say
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"data": None, "extensions": None},
        {"data": [], "extensions": []},
        {"errors": ["went wrong"], "extensions": None},
        {"errors": [None]},
        {"errors": [{"message": "went wrong", "extensions": "none"}]},
        {"errors": {"query": "missing"}},
        {"errors": "went wrong"},
    ],
    ids=json.dumps,
)
def test_an_answer_that_is_none_is_an_error_of_ours(answering, answer):
    answering(answer)
    with pytest.raises(QueryFailed):
        client.run(SHOP, "shpat_not-a-real-token", SHOP_DETAILS, {})


@pytest.mark.parametrize("extensions", [None, [], {"cost": None}, {"cost": {"throttleStatus": []}}])
def test_throttled_without_numbers_is_waited_for_all_the_same(answering, extensions, monkeypatch):
    monkeypatch.setattr(client, "ATTEMPTS", 2)
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    answering({"errors": [error], "extensions": extensions})
    with pytest.raises(ShopifyUnavailable):
        client.run(SHOP, "shpat_not-a-real-token", SHOP_DETAILS, {})


def test_an_answer_without_its_cost_is_an_answer(answering):
    answering({"data": {"shop": {"name": HANDLE}}, "extensions": None})
    data = client.run(SHOP, "shpat_not-a-real-token", SHOP_DETAILS, {})
    assert data == {"shop": {"name": HANDLE}}


# --- Connections ---------------------------------------------------------------------------------


class Keeper(BaseHTTPRequestHandler):
    """Keeps connections open, counts them, and hands out a cookie with every answer."""

    protocol_version = "HTTP/1.1"
    connections: list[tuple[str, int]]
    cookies: list[str | None]
    gets: list[str]

    def setup(self):
        super().setup()
        self.connections.append(self.client_address)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.cookies.append(self.headers.get("Cookie"))
        text = b'{"data": {}}'
        self.send_response(200)
        self.send_header("Set-Cookie", "store=first; Path=/")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.gets.append(self.path)
        self.send_response(302)
        self.send_header("Location", "/inside/our/network.png")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments):
        """Nothing."""


@pytest.fixture
def keeper(settings, monkeypatch):
    monkeypatch.setattr(client, "_pool", client._Pool())
    kept = type("ThisKeeper", (Keeper,), {"connections": [], "cookies": [], "gets": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kept)
    server.daemon_threads = True
    settings.DEV_STORE = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield kept
    client._connections().close()
    server.shutdown()
    server.server_close()


def ask(domain=SHOP):
    client.run(domain, "shpat_not-a-real-token", SHOP_DETAILS, {})


def test_five_questions_of_a_thread_take_one_connection(keeper):
    for _ in range(5):
        ask()
    assert len(keeper.connections) == 1


def test_every_thread_has_a_connection_of_its_own(keeper):
    ask()
    other = threading.Thread(target=ask)
    other.start()
    other.join()
    assert len(keeper.connections) == 2


def test_a_connection_that_rested_is_not_used_again(keeper, monkeypatch):
    ask()
    monkeypatch.setattr(client, "RESTS_SECONDS", -1)
    ask()
    assert len(keeper.connections) == 2


def test_a_kept_connection_carries_no_cookies_from_one_store_to_the_next(keeper):
    ask()
    ask(SECOND_SHOP)
    assert keeper.cookies == [None, None]


def test_a_picture_that_leads_elsewhere_is_not_followed(keeper, settings):
    """Its address was checked; the one it leads to was not."""
    with pytest.raises(ShopifyUnavailable, match="302"):
        client.download(f"{settings.DEV_STORE}/mug.png")
    assert keeper.gets == ["/mug.png"]
