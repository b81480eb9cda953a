"""From the first page load: one account, one trial, for life."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection
from django.test import Client

from credits import ledger
from credits.models import Account, LedgerEntry
from shopify_auth.models import OfflineToken, Person, Shop, ShopStaff
from shopify_auth.stores import installs
from tests.embedded import SECOND_SHOP, SHOP, bearer, open_page, place, session_token
from tests.shopify_auth.webhooks.post import outcome, post, work

HANDLE = SHOP.removesuffix(".myshopify.com")

pytestmark = pytest.mark.django_db


def test_the_first_load_opens_an_account_with_its_trial_running(client, store_access):
    with store_access.changed_shop(HANDLE) as shop:
        shop.name, shop.time_zone = "Olivia's Mugs", "Europe/Berlin"
    request = open_page(client).wsgi_request
    entry = LedgerEntry.objects.get(account=request.account)
    assert (entry.kind, entry.plan_delta) == ("trial_grant", 100)
    assert request.account.time_zone == "Europe/Berlin"
    assert (request.account.name, request.shop.name) == ("Olivia's Mugs", "Olivia's Mugs")
    assert request.shop.offline_token.state == OfflineToken.State.ACTIVE
    assert request.shop.scopes == ["read_products"]
    assert request.shop.shopify_id.isdigit()


def test_later_loads_ask_shopify_nothing(client, store_access, caplog):
    open_page(client)
    caplog.clear()
    with store_access.changed_shop(HANDLE) as shop:
        shop.misbehaviour.server_error = -1
    assert open_page(client).status_code == 200
    assert client.get("/balance", headers=bearer(session_token())).status_code == 200
    assert "Token endpoint" not in caplog.text


def test_staff_members_are_people_without_an_address(client, store_access):
    first = open_page(client).wsgi_request.person
    token = session_token(sub="77")
    second = client.get("/", place(id_token=token)).wsgi_request.person
    again = open_page(client).wsgi_request.person
    assert first == again != second
    assert (first.email, first.has_usable_password()) == (None, False)
    other_shop = open_page(client, SECOND_SHOP).wsgi_request.person
    assert other_shop != first
    assert ShopStaff.objects.count() == Person.objects.count() == 3


@pytest.fixture
def half_a_minute_later(monkeypatch):
    """Half a minute is a second in this test."""
    monkeypatch.setattr(installs, "PAUSE_SECONDS", 1)
    return lambda: time.sleep(1.05)


def test_while_shopify_is_down_the_merchant_works_without_products(
    client, store_access, half_a_minute_later
):
    store_access.misbehave(handle=HANDLE, server_error=-1)
    with store_access.changed_shop(HANDLE) as shop:
        shop.time_zone = "Europe/Berlin"
    request = open_page(client).wsgi_request
    assert request.account.plan_balance == 100
    assert OfflineToken.objects.get().state == OfflineToken.State.MISSING
    store_access.misbehave(handle=HANDLE, server_error=0)
    half_a_minute_later()
    account = open_page(client).wsgi_request.account
    assert account == request.account
    token = OfflineToken.objects.get()
    assert token.state == OfflineToken.State.ACTIVE
    assert Shop.objects.get().name == account.name == HANDLE
    # Its days are the store's from now on.
    assert account.time_zone == "Europe/Berlin"


def test_while_shopify_is_down_not_every_load_waits_for_it(client, store_access, caplog):
    store_access.misbehave(handle=HANDLE, server_error=-1)
    open_page(client)
    caplog.clear()
    assert open_page(client).status_code == 200
    assert client.get("/balance", headers=bearer(session_token())).json()["total"] == 100
    assert "Token endpoint" not in caplog.text


def test_a_store_whose_details_were_not_told_is_asked_again(
    client, store_access, half_a_minute_later
):
    """Access was there, and then the Admin API did not answer."""
    store_access.misbehave(handle=HANDLE, throttled=-1)
    assert open_page(client).status_code == 200
    shop = Shop.objects.get()
    assert (shop.shopify_id, shop.offline_token.state) == ("", OfflineToken.State.ACTIVE)
    store_access.misbehave(handle=HANDLE, throttled=0)
    half_a_minute_later()
    open_page(client)
    shop.refresh_from_db()
    assert (shop.name, shop.shopify_id) == (HANDLE, str(store_access.shop(HANDLE).number))
    post("app_subscriptions/update")
    work()
    assert outcome("app_subscriptions/update") == "Charges read"


def test_a_store_with_a_time_zone_that_the_ledger_refuses_has_days_in_utc(client, store_access):
    with store_access.changed_shop(HANDLE) as shop:
        shop.time_zone = "EST"
    document = open_page(client)
    assert document.status_code == 200
    assert document.wsgi_request.account.time_zone == "UTC"


def test_a_session_token_too_old_to_be_exchanged_fetches_a_new_one(client, store_access):
    store_access.misbehave(handle=HANDLE, exchange_refused=2)
    document = open_page(client)
    assert document.status_code == 302
    fetch = client.get("/balance", headers=bearer(session_token()))
    assert fetch.status_code == 401
    assert fetch["X-Shopify-Retry-Invalid-Session-Request"] == "1"
    assert open_page(client).status_code == 200
    assert Account.objects.count() == 1


def test_an_app_that_is_not_installed_there_gets_no_token(client, store_access):
    with store_access.changed_shop(HANDLE) as shop:
        shop.installed = False
    open_page(client)
    assert OfflineToken.objects.get().state == OfflineToken.State.MISSING


def test_a_return_brings_back_the_same_account_and_no_second_trial(client, store_access):
    account = open_page(client).wsgi_request.account
    ledger.spend(account.pk, 60, key="a mug")
    ledger.add_package(account.pk, 500, key="a package")
    Shop.objects.update(state=Shop.State.UNINSTALLED)
    OfflineToken.objects.update(state=OfflineToken.State.MISSING, access_token="")
    back = open_page(client).wsgi_request
    assert back.account == account
    assert (back.account.plan_balance, back.account.package_balance) == (40, 500)
    assert back.shop.state == Shop.State.INSTALLED
    assert LedgerEntry.objects.filter(kind="trial_grant").count() == 1


def test_a_store_that_left_comes_back_only_when_shopify_says_so(client, store_access):
    open_page(client)
    Shop.objects.update(state=Shop.State.UNINSTALLED)
    OfflineToken.objects.update(state=OfflineToken.State.MISSING, access_token="")
    with store_access.changed_shop(HANDLE) as shop:
        shop.installed = False
    refused = open_page(client)
    assert refused.status_code == 401
    assert "Open this page again from your Shopify admin" in refused.text
    fetch = client.get("/balance", headers=bearer(session_token()))
    assert fetch.status_code == 401
    assert Shop.objects.get().state == Shop.State.UNINSTALLED


def test_while_nobody_can_tell_whether_a_store_is_back_its_page_waits(client, store_access):
    open_page(client)
    Shop.objects.update(state=Shop.State.UNINSTALLED)
    OfflineToken.objects.update(state=OfflineToken.State.MISSING, access_token="")
    store_access.misbehave(handle=HANDLE, address_not_allowed=1)
    assert open_page(client).status_code == 503
    assert open_page(client).status_code == 200


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_first_loads_at_once_open_one_account(store_access):
    statuses = []
    start = threading.Barrier(4)

    def load():
        start.wait()
        try:
            statuses.append(open_page(Client()).status_code)
        finally:
            connection.close()

    loads = [threading.Thread(target=load) for _ in range(4)]
    for one in loads:
        one.start()
    for one in loads:
        one.join()
    assert statuses == [200] * 4
    assert Account.objects.count() == 1
    assert LedgerEntry.objects.count() == 1
    assert ShopStaff.objects.count() == 1
    # One exchange: a second one would have killed the first one's refresh token.
    issued = store_access.shop(HANDLE).tokens
    assert [bool(token.refresh_token) for token in issued] == [True]
    assert OfflineToken.objects.get().refresh_token == issued[0].refresh_token
