"""What a store says about itself is read again whenever it may have changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from credits import ledger
from credits.models import Account
from ecomvance_app import clock, jobs
from shopify_auth import tasks
from shopify_auth.models import Shop, WebhookDelivery
from shopify_auth.stores import details, uninstalls
from tests.devstore_fixture import DevStore
from tests.embedded import SHOP, open_page
from tests.shopify_auth.webhooks.post import outcome, post, work

HANDLE = SHOP.removesuffix(".myshopify.com")

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(store_access: DevStore) -> Shop:
    """Olivia's store, which has the app and pays in dollars in New York."""
    with store_access.changed_shop(HANDLE) as told:
        told.name, told.time_zone, told.plan = "Olivia's Mugs", "America/New_York", "Basic"
    open_page(Client())
    return Shop.objects.get(domain=SHOP)


def move_to_berlin(devstore: DevStore) -> None:
    with devstore.changed_shop(HANDLE) as told:
        told.name, told.time_zone, told.currency = "Olivias Becher", "Europe/Berlin", "EUR"
        told.plan, told.email = "Grow", "Hallo@Becher.example"


def as_told(shop: Shop) -> tuple[Any, ...]:
    shop = Shop.objects.select_related("account").get(pk=shop.pk)
    assert shop.account is not None
    account = shop.account
    return shop.name, shop.currency, shop.plan, shop.email, account.name, account.time_zone


BERLIN = (
    "Olivias Becher", "EUR", "Grow", "hallo@becher.example", "Olivias Becher", "Europe/Berlin",
)  # fmt: skip


def test_the_installation_reads_it(shop):
    assert as_told(shop)[:3] == ("Olivia's Mugs", "USD", "Basic")
    assert as_told(shop)[4:] == ("Olivia's Mugs", "America/New_York")


def test_a_shop_update_has_it_read_and_nothing_of_its_body_is_kept(shop, store_access):
    move_to_berlin(store_access)
    post("shop/update", webhook_id="one")
    assert WebhookDelivery.objects.get().body == ""
    work()
    assert outcome("shop/update") == "Details read"
    # What the body said of the name is not believed.
    assert as_told(shop) == BERLIN


def test_it_is_read_once_a_day(shop, store_access, monkeypatch):
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(jobs, "enqueue", lambda _name, **kwargs: sent.append(kwargs))
    tasks.read_stores()
    assert sent == []
    move_to_berlin(store_access)
    Shop.objects.update(details_read_at=clock.now() - timedelta(days=1))
    tasks.read_stores()
    assert sent == [{"shop_id": shop.pk}]
    tasks.read_store(**sent[0])
    assert as_told(shop) == BERLIN
    assert details.due(clock.now()) == []


def test_a_return_reads_it(shop, store_access):
    uninstalls.uninstall(shop, uninstalls.last_refresh(shop), clock.now())
    move_to_berlin(store_access)
    open_page(Client())
    assert as_told(shop) == BERLIN


def test_a_store_that_does_not_answer_keeps_what_it_said(shop, store_access):
    before = as_told(shop)
    move_to_berlin(store_access)
    store_access.misbehave(handle=HANDLE, server_error=-1)
    tasks.read_store(shop_id=shop.pk)
    assert as_told(shop) == before


def test_a_name_that_was_given_otherwise_stays(shop, store_access):
    Account.objects.update(name="Everything Olivia")
    move_to_berlin(store_access)
    tasks.read_store(shop_id=shop.pk)
    assert as_told(shop)[4:] == ("Everything Olivia", "Europe/Berlin")


def test_the_second_store_of_an_account_moves_no_days(shop, store_access):
    move_to_berlin(store_access)
    elsewhere = ledger.open_account(time_zone="Asia/Kolkata")
    Shop.objects.create(
        domain="first.myshopify.com",
        account=elsewhere,
        installed_at=shop.installed_at - timedelta(days=1),
    )
    Shop.objects.filter(pk=shop.pk).update(account=elsewhere)
    tasks.read_store(shop_id=shop.pk)
    assert as_told(shop)[-1] == "Asia/Kolkata"
    assert as_told(shop)[0] == "Olivias Becher"


def test_pages_show_instants_in_the_present_zone(shop, store_access, time_machine):
    # Later than the store's first entry: no entry is earlier than the one before it.
    moment = (timezone.now() + timedelta(days=1)).replace(hour=23, minute=30)
    time_machine.move_to(moment, tick=False)
    account = shop.account
    assert account is not None
    ledger.add_package(account.pk, 500, key="a package")
    move_to_berlin(store_access)
    tasks.read_store(shop_id=shop.pk)
    page = open_page(Client(), SHOP, "/usage/ledger").text
    assert f"{moment.astimezone(ZoneInfo('Europe/Berlin')):%H:%M}" in page
    assert f"{moment.astimezone(ZoneInfo('America/New_York')):%H:%M}" not in page


def test_an_erased_store_leaves_none_of_it(shop):
    uninstalls.uninstall(shop, uninstalls.last_refresh(shop), clock.now())
    uninstalls.redact(shop, clock.now() + timedelta(hours=49))
    shop.refresh_from_db()
    assert (shop.name, shop.email, shop.currency, shop.plan) == ("", "", "", "")
