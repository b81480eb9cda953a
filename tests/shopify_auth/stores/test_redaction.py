"""After a store left: what goes, what stays, what proves it, and what a return finds."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from credits import ledger, queries
from credits.models import Account, AlertRecipient, EntryNote, LedgerEntry, RestorationCase
from credits.outcomes import cases, rules
from credits.signals import account_erased
from ecomvance_app import clock
from shopify_auth.domains import hashed_domain
from shopify_auth.models import (
    Erasure,
    Membership,
    OfflineToken,
    Person,
    Shop,
    ShopStaff,
    WebhookDelivery,
)
from tests.embedded import SECOND_SHOP, SHOP, open_page
from tests.merchants import make_person
from tests.shopify_auth.webhooks.post import outcome, post, work

HANDLE = SHOP.removesuffix(".myshopify.com")

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(store_access):
    """Olivia's store with a spend, a bought package and somebody who gets mail."""
    open_page(Client())
    shop = Shop.objects.get(domain=SHOP)
    assert shop.account is not None
    ledger.spend(shop.account_id, 40, key="a cut-out", tool="background-removal")
    ledger.add_package(shop.account_id, 500, key="a package")
    AlertRecipient.objects.create(
        account=shop.account, email="olivia@example.com", confirmed_at=timezone.now()
    )
    return shop


@pytest.fixture
def left(shop, store_access):
    """The same store, uninstalled just now."""
    with store_access.changed_shop(HANDLE) as gone:
        gone.installed = False
        gone.tokens.clear()
    post("app/uninstalled")
    work()
    shop.refresh_from_db()
    assert shop.state == Shop.State.UNINSTALLED
    return shop


def redact(shop, *, after=timedelta(hours=48, minutes=1)):
    """Shopify's word that the store's data has to go, so long after it left."""
    Shop.objects.filter(pk=shop.pk).update(uninstalled_at=clock.now() - after)
    post("shop/redact")
    work()
    shop.refresh_from_db()


def test_after_48_hours_everything_of_anybody_goes_and_proof_stays(left):
    erased_accounts = []

    def erase_runs(account_id, **_kwargs):
        erased_accounts.append(account_id)
        return {"pictures": 3}

    account_erased.connect(erase_runs)
    redact(left)
    account_erased.disconnect(erase_runs)
    assert erased_accounts == [left.account_id]
    assert left.state == Shop.State.REDACTED
    assert (left.domain, left.name, left.shopify_id) == (hashed_domain(SHOP), "", "")
    assert not ShopStaff.objects.exists()
    assert not Person.objects.exists()
    assert not AlertRecipient.objects.exists()
    token = OfflineToken.objects.get(shop=left)
    assert (token.access_token, token.refresh_token) == ("", "")
    proof = Erasure.objects.get(shop=left)
    assert proof.counts["people"] == 1
    assert proof.counts["pictures"] == 3
    assert proof.counts["webhooks"] >= 1
    assert clock.now() - proof.erased_at < timedelta(minutes=1)


def test_nothing_in_the_database_names_the_store_or_its_people(left):
    post("customers/redact")
    work()
    redact(left)
    rows = [
        *WebhookDelivery.objects.values(),
        *Shop.objects.values(),
        *Account.objects.values(),
        *Erasure.objects.values(),
        *LedgerEntry.objects.values(),
    ]
    text = json.dumps(rows, default=str).lower()
    for personal in (SHOP, "super@supertoys.com", "john smith", HANDLE):
        assert personal not in text


def test_bodies_of_topics_nobody_knows_go_too(left):
    Shop.objects.create(domain=SECOND_SHOP, installed_at=clock.now())
    post("orders/create", {"email": "john@example.com"})
    post("orders/create", {"email": "sam@example.com"}, shop=SECOND_SHOP)
    redact(left)
    kept = WebhookDelivery.objects.filter(topic="orders/create").values_list("body", flat=True)
    assert sorted(kept) == ["", '{"email": "sam@example.com"}']


def test_what_staff_wrote_goes_too(left):
    spend = LedgerEntry.objects.get(account=left.account_id, kind="spend")
    rules.apply_outcome(spend, "platform_error", clock.now())
    sasha = Person.objects.create_user("sasha@staff.example")
    case = cases.decline(RestorationCase.objects.get(), sasha, "Olivia rang", clock.now())
    ledger.adjust(left.account_id, "package", 5, key="a", actor="staff:1", reason="Olivia is kind")
    redact(left)
    case.refresh_from_db()
    assert (case.state, case.reason) == ("declined", "(erased)")
    assert not EntryNote.objects.exists()


