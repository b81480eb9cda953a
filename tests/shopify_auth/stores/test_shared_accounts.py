"""A store leaves an account that somebody on the web works with too."""

from __future__ import annotations

import pytest
from django.test import Client

from generations.engines import registry
from generations.models import Generation
from shopify_auth.models import Membership, Shop
from tests.embedded import SHOP, bearer, open_page, session_token
from tests.generations.engine import Engine
from tests.generations.mug_store import upload
from tests.merchants import make_person
from tests.shopify_auth.webhooks.post import post, work

TOOL = "/tools/background-removal"
HANDLE = SHOP.removesuffix(".myshopify.com")

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(store_access, monkeypatch):
    """Olivia's store; a staff member has asked for a cut-out in the frame."""
    monkeypatch.setitem(registry.LOCAL, "background-removal", Engine())
    open_page(Client())
    ask(Client(), TOOL, "in-the-frame", headers=bearer(session_token()))
    return Shop.objects.get()


@pytest.fixture
def web_user(shop):
    """Somebody who is a member of the same account and has asked for one on the web."""
    person = make_person("Wendy")
    Membership.objects.create(person=person, account=shop.account)
    client = Client()
    client.force_login(person)
    ask(client, f"/dashboard{TOOL}", "on-the-web")
    return person


def ask(client, path, key, headers=()):
    """Press the run button, as htmx does."""
    form = {"key": key, "image": upload()}
    asked = client.post(path, form, headers={"HX-Request": "true"} | dict(headers))
    assert Generation.objects.filter(key=key).exists(), asked.text


def uninstall(store_access):
    with store_access.changed_shop(HANDLE) as left:
        left.installed = False
        left.tokens.clear()
    post("app/uninstalled")
    work()
    assert Shop.objects.get().state == Shop.State.UNINSTALLED


def test_the_web_users_runs_go_on_and_the_stores_are_given_back(shop, web_user, store_access):
    uninstall(store_access)
    states = dict(Generation.objects.values_list("key", "state"))
    assert states == {"in-the-frame": "cancelled", "on-the-web": "queued"}
    shop.account.refresh_from_db()
    [price] = Generation.objects.filter(key="on-the-web").values_list("price", flat=True)
    assert shop.account.plan_balance == 100 - price


def test_alone_on_the_account_everything_that_waits_is_given_back(shop, store_access):
    uninstall(store_access)
    assert list(Generation.objects.values_list("state", flat=True)) == ["cancelled"]
    shop.account.refresh_from_db()
    assert shop.account.plan_balance == 100
