"""What is kept of a webhook's body: the store it names, unless it is not what its topic says."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from ecomvance_app import clock
from shopify_auth.models import Shop, WebhookDelivery
from shopify_auth.webhooks import inbox
from shopify_auth.webhooks.bodies import SHAPES
from tests.embedded import SHOP, open_page
from tests.shopify_auth.webhooks.post import post, work

HANDLE = SHOP.removesuffix(".myshopify.com")

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(store_access):
    """Olivia's store, which has the app."""
    open_page(Client())
    return Shop.objects.get(domain=SHOP)


def test_a_replay_needs_no_body_and_asks_shopify_again(shop, store_access):
    post("app/scopes_update", webhook_id="one")
    work()
    assert WebhookDelivery.objects.get().body == ""
    with store_access.changed_shop(HANDLE) as changed:
        changed.scopes = ["write_products"]
    inbox.replay(WebhookDelivery.objects.all())
    work()
    shop.refresh_from_db()
    assert shop.scopes == ["write_products"]


@pytest.mark.parametrize("topic", sorted(SHAPES))
def test_a_body_that_fits_its_topic_is_not_kept(topic):
    post(topic)
    assert WebhookDelivery.objects.get().body == ""


@pytest.mark.parametrize("topic", ["app/uninstalled", "orders/create"])
def test_what_fits_no_topic_is_kept_for_staff(shop, topic):
    post(topic, b'{"changed": 1}')
    work()
    assert WebhookDelivery.objects.get().body == '{"changed": 1}'


@pytest.mark.parametrize("topic", ["app/uninstalled", "customers/redact"])
def test_nothing_is_kept_of_a_store_that_nobody_knows(topic):
    post(topic)
    post("orders/create", b'{"email": "john@example.com"}')
    work()
    kept = WebhookDelivery.objects.values_list("subject", "shop_domain", "body")
    assert list(kept) == [("", "", "")] * 2


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact"])
def test_not_even_when_it_is_about_a_customer_and_fits_nothing(topic):
    post(topic, {"customer": {"email": "john@example.com"}})
    assert WebhookDelivery.objects.get().body == ""


def test_a_body_that_an_earlier_version_stored_goes_when_it_is_handled(shop):
    post("customers/redact")
    WebhookDelivery.objects.update(body='{"customer": {"email": "john@example.com"}}')
    work()
    assert WebhookDelivery.objects.get().body == ""


def test_the_migration_empties_the_bodies_that_fitted(shop):
    post("app/scopes_update", webhook_id="fits")
    post("orders/create", b'{"id": 1}', webhook_id="other")
    WebhookDelivery.objects.filter(webhook_id="fits").update(body="{}")
    migration = import_module("shopify_auth.migrations.0006_webhook_bodies")
    migration.forget_bodies(apps, SimpleNamespace(connection=connection))
    bodies = dict(WebhookDelivery.objects.values_list("webhook_id", "body"))
    assert bodies == {"fits": "", "other": '{"id": 1}'}


def test_what_waits_outlives_the_clean_up_of_what_is_old(shop, store_access):
    """Three months of trouble, and the word that a store has left is still there."""
    post("orders/create", b'{"id": 1}', webhook_id="done")
    work()
    post("app/scopes_update", webhook_id="waits")
    post("orders/updated", b'{"id": 2}', webhook_id="waits with its body")
    old = clock.now() - inbox.DELIVERIES_KEPT * 1.1
    WebhookDelivery.objects.update(received_at=old)

    inbox.forget_old(clock.now())

    bodies = dict(WebhookDelivery.objects.values_list("webhook_id", "body"))
    assert bodies == {"waits": "", "waits with its body": '{"id": 2}'}
    with store_access.changed_shop(HANDLE) as changed:
        changed.scopes = ["write_products"]
    work()
    shop.refresh_from_db()
    assert shop.scopes == ["write_products"]


def test_what_is_not_old_yet_is_kept_to_the_day(shop):
    post("orders/create", b'{"id": 1}')
    work()
    received = WebhookDelivery.objects.get().received_at

    inbox.forget_old(received + inbox.BODIES_KEPT)
    assert WebhookDelivery.objects.get().body == '{"id": 1}'
    inbox.forget_old(received + inbox.DELIVERIES_KEPT)
    assert WebhookDelivery.objects.get().body == ""
