"""Webhooks: only Shopify's are taken, each is done once, and none is believed further than it may."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json

import pytest
from django.test import Client
from django.utils import timezone

from credits.signals import account_suspended
from shopify_auth import tasks
from shopify_auth.models import OfflineToken, Shop, WebhookDelivery
from tests.embedded import SECOND_SHOP, SHOP, open_page
from tests.shopify_auth.webhooks.post import (
    ALL_TOPICS,
    HANDLE,
    PATH,
    body_of,
    outcome,
    post,
    signed,
    work,
)

pytestmark = pytest.mark.django_db


def uninstall(store_access, handle=HANDLE):
    """The merchant removes the app; the webhook itself is the test's to post."""
    with store_access.changed_shop(handle) as left:
        left.installed = False
        left.tokens.clear()


# --- At the door ---------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", ALL_TOPICS)
def test_a_genuine_webhook_is_stored_and_answered(topic):
    assert post(topic).status_code == 200
    delivery = WebhookDelivery.objects.get()
    assert (delivery.topic, delivery.handled_at) == (topic, None)
    assert delivery.subject in {SHOP, "954889"}


@pytest.mark.parametrize("signature", ["", "x", "é", "A" * 5000])
def test_a_bad_or_missing_signature_is_401(signature):
    assert post("shop/redact", signature=signature).status_code == 401
    assert not WebhookDelivery.objects.exists()


def test_no_signature_header_at_all_is_401(client):
    response = client.post(PATH, b"{}", content_type="application/json")
    assert response.status_code == 401


def test_somebody_elses_secret_is_401():
    assert post("shop/redact", secret="somebody-else").status_code == 401


def test_one_changed_byte_is_401():
    body = json.dumps(body_of("shop/redact")).encode()
    changed = body.replace(b"954889", b"954888")
    assert post("shop/redact", changed, signature=signed(body)).status_code == 401


def test_while_the_secret_rotates_both_are_accepted(settings):
    settings.SHOPIFY_API_SECRET_OLD = "the-secret-before"
    assert post("shop/redact", secret="the-secret-before").status_code == 200
    assert post("shop/redact").status_code == 200
    settings.SHOPIFY_API_SECRET_OLD = ""
    assert post("shop/redact", secret="the-secret-before").status_code == 401


def test_an_empty_old_secret_signs_nothing(settings):
    settings.SHOPIFY_API_SECRET_OLD = ""
    empty = base64.b64encode(hmac.new(b"", b"{}", hashlib.sha256).digest()).decode()
    assert post("shop/redact", b"{}", signature=empty).status_code == 401


def test_a_body_of_ten_megabytes_is_refused():
    assert post("shop/redact", b" " * 10 * 1024 * 1024).status_code == 413


def test_only_post_is_answered(client):
    assert client.get(PATH).status_code == 405


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"not json", b"\xff\x00", b'{"a": NaN}', b"[" * 90_000]
)
def test_whatever_shopify_signs_is_stored_and_done_with(body):
    assert post("app/uninstalled", body).status_code == 200
    work()
    assert WebhookDelivery.objects.get().handled_at is not None


def test_a_delivery_that_comes_again_is_stored_and_handled_once(shop, store_access, caplog):
    for _ in range(3):
        assert post("app/scopes_update", webhook_id="again").status_code == 200
    caplog.clear()
    work()
    assert post("app/scopes_update", webhook_id="again").status_code == 200
    work()
    tasks.handle_webhook(webhook_id="again")
    assert WebhookDelivery.objects.count() == 1
    assert caplog.text.count("AccessScopes for") == 1


# --- Uninstallation ------------------------------------------------------------------------------


