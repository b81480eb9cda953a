"""Access to a store: obtained, renewed, kept and given up, against a Shopify that misbehaves."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from shopify_auth import tasks
from shopify_auth.admin_api import client, offline_tokens, queries, token_refresh
from shopify_auth.admin_api.documents import (
    APP_INSTALLATION,
    SHOP_DETAILS,
    SUBSCRIPTION_CANCEL,
    Document,
)
from shopify_auth.admin_api.errors import (
    AccessDenied,
    AccessRefused,
    GrantRefused,
    NeedsReopen,
    QueryFailed,
    ShopifyUnavailable,
    StoreFrozen,
    StoreLocked,
    TokenAnswerIncomplete,
    UserErrors,
)
from shopify_auth.devstore.state import TokenKind
from shopify_auth.models import OfflineToken, Shop
from tests.embedded import SHOP, open_page

HANDLE = SHOP.removesuffix(".myshopify.com")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(client, "FIRST_WAIT_SECONDS", 0.01)


@pytest.fixture
def shop(store_access):
    """Olivia's store, which has the app."""
    open_page(Client())
    return Shop.objects.get(domain=SHOP)


def token_of(shop):
    return OfflineToken.objects.get(shop=shop)


def age(shop, **columns):
    """Make the stored token older."""
    OfflineToken.objects.filter(shop=shop).update(
        **{name: timezone.now() + moved for name, moved in columns.items()}
    )


# --- Renewal -------------------------------------------------------------------------------------


def test_a_token_is_used_until_five_minutes_before_its_end(shop):
    token = token_of(shop).access_token
    age(shop, expires_at=timedelta(minutes=5, seconds=10))
    assert offline_tokens.access_token(shop) == token
    age(shop, expires_at=timedelta(minutes=4, seconds=50))
    renewed = offline_tokens.access_token(shop)
    assert renewed != token
    stored = token_of(shop)
    assert stored.access_token == renewed
    assert stored.expires_at - timezone.now() > timedelta(minutes=59)
    assert stored.refresh_expires_at - timezone.now() > timedelta(days=89)


def test_a_refresh_survives_a_shopify_that_fails_after_it_was_done(shop, store_access):
    """520 in the middle of a rotation: the old refresh token is tried again and still good."""
    before = token_of(shop)
    age(shop, expires_at=timedelta(seconds=-1))
    store_access.misbehave(handle=HANDLE, refresh_520_after=1)
    assert offline_tokens.access_token(shop) != before.access_token
    assert queries.ask(shop, SHOP_DETAILS)["shop"]["myshopifyDomain"] == SHOP


def test_when_shopify_is_down_the_old_pair_stays(shop, store_access):
    before = token_of(shop)
    age(shop, expires_at=timedelta(minutes=2))
    store_access.misbehave(handle=HANDLE, refresh_520_before=-1)
    assert offline_tokens.access_token(shop) == before.access_token
    age(shop, expires_at=timedelta(seconds=-1))
    with pytest.raises(ShopifyUnavailable):
        offline_tokens.access_token(shop)
    after = token_of(shop)
    assert (after.refresh_token, after.claim) == (before.refresh_token, "")
    store_access.misbehave(handle=HANDLE, refresh_520_before=0)
    assert offline_tokens.access_token(shop) != before.access_token


def test_a_token_without_an_expiry_is_not_stored(shop, store_access):
    before = token_of(shop)
    age(shop, expires_at=timedelta(seconds=-1))
    store_access.misbehave(handle=HANDLE, expiry_left_out=1)
    with pytest.raises(TokenAnswerIncomplete, match="expires_in"):
        offline_tokens.access_token(shop)
    assert token_of(shop).refresh_token == before.refresh_token
    assert offline_tokens.access_token(shop)


def test_a_dead_refresh_token_needs_the_merchant(shop, store_access):
    age(shop, expires_at=timedelta(seconds=-1))
    store_access.press("revoke_tokens", HANDLE)
    with pytest.raises(NeedsReopen):
        offline_tokens.access_token(shop)
    assert token_of(shop).state == OfflineToken.State.NEEDS_REOPEN
    with pytest.raises(NeedsReopen):
        offline_tokens.access_token(shop)
    assert open_page(Client()).status_code == 200
    assert token_of(shop).state == OfflineToken.State.ACTIVE


def test_a_token_that_shopify_revoked_is_renewed_once_and_the_call_made_again(shop, store_access):
    before = token_of(shop)
    store_access.press("expire_access_tokens", HANDLE)
    assert queries.ask(shop, SHOP_DETAILS)["shop"]["name"] == HANDLE
    assert token_of(shop).access_token != before.access_token


