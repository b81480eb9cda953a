"""A store comes, leaves, is erased and comes back, with web server, worker and Shopify running."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests

from credits import ledger, queries
from credits.models import Account, LedgerEntry
from ecomvance_app import clock
from shopify_auth.domains import hashed_domain
from shopify_auth.models import Erasure, OfflineToken, Shop, ShopStaff, WebhookDelivery
from tests.embedded import place
from tests.framed_fixture import FramedProduct

DOMAIN = "ecomvance-demo.myshopify.com"
WAIT_SECONDS = 120

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(600)]


def wait_until(what: Callable[[], bool]) -> None:
    """Give the worker its time."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not what():
        assert time.monotonic() < deadline, WebhookDelivery.objects.values_list("topic", "outcome")
        time.sleep(0.2)


def state() -> str:
    """Where the demo store stands."""
    return Shop.objects.get().state


@pytest.fixture
def open_app(framed_product: FramedProduct) -> Callable[[], None]:
    """The merchant opens the app in the admin."""

    def load() -> None:
        query = place(DOMAIN, id_token=framed_product.devstore.session_token())
        page = requests.get(framed_product.product.url, query, timeout=30, allow_redirects=False)
        assert page.status_code == 200

    return load


def test_a_store_comes_leaves_is_erased_and_comes_back(
    framed_product: FramedProduct, open_app: Callable[[], None]
):
    devstore = framed_product.devstore
    open_app()
    account = Account.objects.get()
    ledger.add_package(account.pk, 500, key="a package")

    devstore.misbehave(webhook_twice=1)
    devstore.press("uninstall")
    wait_until(lambda: state() == Shop.State.UNINSTALLED)
    assert OfflineToken.objects.get().access_token == ""

    devstore.move_clock(hours=49)
    wait_until(lambda: state() == Shop.State.REDACTED)
    assert Shop.objects.get().domain == hashed_domain(DOMAIN)
    assert Erasure.objects.count() == 1
    assert not ShopStaff.objects.exists()

    devstore.press("install")
    open_app()
    shop = Shop.objects.get()
    assert (shop.state, shop.domain, shop.account_id) == ("installed", DOMAIN, account.pk)
    assert queries.get_balance(account.pk, now=clock.now()).package == 500
    assert LedgerEntry.objects.filter(key__startswith="auto:trial").count() >= 1
    assert Account.objects.count() == 1
    wait_until(lambda: not WebhookDelivery.objects.filter(handled_at=None).exists())