def test_an_uninstallation_deletes_tokens_and_cancels_what_waits(shop, store_access):
    suspended = []

    def note(account_id, **_kwargs):
        suspended.append(account_id)

    account_suspended.connect(note)
    uninstall(store_access)
    post("app/uninstalled")
    work()
    account_suspended.disconnect(note)
    shop.refresh_from_db()
    token = OfflineToken.objects.get(shop=shop)
    assert (shop.state, outcome("app/uninstalled")) == (Shop.State.UNINSTALLED, "Uninstalled")
    assert (token.access_token, token.refresh_token, token.state) == ("", "", "missing")
    assert suspended == [shop.account_id]


def test_an_uninstallation_that_did_not_happen_is_ignored(shop, store_access):
    post("app/uninstalled")
    work()
    shop.refresh_from_db()
    assert shop.state == Shop.State.INSTALLED
    assert outcome("app/uninstalled") == "Ignored: the store still accepts our token"


def test_an_expired_access_token_is_no_proof_of_an_uninstallation(shop, store_access):
    store_access.press("expire_access_tokens", HANDLE)
    post("app/uninstalled")
    work()
    shop.refresh_from_db()
    assert shop.state == Shop.State.INSTALLED


def test_while_nobody_can_tell_nothing_is_done(shop, store_access, monkeypatch):
    monkeypatch.setattr("shopify_auth.admin_api.client.FIRST_WAIT_SECONDS", 0.01)
    store_access.misbehave(handle=HANDLE, server_error=-1)
    post("app/uninstalled")
    work()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.handled_at, delivery.attempts) == (None, 1)
    assert delivery.outcome == "Failed: ShopifyUnavailable"
    store_access.misbehave(handle=HANDLE, server_error=0)
    uninstall(store_access)
    work()
    assert outcome("app/uninstalled") == "Uninstalled"


@pytest.mark.parametrize("switch", ["frozen_store", "locked_store", "address_not_allowed"])
def test_a_token_that_cannot_be_renewed_now_is_no_proof(shop, store_access, switch):
    OfflineToken.objects.update(expires_at=timezone.now())
    store_access.misbehave(handle=HANDLE, **{switch: -1})
    post("app/uninstalled")
    work()
    shop.refresh_from_db()
    assert (shop.state, shop.offline_token.state) == (Shop.State.INSTALLED, "active")
    assert WebhookDelivery.objects.get().handled_at is None
    store_access.misbehave(handle=HANDLE, **{switch: 0})
    work()
    assert outcome("app/uninstalled") == "Ignored: the store still accepts our token"


def test_credentials_that_are_refused_are_no_proof_while_the_store_takes_the_token(
    shop, store_access
):
    OfflineToken.objects.update(expires_at=timezone.now())
    store_access.misbehave(handle=HANDLE, client_refused=-1)
    post("app/uninstalled")
    work()
    shop.refresh_from_db()
    assert shop.state == Shop.State.INSTALLED
    assert outcome("app/uninstalled") == "Ignored: the store still accepts our token"


def test_an_uninstallation_is_seen_long_after_the_last_token_ended(shop, store_access):
    OfflineToken.objects.update(expires_at=timezone.now())
    uninstall(store_access)
    post("app/uninstalled")
    work()
    assert outcome("app/uninstalled") == "Uninstalled"


@pytest.mark.parametrize("topic", ["app_subscriptions/update", "app/scopes_update"])
def test_a_nudge_that_cannot_be_followed_now_is_followed_later(shop, store_access, topic):
    OfflineToken.objects.update(expires_at=timezone.now())
    store_access.misbehave(handle=HANDLE, address_not_allowed=1)
    post(topic)
    work()
    assert outcome(topic) == "Failed: AccessDenied"
    work()
    assert outcome(topic) in {"Charges read", "Scopes read"}


def test_a_webhook_that_comes_a_day_late_after_the_return_is_harmless(shop, store_access):
    late = body_of("app/uninstalled")
    uninstall(store_access)
    post("app/uninstalled")
    work()
    with store_access.changed_shop(HANDLE) as back:
        back.installed = True
    open_page(Client())
    post("app/uninstalled", late)
    work()
    shop.refresh_from_db()
    assert shop.state == Shop.State.INSTALLED