def test_a_token_that_never_expires_is_traded_in(shop, store_access):
    with store_access.changed_shop(HANDLE) as state:
        old = state.tokens[0]
        old.kind, old.expires_at, old.refresh_token = TokenKind.OFFLINE, None, ""
    OfflineToken.objects.filter(shop=shop).update(expires_at=None, refresh_token="")
    assert token_refresh.shops_to_keep(timezone.now()) == [shop.pk]
    tasks.keep_shop_access(shop_id=shop.pk)
    traded = token_of(shop)
    assert traded.expires_at is not None
    assert traded.refresh_token
    assert queries.ask(shop, SHOP_DETAILS)["shop"]["name"] == HANDLE
    assert token_refresh.shops_to_keep(timezone.now()) == []


def test_a_store_that_nobody_opens_keeps_its_access(shop):
    before = token_of(shop)
    assert token_refresh.shops_to_keep(timezone.now()) == []
    age(shop, refreshed_at=-timedelta(days=31), expires_at=-timedelta(days=31))
    assert token_refresh.shops_to_keep(timezone.now()) == [shop.pk]
    tasks.keep_shop_access(shop_id=shop.pk)
    assert token_of(shop).refresh_token != before.refresh_token
    assert token_refresh.shops_to_keep(timezone.now()) == []


def test_a_store_that_left_is_not_kept(shop):
    age(shop, refreshed_at=-timedelta(days=31))
    Shop.objects.update(state=Shop.State.UNINSTALLED)
    assert token_refresh.shops_to_keep(timezone.now()) == []


def test_a_claim_whose_holder_died_is_taken_over(shop):
    age(shop, expires_at=timedelta(seconds=-1))
    OfflineToken.objects.update(claim="somebody", claimed_until=timezone.now())
    assert offline_tokens.access_token(shop)


def test_whoever_waits_too_long_for_another_renewal_gives_up(shop, monkeypatch):
    monkeypatch.setattr(offline_tokens, "WAIT_SECONDS", 0.1)
    age(shop, expires_at=timedelta(seconds=-1))
    held = timezone.now() + timedelta(minutes=1)
    OfflineToken.objects.update(claim="somebody", claimed_until=held)
    with pytest.raises(ShopifyUnavailable):
        offline_tokens.access_token(shop)
    assert token_of(shop).claim == "somebody"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_many_calls_at_once_refresh_once(shop, store_access):
    age(shop, expires_at=timedelta(seconds=-1))
    issued = len(store_access.shop(HANDLE).tokens)
    found = set()
    start = threading.Barrier(8)

    def call():
        start.wait()
        try:
            found.add(offline_tokens.access_token(shop))
        finally:
            connection.close()

    calls = [threading.Thread(target=call) for _ in range(8)]
    for one in calls:
        one.start()
    for one in calls:
        one.join()
    assert found == {token_of(shop).access_token}
    assert len(store_access.shop(HANDLE).tokens) == issued + 1


# --- At rest -------------------------------------------------------------------------------------


def columns():
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token, refresh_token FROM shopify_auth_offlinetoken")
        return cursor.fetchone()


def test_the_database_never_sees_a_token(shop):
    token = token_of(shop)
    assert token.access_token.startswith("shpat_")
    for stored in columns():
        assert stored.startswith("gAAAA")
        assert token.access_token not in stored


def test_keys_rotate(shop, settings):
    token = token_of(shop)
    old = settings.TOKEN_KEYS
    settings.TOKEN_KEYS = [Fernet.generate_key().decode(), *old]
    assert token_of(shop).access_token == token.access_token
    before = columns()
    assert token_refresh.encrypt_with_current_key() == 1
    assert token_refresh.encrypt_with_current_key() == 0
    assert all(new != old for new, old in zip(columns(), before, strict=True))
    settings.TOKEN_KEYS = settings.TOKEN_KEYS[:1]
    after = token_of(shop)
    assert after.access_token == token.access_token
    assert after.refresh_token == token.refresh_token


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_writing_tokens_again_brings_none_back_that_was_deleted_meanwhile(shop, settings):
    settings.TOKEN_KEYS = [Fernet.generate_key().decode(), *settings.TOKEN_KEYS]
    written = []

    def encrypt():
        try:
            written.append(token_refresh.encrypt_with_current_key())
        finally:
            connection.close()

    with transaction.atomic():
        offline_tokens.forget(shop)
        nightly = threading.Thread(target=encrypt)
        nightly.start()
        # It has read the tokens and waits for the row.
        while not blocked_writers():
            time.sleep(0.02)
    nightly.join()
    assert written == [0]
    token = token_of(shop)
    assert (token.state, token.access_token, token.refresh_token) == ("missing", "", "")


def blocked_writers():
    with connection.cursor() as cursor:
        # Within a transaction PostgreSQL would show the same moment again and again.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0]


