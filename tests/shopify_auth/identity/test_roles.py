"""Every page and every route of the API, as owner, maker and viewer."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern

from ecomvance_app.pages import urlpatterns
from shopify_auth.models import Membership, Person, Shop, ShopStaff
from shopify_auth.stores import connections
from tests.embedded import SHOP, STAFF, bearer, open_page, session_token
from tests.merchants import Merchant, make_merchant, make_person, open_store

VALUES = {
    "<slug:slug>": "background-removal",
    "<slug:name>": "preview",
    "<uuid:generation_id>": "00000000-0000-0000-0000-000000000001",
    "<uuid:conversation_id>": "00000000-0000-0000-0000-000000000001",
    "<int:sequence>": "1",
    "<str:reference>": "nothing",
    "<int:recipient_id>": "1",
    "<uuid:batch_id>": "00000000-0000-0000-0000-000000000001",
    "<uuid:approval_id>": "00000000-0000-0000-0000-000000000001",
}
# What an owner alone may change.
FOR_OWNERS = {
    "plans/subscribe", "plans/keep", "plans/buy", "plans/cancel", "settings", "settings/zone", "settings/data",
    "settings/close", "set-up/address",
    "approvals/<uuid:approval_id>",
}  # fmt: skip

HANDLE = SHOP.removesuffix(".myshopify.com")
OTHER_STAFF = "902541700"

pytestmark = pytest.mark.django_db


def address(pattern: URLPattern) -> str:
    route = str(pattern.pattern)
    for converter, value in VALUES.items():
        route = route.replace(converter, value)
    return f"/dashboard/{route}"


# What has no account takes nobody's role.
PAGES = [found for found in urlpatterns if not getattr(found.callback, "is_for_people", False)]


@pytest.fixture
def olivia() -> Merchant:
    return make_merchant("Olivia")


def member(olivia: Merchant, role: str) -> Client:
    person = make_person(role.title())
    Membership.objects.create(person=person, account=olivia.account, role=role)
    client = Client()
    client.force_login(person)
    return client


def test_a_viewer_looks_at_everything_and_changes_nothing(olivia):
    viewer = member(olivia, "viewer")
    for pattern in PAGES:
        assert viewer.get(address(pattern)).status_code != 403, address(pattern)
        assert viewer.post(address(pattern)).status_code == 403, address(pattern)


def test_a_maker_changes_what_is_not_the_owners_alone(olivia):
    maker = member(olivia, "maker")
    for pattern in PAGES:
        status = maker.post(address(pattern)).status_code
        is_for_owners = getattr(pattern.callback, "is_for_owners", False)
        assert (status == 403) == is_for_owners, address(pattern)


def test_an_owner_is_refused_nothing(olivia):
    for pattern in PAGES:
        assert olivia.client.post(address(pattern)).status_code != 403, address(pattern)


def test_what_only_owners_change():
    marked = {
        str(found.pattern) for found in PAGES if getattr(found.callback, "is_for_owners", False)
    }
    assert marked >= FOR_OWNERS


def test_the_refusal_says_whom_to_ask(olivia):
    maker = member(olivia, "maker")
    assert "Ask one of them" in maker.post("/dashboard/settings").text
    fragment = maker.post("/dashboard/plans/buy", headers={"HX-Request": "true"})
    assert fragment.status_code == 403
    assert fragment.text.startswith("Only an owner")


def test_settings_of_a_maker_stay_as_they_were(olivia):
    member(olivia, "maker").post("/dashboard/settings", {"threshold": "7"})
    olivia.account.refresh_from_db()
    assert olivia.account.low_threshold is None


# --- Programs ------------------------------------------------------------------------------------


def operations() -> list[tuple[str, str]]:
    """Every method of every address of the API, with ids of nothing in them."""
    spec = Client().get("/api/v1/openapi.json").json()
    found = [
        (method, re.sub(r"{\w+}", VALUES["<uuid:generation_id>"], path))
        for path, methods in spec["paths"].items()
        for method in methods
    ]
    assert len(found) > 10
    return found


@pytest.mark.parametrize("role", ["owner", "maker", "viewer"])
def test_a_program_may_what_its_person_may(role):
    store = open_store(SHOP)
    person = make_person("Mia")
    Membership.objects.create(person=person, account=store.account, role=role)
    shop = Shop.objects.get()
    key = connections.issue_key(connections.connect(shop, person))
    basic = base64.b64encode(f"{key.key_id}:{key.secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Idempotency-Key": "k"}
    for method, path in operations():
        address = path if path.startswith("/api/") else f"/api/v1{path}"
        options: Any = {"content_type": "application/json"} if method != "get" else {}
        answer = getattr(Client(), method)(address, headers=headers, **options)
        is_reading = method == "get" or address == "/api/v1/quotes"
        assert (answer.status_code == 403) == (role == "viewer" and not is_reading), address
        assert answer.status_code != 401, address


def test_a_member_of_another_store_is_a_stranger_here(olivia):
    sam = make_merchant("Sam")
    for pattern in PAGES:
        if "<uuid:" in str(pattern.pattern) or "<int:" in str(pattern.pattern):
            continue  # tests/shopify_auth/identity/test_tenants.py asks for Olivia's own things.
        answer: Any = sam.client.get(address(pattern))
        assert answer.wsgi_request.account != olivia.account, address(pattern)


# --- In the store's admin ------------------------------------------------------------------------


def save_threshold(**claims: Any) -> Any:
    headers = bearer(session_token(SHOP, **claims))
    return Client().post("/settings", {"threshold": "7", "recipients": ""}, headers=headers)


def test_the_stores_account_owner_is_an_owner(store_access):
    open_page(Client())
    assert save_threshold().status_code == 302
    assert ShopStaff.objects.get().is_account_owner


def test_other_staff_are_makers(store_access):
    open_page(Client())
    assert save_threshold(sub=OTHER_STAFF).status_code == 403
    assert Shop.objects.get().account.low_threshold is None
    headers = bearer(session_token(SHOP, sub=OTHER_STAFF)) | {"Idempotency-Key": "k"}
    asked = Client().post(
        "/api/v1/generations", {"tool": "none"}, "application/json", headers=headers
    )
    assert asked.status_code == 422


def test_who_is_not_known_to_own_the_store_does_not(store_access):
    open_page(Client())
    ShopStaff.objects.update(is_account_owner=False, asked_at=None)
    store_access.misbehave(handle=HANDLE, exchange_refused=1)
    assert save_threshold().status_code == 403
    assert save_threshold().status_code == 302


def test_what_shopify_said_last_holds_while_it_is_silent(store_access):
    open_page(Client())
    ShopStaff.objects.update(asked_at="2026-01-01T00:00:00Z")
    store_access.misbehave(handle=HANDLE, exchange_refused=1)
    assert save_threshold().status_code == 302


def test_who_owned_the_store_before_is_asked_for_again(store_access):
    open_page(Client())
    assert save_threshold().status_code == 302
    with store_access.changed_shop(HANDLE) as store:
        store.other_staff_ids = [STAFF]
    assert save_threshold().status_code == 302
    ShopStaff.objects.update(asked_at="2026-01-01T00:00:00Z")
    assert save_threshold().status_code == 403


def test_the_stores_staff_come_by_token_and_not_by_cookie(store_access):
    open_page(Client())
    person = Person.objects.get(shop_staff__shop__domain=SHOP)
    client = Client()
    client.force_login(person)
    assert client.get("/dashboard/").status_code == 403