def test_the_store_in_the_header_is_not_believed(shop, other_shop, store_access):
    """Sam removed the app; somebody replays his genuine body with Olivia's store in the header."""
    uninstall(store_access, SECOND_SHOP.removesuffix(".myshopify.com"))
    post("app/uninstalled", body_of("app/uninstalled", SECOND_SHOP), shop=SHOP)
    work()
    shop.refresh_from_db()
    other_shop.refresh_from_db()
    assert (shop.state, other_shop.state) == (Shop.State.INSTALLED, Shop.State.UNINSTALLED)


# --- Bodies and topics ---------------------------------------------------------------------------


# A store's description of itself stands in both; either only has the store asked.
ALIKE = {"app/uninstalled", "shop/update"}
MISTAKEN = [pair for pair in itertools.permutations(ALL_TOPICS, 2) if set(pair) != ALIKE]


@pytest.mark.parametrize(("genuine", "topic"), MISTAKEN)
def test_a_genuine_body_under_another_topic_does_nothing(shop, store_access, topic, genuine):
    uninstall(store_access)
    post(topic, body_of(genuine))
    work()
    shop.refresh_from_db()
    assert shop.state == Shop.State.INSTALLED
    assert outcome(topic) == "Ignored: the body is not this topic's"


def test_a_description_of_the_store_under_the_other_topic_only_asks_the_store(shop):
    post("app/uninstalled", body_of("shop/update"))
    post("shop/update", body_of("app/uninstalled"))
    work()
    shop.refresh_from_db()
    assert shop.state == Shop.State.INSTALLED
    assert outcome("app/uninstalled") == "Ignored: the store still accepts our token"
    assert outcome("shop/update") == "Details read"


def test_an_unknown_topic_is_stored_and_ignored(shop):
    assert post("products/update", {"id": 1}).status_code == 200
    work()
    assert outcome("products/update") == "Ignored: unknown topic"


@pytest.mark.parametrize("topic", ["app/uninstalled", "shop/redact", "app/scopes_update"])
def test_a_store_nobody_knows_is_ignored(topic):
    assert post(topic).status_code == 200
    work()
    assert outcome(topic) == "Ignored: unknown store"


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact"])
def test_no_data_of_customers_is_held_nor_kept(shop, topic):
    post(topic)
    work()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.outcome, delivery.body) == ("No data of customers is held", "")


def test_new_scopes_are_read_from_the_store_not_from_the_webhook(shop, store_access):
    with store_access.changed_shop(HANDLE) as changed:
        changed.scopes = ["read_products"]
    post("app/scopes_update", body_of("app/scopes_update") | {"current": ["write_everything"]})
    work()
    shop.refresh_from_db()
    assert shop.scopes == ["read_products"]


def test_charges_are_read_once_for_many_nudges_of_one_store(shop, other_shop, caplog):
    for _ in range(20):
        post("app_subscriptions/update")
        post("app_purchases_one_time/update")
    post("app_subscriptions/update", shop=SECOND_SHOP)
    caplog.clear()
    work()
    assert caplog.text.count(f"AppInstallation for {SHOP}") == 1
    assert caplog.text.count(f"AppInstallation for {SECOND_SHOP}") == 1
    assert not WebhookDelivery.objects.filter(handled_at=None).exists()


def test_a_message_stands_for_every_nudge_of_its_store(shop):
    """The second delivery sent no message of its own; the first one's comes when it is done."""
    post("app_subscriptions/update", webhook_id="first")
    tasks.handle_webhook(webhook_id="first")
    post("app_purchases_one_time/update", webhook_id="second")
    tasks.handle_webhook(webhook_id="first")
    assert WebhookDelivery.objects.get(webhook_id="second").handled_at is not None


# --- Second tries --------------------------------------------------------------------------------
