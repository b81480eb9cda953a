"""A store leaves an account that somebody on the web works with too."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from ecomvance_app import clock
from generations.engines import registry
from generations.models import Generation, Picture
from generations.runs import lifecycle
from generations.runs.queries import key_digest
from shopify_auth.models import Connection, Membership, Shop
from shopify_auth.stores import connections, uninstalls
from tests.embedded import SHOP, bearer, open_page, session_token
from tests.generations.engine import Engine, picture_result
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
    assert Generation.objects.filter(key=key_digest(key)).exists(), asked.text


def signed_in(person):
    """Their browser."""
    client = Client()
    client.force_login(person)
    return client


def uninstall(store_access):
    with store_access.changed_shop(HANDLE) as left:
        left.installed = False
        left.tokens.clear()
    post("app/uninstalled")
    work()
    assert Shop.objects.get().state == Shop.State.UNINSTALLED


def test_people_of_the_web_still_get_in_and_keys_die(shop, web_user, store_access):
    connection = connections.connect(shop, web_user)
    connections.issue_key(connection)
    uninstall(store_access)
    client = Client()
    client.force_login(web_user)
    assert client.get("/dashboard/").status_code == 200
    connection.refresh_from_db()
    assert connection.key_id is None


def test_redaction_ends_every_membership(shop, web_user, store_access):
    connections.connect(shop, web_user)
    uninstall(store_access)
    shop.refresh_from_db()
    proof = uninstalls.redact(shop, uninstalls.redactable_from(shop))
    assert proof is not None
    assert proof.counts["memberships"] == 1
    assert not Membership.objects.exists()
    assert not Connection.objects.exists()
    client = Client()
    client.force_login(web_user)
    assert client.get("/dashboard/").status_code == 403


def test_everything_that_waits_is_given_back_whoever_asked(shop, web_user, store_access):
    uninstall(store_access)
    assert list(Generation.objects.values_list("state", flat=True)) == ["cancelled"] * 2
    shop.account.refresh_from_db()
    assert shop.account.plan_balance == 100


def test_the_web_user_still_gets_in_and_uses_what_is_left(shop, web_user, store_access):
    uninstall(store_access)
    ask(signed_in(web_user), f"/dashboard{TOOL}", "after-it-left")
    shop.account.refresh_from_db()
    run = Generation.objects.get(key=key_digest("after-it-left"))
    assert run.state == "queued"
    assert shop.account.plan_balance == 100 - run.price


def test_redaction_takes_the_runs_of_everybody(shop, web_user, store_access):
    uninstall(store_access)
    for key in ("waits", "works"):
        ask(signed_in(web_user), f"/dashboard{TOOL}", key)
    works = Generation.objects.get(key=key_digest("works"))
    started = lifecycle.start(str(works.pk))
    Shop.objects.update(uninstalled_at=clock.now() - timedelta(hours=49))
    post("shop/redact")
    work()
    assert not Picture.objects.exists()
    assert not Generation.objects.exclude(state="cancelled").exists()
    assert not Generation.objects.exclude(requested_by=None).exists()
    assert not lifecycle.succeed(started, picture_result())
    assert not Picture.objects.exists()
