"""Every address of the product, asked by the wrong person: no route shows another store's things."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from credits import ledger
from generations.engines import routing
from generations.models import Generation
from shopify_auth.models import Membership
from tests.api.storefront import IdleEngine
from tests.generations import sample_pictures
from tests.merchants import make_person
from tests.owners import Owner
from tests.shopify_auth.frame import SECOND_SHOP, SHOP, bearer, session_token

# Where no account is needed: each says itself who may come, or shows the same to everybody.
PUBLIC = {
    "healthz",
    "readyz",
    "events",
    "webhooks/shopify",
    "auth/session-token",
    "auth/install",
    "auth/callback",
    "billing/return/<str:reference>",
    "files/<str:token>",
    "product-photos/<str:token>",
    "exports/<str:token>",
    "staff/components",
    "api/v1/openapi.json",
    "api/v1/",
    "api/",
    "api/<path:rest>",
}
# What stands in an address and belongs to nobody.
SHARED = {"slug": "background-removal"}

pytestmark = pytest.mark.django_db


def patterns(resolver: Any = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address but those of Django's staff admin and of the sign-in."""
    for found in (resolver or get_resolver()).url_patterns:
        route = f"{prefix}{found.pattern}"
        if not isinstance(found, URLResolver):
            yield route, found
        elif route not in {"staff/", "dashboard/sign-in/"}:
            yield from patterns(found, route)


def is_public(pattern: URLPattern) -> bool:
    """Whether the middleware lets everybody through to this view."""
    return getattr(pattern.callback, "is_public", False)


def merchant_routes() -> list[tuple[str, list[str]]]:
    """The addresses that belong to a merchant, with what stands in them."""
    routes = [
        (route, list(found.pattern.converters))
        for route, found in patterns()
        # A public address that stands earlier in the list answers for the later one.
        if not is_public(found) and route not in PUBLIC
    ]
    assert len(routes) > 40
    return routes


def filled(route: str, values: dict[str, Any]) -> str:
    """An address of this route."""
    for part in route.split("/"):
        if part.startswith("<"):
            name = part.strip("<>").partition(":")[2]
            route = route.replace(part, str(values[name]))
    return f"/{route}"


@pytest.fixture
def sam(store_access, monkeypatch):
    """Sam, with a run, a purchase that waits for approval, and a longer ledger than Olivia's."""
    monkeypatch.setitem(routing._ROUTES, "background-removal", IdleEngine())
    sam = Owner(store_access, SECOND_SHOP)
    for number in range(4):
        ledger.spend(sam.account.pk, 1, key=f"spend {number}")
    photo = BytesIO(sample_pictures.encoded(sample_pictures.quarters(), "PNG"))
    photo.name = "mug.png"
    asked = Client().post(
        "/api/v1/generations",
        {"tool": "background-removal", "image": photo},
        headers={**bearer(session_token(SECOND_SHOP)), "Idempotency-Key": "sams"},
    )
    assert asked.status_code == 201, asked.text
    return sam


@pytest.fixture
def sams_things(sam):
    """What can stand in an address and is Sam's."""
    return {
        "generation_id": Generation.objects.get(account=sam.account).pk,
        "sequence": sam.account.version,
        "reference": sam.buy("small", decision="").reference,
    }


@pytest.fixture
def olivia(store_access):
    """Olivia, in her store's admin."""
    return Owner(store_access, SHOP)


@pytest.fixture
def olivias_browser(olivia):
    """Olivia on the web dashboard of the same account."""
    person = make_person("Olivia")
    Membership.objects.create(person=person, account=olivia.account)
    client = Client()
    client.force_login(person)
    return client


def test_public_addresses_are_the_ones_listed():
    assert {route for route, found in patterns() if is_public(found)} == PUBLIC


def test_another_stores_things_are_not_found_on_any_route(olivia, olivias_browser, sams_things):
    walked = set()
    for route, names in merchant_routes():
        theirs = [name for name in names if name not in SHARED]
        if not theirs:
            continue
        address = filled(route, sams_things | SHARED)
        headers = {} if route.startswith("dashboard/") else bearer(session_token(SHOP))
        statuses = {
            olivias_browser.get(address, headers=headers).status_code,
            olivias_browser.post(address, headers=headers).status_code,
        }
        assert 404 in statuses, address
        assert statuses <= {404, 405}, address
        walked |= set(theirs)
    assert walked == set(sams_things)


def test_the_owner_finds_the_same_things(sam, sams_things):
    """So that the 404s above mean something."""
    for route, names in merchant_routes():
        if route.startswith("dashboard/") or not set(names) - set(SHARED):
            continue
        address = filled(route, sams_things | SHARED)
        headers = bearer(session_token(SECOND_SHOP))
        statuses = {Client().get(address, headers=headers).status_code}
        if statuses == {405}:
            statuses = {Client().post(address, headers=headers).status_code}
        assert statuses <= {200, 302, 401, 409}, address
        assert 404 not in statuses, address


def test_no_route_serves_somebody_without_an_account(stranger, sams_things):
    for route, _names in merchant_routes():
        address = filled(route, sams_things | SHARED)
        in_frame = Client().get(address, headers={"HX-Request": "true"})
        assert in_frame.status_code == 401, address
        assert Client().post(address).status_code in {302, 401, 403}, address
        if route.startswith("dashboard/"):
            assert Client().get(address).status_code == 302, address
            assert stranger.get(address).status_code in {302, 403}, address


def test_no_cookie_opens_the_frame_or_the_api(olivias_browser, sams_things):
    for route, _names in merchant_routes():
        if route.startswith("dashboard/"):
            continue
        address = filled(route, sams_things | SHARED)
        fetched = olivias_browser.get(address, headers={"HX-Request": "true"})
        assert fetched.status_code == 401, address
        assert olivias_browser.post(address).status_code == 401, address


def test_a_token_of_an_unknown_store_never_names_a_known_one(olivia, sams_things):
    for route, _names in merchant_routes():
        if route.startswith("dashboard/"):
            continue
        address = filled(route, sams_things | SHARED)
        named = Client().get(address, {"shop": SHOP}, headers=bearer(session_token(SECOND_SHOP)))
        assert named.status_code == 401, address
