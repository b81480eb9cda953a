"""A workspace without a store is closed by its owner, who reads before what is lost."""

from __future__ import annotations

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from credits.ledger import checks
from credits.models import Account, LedgerEntry
from generations import products, tasks
from generations.engines import registry
from generations.models import Generation, Picture
from generations.runs import lifecycle
from shopify_auth.linking import people
from shopify_auth.models import Invitation, Membership, Person, Shop
from shopify_auth.stores import web_sign_ups
from tests.generations.engine import Engine
from tests.generations.mug_store import ask
from tests.merchants import Merchant, make_person

PAGE = "/dashboard/settings/close"

pytestmark = pytest.mark.django_db


@pytest.fixture
def nina(settings, monkeypatch):
    """Nina, whose workspace has a delivered run, one that works and one that waits."""
    settings.PRODUCT_SOURCE = "tests.generations.mug_store.OneMug"
    products._source.cache_clear()
    monkeypatch.setattr(registry, "LOCAL", {"background-removal": Engine()})
    person = make_person("Nina")
    account = web_sign_ups.open_account(person)
    client = Client()
    client.force_login(person)
    for key in ("done", "running", "waiting"):
        ask(client, key=key)
    done, running, _waiting = Generation.objects.order_by("created_at")
    tasks.run(generation_id=str(done.pk))
    assert lifecycle.start(str(running.pk))
    yield Merchant(person, account, client)
    products._source.cache_clear()


def files(account):
    folder = f"accounts/{account.pk}"
    return default_storage.listdir(folder)[1] if default_storage.exists(folder) else []


def test_what_is_lost_is_said_before(nina):
    mia = make_person("Mia")
    Membership.objects.create(person=mia, account=nina.account, role="maker")
    page = " ".join(nina.client.get(PAGE).text.split())
    assert "40 credits. They have no cash value" in page
    assert "1 other person works here" in page
    assert "Runs that have not ended" in page


def test_without_a_word_nothing_is_closed(nina):
    assert nina.client.post(PAGE).status_code == 422
    assert nina.client.get("/dashboard/").status_code == 200


def test_closing_takes_everything_but_the_ledger(nina, django_capture_on_commit_callbacks):
    people.invite(nina.account, "zoe@example.com", "viewer", nina.person)
    assert files(nina.account)
    with django_capture_on_commit_callbacks(execute=True):
        assert nina.client.post(PAGE, {"sure": "on"})["Location"] == "/dashboard/accounts"
    outcomes = list(Generation.objects.order_by("created_at").values_list("outcome", flat=True))
    assert outcomes == ["delivered", "user_cancelled", "cancelled_in_queue"]
    assert [entry.kind for entry in LedgerEntry.objects.order_by("sequence")][-1] == "restore"
    assert not files(nina.account)
    assert not Picture.objects.exists()
    assert not Membership.objects.exists()
    assert not Invitation.objects.exists()
    account = Account.objects.get()
    assert (account.name, account.retired_at is None) == ("", False)
    assert not list(checks.problems())
    assert nina.client.get("/dashboard/").status_code == 403
    assert nina.client.get("/dashboard/accounts").status_code == 200


def test_what_a_worker_still_delivers_is_thrown_away(nina):
    running = Generation.objects.get(state="running")
    nina.client.post(PAGE, {"sure": "on"})
    assert not lifecycle.fail(running, "platform_error", "late")
    running.refresh_from_db()
    assert running.state == "cancelled"


def test_the_mailbox_gets_no_second_trial(nina):
    nina.client.post(PAGE, {"sure": "on"})
    assert web_sign_ups.open_account(Person.objects.get()) is None
    assert nina.client.post("/dashboard/accounts", {"action": "workspace"}).status_code == 422


@pytest.mark.parametrize("state", [Shop.State.INSTALLED, Shop.State.UNINSTALLED])
def test_a_stores_account_ends_by_uninstalling(nina, state):
    Shop.objects.create(
        domain="o.myshopify.com", account=nina.account, state=state, installed_at=timezone.now()
    )
    assert "when the store removes the app" in nina.client.get(PAGE).text
    assert nina.client.post(PAGE, {"sure": "on"}).status_code == 422
    assert nina.client.get("/dashboard/").status_code == 200


@pytest.mark.parametrize("role", ["maker", "viewer"])
def test_only_an_owner_closes(nina, role):
    mia = make_person("Mia")
    Membership.objects.create(person=mia, account=nina.account, role=role)
    client = Client()
    client.force_login(mia)
    assert client.post(PAGE, {"sure": "on"}).status_code == 403
    assert "Close this workspace</button>" not in client.get(PAGE).text
    assert Membership.objects.count() == 2
