"""The key of a connection at `/api/v1`, and the command that makes one."""

from __future__ import annotations

import base64
import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from shopify_auth.identity import credentials
from shopify_auth.models import Connection, Membership, Shop
from shopify_auth.stores import connections
from shopify_auth.stores.connections import Key
from tests.embedded import SHOP, bearer, session_token
from tests.merchants import ApiMerchant, make_person, open_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia() -> ApiMerchant:
    """Olivia's store, with her as its owner on the web."""
    store = open_store(SHOP)
    Membership.objects.create(person=make_person("Olivia"), account=store.account)
    return store


def made_by_command(*options: str) -> Key:
    out = StringIO()
    call_command("connection_key", SHOP, *options, stdout=out)
    [key_id] = re.findall(r"Key id +(\S+)", out.getvalue())
    [secret] = re.findall(r"Secret +(\S+)", out.getvalue())
    return Key(key_id, secret)


def basic(key_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{key_id}:{secret}".encode()).decode()}


def ask(key: Key, path: str = "balance", **more: str) -> Any:
    return Client().get(f"/api/v1/{path}", headers=basic(key.key_id, key.secret) | more)


def run(key: Key) -> Any:
    headers = basic(key.key_id, key.secret) | {"Idempotency-Key": "k"}
    body = {"tool": "no-such-tool"}
    return Client().post("/api/v1/generations", body, "application/json", headers=headers)


def assert_refused(answer: Any) -> None:
    assert answer.status_code == 401
    assert answer.json()["error"] == "unauthorized"
    assert "WWW-Authenticate" not in answer.headers


def test_a_key_opens_the_account_of_its_store(olivia):
    answer = ask(made_by_command())
    assert answer.status_code == 200
    assert answer.json() == Client().get("/api/v1/balance", headers=olivia.headers).json()


def test_a_key_opens_no_page_and_no_stream(olivia):
    key = made_by_command()
    headers = basic(key.key_id, key.secret)
    assert Client().get("/events", headers=headers).status_code == 401
    assert Client().get("/dashboard/", headers=headers).status_code != 200
    assert Client().get("/usage", headers=headers).status_code != 200


def test_wrong_keys_are_refused(olivia):
    key = made_by_command()
    wrong = [
        Key(key.key_id, ""),
        Key(key.key_id, key.secret[:-1]),
        Key(key.key_id, connections.digest(key.secret)),
        Key("", key.secret),
        Key("evk_0000000000000000", key.secret),
        Key("", ""),
    ]
    for guess in wrong:
        assert_refused(ask(guess))


@pytest.mark.parametrize("text", ["", "x", "====", "/w==", "YTpi" * 400, "YQBiOmM="])
def test_what_is_no_key_at_all_is_refused(olivia, text):
    assert_refused(Client().get("/api/v1/balance", headers={"Authorization": f"Basic {text}"}))


def test_a_browsers_page_may_not_use_a_key(olivia):
    assert_refused(ask(made_by_command(), Origin="https://elsewhere.example"))


def test_rotating_stops_the_old_key_at_once(olivia):
    old = made_by_command()
    new = made_by_command()
    assert_refused(ask(old))
    assert ask(new).status_code == 200
    assert Connection.objects.count() == 1


def test_revoking_stops_the_key(olivia):
    key = made_by_command()
    call_command("connection_key", SHOP, "--revoke", stdout=StringIO())
    assert_refused(ask(key))


def test_a_store_without_people_on_the_web_gets_an_operators_key(db):
    store = open_store(SHOP)
    key = made_by_command()
    assert ask(key).json()["total"] == 100
    assert_refused(ask(Key(made_by_command().key_id, key.secret)))
    assert Connection.objects.get().shop.account == store.account


def test_there_is_no_key_for_a_store_without_the_app(olivia):
    Shop.objects.update(state=Shop.State.UNINSTALLED)
    with pytest.raises(CommandError):
        made_by_command()


def test_a_key_dies_with_the_installation(olivia):
    key = made_by_command()
    Shop.objects.update(state=Shop.State.UNINSTALLED)
    assert_refused(ask(key))


def test_a_key_can_do_no_more_than_its_person_may_now(olivia):
    key = made_by_command()
    assert run(key).status_code == 422
    Membership.objects.update(role="viewer")
    assert run(key).status_code == 403
    assert run(key).json()["error"] == "forbidden"
    assert ask(key).status_code == 200
    Membership.objects.all().delete()
    assert_refused(ask(key))


def test_a_reading_key_runs_nothing(olivia):
    shop = Shop.objects.get()
    key = connections.issue_key(connections.connect(shop, None), "read")
    assert run(key).status_code == 403
    assert ask(key).status_code == 200


def test_the_secret_is_kept_nowhere_and_the_use_is_noted(olivia):
    key = made_by_command()
    assert ask(key).status_code == 200
    kept = Connection.objects.values().get()
    assert kept["last_used_at"] is not None
    assert key.secret not in str(kept)
    assert key.secret not in repr(key)


def test_many_wrong_keys_are_slowed_down(olivia, monkeypatch):
    monkeypatch.setattr(credentials, "FAILURES_PER_MINUTE", 3)
    address = {"REMOTE_ADDR": "192.0.2.77"}
    statuses = [
        Client(**address).get("/api/v1/balance", headers=basic("a", "b")).status_code
        for _attempt in range(5)
    ]
    assert 401 in statuses
    assert 429 in statuses
    assert ask(made_by_command()).status_code == 200


def test_a_session_token_still_opens_the_api(olivia):
    answer = Client().get("/api/v1/balance", headers=bearer(session_token()))
    assert answer.status_code == 200