def test_no_log_and_no_exception_ever_shows_a_token(shop, store_access, caplog, settings):
    caplog.set_level(logging.DEBUG)
    seen = [token_of(shop)]
    age(shop, expires_at=timedelta(seconds=-1))
    seen.append(offline_tokens.renew(shop))
    store_access.press("expire_access_tokens", HANDLE)
    queries.ask(shop, SHOP_DETAILS)
    seen.append(token_of(shop))
    store_access.press("revoke_tokens", HANDLE)
    with pytest.raises(AccessRefused) as refused:
        queries.ask(shop, SHOP_DETAILS)
    texts = [caplog.text, repr(refused.value), repr(seen), str(seen)]
    secret = [settings.SHOPIFY_API_SECRET, "shpat_", "shprt_"]
    for token in seen:
        secret += [token.access_token, token.refresh_token]
    for text in texts:
        for word in secret:
            assert word not in text


# --- What Shopify may answer ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switch", "error"),
    [
        ("frozen_store", StoreFrozen),
        ("locked_store", StoreLocked),
        ("address_not_allowed", AccessDenied),
    ],
)
@pytest.mark.parametrize("at_the_token_endpoint", [False, True])
def test_a_refusal_is_told_by_its_meaning(shop, store_access, switch, error, at_the_token_endpoint):
    if at_the_token_endpoint:
        age(shop, expires_at=timedelta(seconds=-1))
    store_access.misbehave(handle=HANDLE, **{switch: 1})
    with pytest.raises(error):
        queries.ask(shop, SHOP_DETAILS)
    assert queries.ask(shop, SHOP_DETAILS)["shop"]["name"] == HANDLE


def test_credentials_that_are_refused_cost_no_access(shop, store_access):
    before = token_of(shop)
    age(shop, expires_at=timedelta(minutes=2))
    store_access.misbehave(handle=HANDLE, client_refused=-1)
    assert offline_tokens.access_token(shop) == before.access_token
    age(shop, expires_at=timedelta(seconds=-1))
    with pytest.raises(GrantRefused):
        offline_tokens.access_token(shop)
    assert token_of(shop).state == OfflineToken.State.ACTIVE


@pytest.mark.parametrize("switch", ["server_error", "too_many_requests"])
def test_what_passes_is_tried_again(shop, store_access, switch):
    store_access.misbehave(handle=HANDLE, **{switch: 2})
    assert queries.ask(shop, SHOP_DETAILS)["shop"]["name"] == HANDLE


def test_throttled_waits_as_long_as_the_answer_says(shop, store_access):
    store_access.misbehave(handle=HANDLE, throttled=1)
    assert queries.ask(shop, SHOP_DETAILS)["shop"]["name"] == HANDLE


def test_in_the_end_it_gives_up(shop, store_access):
    store_access.misbehave(handle=HANDLE, server_error=-1)
    with pytest.raises(ShopifyUnavailable):
        queries.ask(shop, SHOP_DETAILS)


def test_a_mutation_is_not_sent_twice_when_nobody_knows_whether_it_was_done(shop, store_access):
    store_access.misbehave(handle=HANDLE, server_error=2)
    with pytest.raises(ShopifyUnavailable):
        queries.ask(shop, SUBSCRIPTION_CANCEL, id="gid://shopify/AppSubscription/1")
    assert store_access.shop(HANDLE).misbehaviour.server_error == 1


def test_a_mutation_that_was_not_begun_is_sent_again(shop, store_access):
    store_access.misbehave(handle=HANDLE, too_many_requests=1)
    with pytest.raises(UserErrors):
        queries.ask(shop, SUBSCRIPTION_CANCEL, id="gid://shopify/AppSubscription/1")


def test_a_document_the_schema_does_not_know_is_an_error_of_its_own(shop):
    wrong = Document("Wrong", "query Wrong { shop { favouriteColour } }")
    with pytest.raises(QueryFailed, match="favouriteColour"):
        queries.ask(shop, wrong)


def test_the_cost_of_a_call_is_logged(shop, caplog):
    caplog.set_level(logging.INFO)
    queries.ask(shop, APP_INSTALLATION)
    assert f"AppInstallation for {SHOP} cost " in caplog.text


def test_a_store_that_is_away_is_not_waited_for(shop, settings, monkeypatch):
    settings.DEV_STORE = "http://127.0.0.1:1"
    monkeypatch.setattr(client, "ATTEMPTS", 2)
    with pytest.raises(ShopifyUnavailable):
        queries.ask(shop, SHOP_DETAILS)


@pytest.mark.parametrize(
    "domain", ["evil.com", "evil.com/x.myshopify.com", "a.myshopify.com@evil.com"]
)
def test_a_request_goes_to_a_store_and_nowhere_else(settings, domain):
    settings.DEV_STORE = ""
    with pytest.raises(ValueError, match="store"):
        client.admin_url(domain)
    assert client.admin_url(SHOP) == f"https://{SHOP}/admin"