def test_the_ledger_stays(left):
    redact(left)
    kinds = list(
        LedgerEntry.objects.filter(account=left.account_id)
        .order_by("sequence")
        .values_list("kind", flat=True)
    )
    assert kinds == ["trial_grant", "spend", "package"]


@pytest.mark.parametrize("hours", [0, 1, 47])
def test_before_48_hours_it_waits(left, hours):
    redact(left, after=timedelta(hours=hours))
    assert (left.state, left.domain) == (Shop.State.UNINSTALLED, SHOP)
    delivery = WebhookDelivery.objects.get(topic="shop/redact")
    assert delivery.handled_at is None
    wait = delivery.due_at - clock.now()
    assert abs(wait - timedelta(hours=48 - hours)) < timedelta(minutes=1)


def test_a_redaction_that_waited_is_done_when_its_time_has_come(left):
    redact(left, after=timedelta(hours=1))
    Shop.objects.update(uninstalled_at=clock.now() - timedelta(hours=49))
    work()
    assert outcome("shop/redact").startswith("Erased")


def test_a_store_that_still_has_the_app_is_not_redacted(shop):
    post("shop/redact")
    work()
    shop.refresh_from_db()
    assert (shop.state, shop.domain) == (Shop.State.INSTALLED, SHOP)
    assert ShopStaff.objects.exists()


def test_a_store_whose_uninstallation_was_never_heard_of_leaves_first(shop, store_access):
    with store_access.changed_shop(HANDLE) as gone:
        gone.installed = False
        gone.tokens.clear()
    post("shop/redact")
    work()
    shop.refresh_from_db()
    assert shop.state == Shop.State.UNINSTALLED
    assert WebhookDelivery.objects.get(topic="shop/redact").handled_at is None


def test_a_redaction_that_comes_again_changes_nothing(left):
    redact(left)
    post("shop/redact")
    work()
    assert Erasure.objects.count() == 1
    assert outcome("shop/redact") == "Ignored: unknown store"


def test_an_old_redaction_replayed_after_the_return_is_harmless(left, store_access):
    with store_access.changed_shop(HANDLE) as back:
        back.installed = True
    open_page(Client())
    redact(left)
    assert (left.state, left.domain) == (Shop.State.INSTALLED, SHOP)


def test_a_return_after_redaction_finds_the_package_and_no_second_trial(left, store_access):
    redact(left)
    with store_access.changed_shop(HANDLE) as back:
        back.installed = True
    request = open_page(Client()).wsgi_request
    assert request.account.pk == left.account_id
    assert request.shop.domain == SHOP
    assert queries.get_balance(request.account.pk).package == 500
    assert LedgerEntry.objects.filter(kind="trial_grant").count() == 1
    assert Account.objects.count() == Shop.objects.count() == 1


@pytest.mark.parametrize("topic", ["app/uninstalled", "customers/redact", "orders/create"])
def test_a_webhook_that_comes_after_it_leaves_no_trace(left, topic):
    redact(left)
    post(topic, {"id": 1, "shop_domain": SHOP} if topic == "orders/create" else None)
    work()
    late = WebhookDelivery.objects.get(topic=topic, shop=None)
    assert (late.subject, late.shop_domain, late.body) == ("", "", "")


def test_members_on_the_web_get_in_until_it_and_no_longer(left):
    wendy = make_person("Wendy")
    Membership.objects.create(person=wendy, account=left.account)
    client = Client()
    client.force_login(wendy)
    assert client.get("/dashboard/").status_code == 200
    redact(left)
    assert client.get("/dashboard/").status_code == 403
    assert Person.objects.get() == wendy
    assert Erasure.objects.get().counts["memberships"] == 1


def test_after_a_return_only_the_stores_own_people_get_in(left, store_access):
    wendy = make_person("Wendy")
    Membership.objects.create(person=wendy, account=left.account)
    redact(left)
    with store_access.changed_shop(HANDLE) as back:
        back.installed = True
    assert open_page(Client()).wsgi_request.account.pk == left.account_id
    client = Client()
    client.force_login(wendy)
    assert client.get("/dashboard/").status_code == 403
