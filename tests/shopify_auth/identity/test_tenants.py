"""Every address of the product, asked by the wrong person: no route shows another store's things."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from credits import ledger
from credits.models import AlertRecipient, LedgerEntry
from generations import products
from generations.assist import conversations
from generations.engines import registry
from generations.models import Generation
from generations.runs import approvals
from generations.runs.orders import Order, Requester
from shopify_auth.models import Membership
from tests.api.storefront import IdleEngine
from tests.embedded import SECOND_SHOP, SHOP, bearer, session_token
from tests.generations import sample_pictures
from tests.merchants import Owner, make_person
from tests.page_reading import one, read_page, words

# Where no account is needed: each says itself who may come, or shows the same to everybody.
PUBLIC = {
    "healthz",
    "readyz",
    "metrics",
    "events",
    "webhooks/shopify",
    "auth/session-token",
    "auth/install",
    "auth/callback",
    "billing/return/<str:reference>",
    "files/<str:token>",
    "archives/<str:token>",
    "product-photos/<str:token>",
    "exports/<str:token>",
    "batch-exports/<str:token>",
    "data-exports/<str:token>",
    "dashboard/recipients/<str:token>",
    "staff/components",
    "staff/set-up/<str:token>",
    # These ask themselves who is signed in, with an account or without.
    "dashboard/sign-in/second-factor/recovery-codes/",
    "dashboard/sign-in/second-factor/recovery-codes/saved",
    "api/v1/openapi.json",
    "api/v1/",
    "api/",
    "api/<path:rest>",
}
# What stands in an address and belongs to nobody.
SHARED = {"slug": "background-removal", "name": "preview"}
# What charges wants a key before it looks for anything.
A_KEY = {"Idempotency-Key": "k"}
JSON = "application/json"

pytestmark = pytest.mark.django_db


def patterns(resolver: Any = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address but those of Django's staff admin and of the sign-in."""
    for found in (resolver or get_resolver()).url_patterns:
        route = f"{prefix}{found.pattern}"
        if not isinstance(found, URLResolver):
            yield route, found
        elif route not in {"staff/", "dashboard/sign-in/", "dashboard/sign-in/second-factor/"}:
            yield from patterns(found, route)


def is_public(pattern: URLPattern) -> bool:
    """Whether the middleware lets everybody through to this view."""
    return getattr(pattern.callback, "is_public", False)


def is_for_people(pattern: URLPattern) -> bool:
    """Whether it is for whoever is signed in; tests/shopify_auth/linking asks those."""
    return getattr(pattern.callback, "is_for_people", False)


def merchant_routes() -> list[tuple[str, list[str]]]:
    """The addresses that belong to a merchant, with what stands in them."""
    routes = [
        (route, list(found.pattern.converters))
        for route, found in patterns()
        # A public address that stands earlier in the list answers for the later one.
        if not is_public(found) and route not in PUBLIC and not is_for_people(found)
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


def cut_out(client: Client, shop: str, key: str, **fields: Any) -> Any:
    """Ask for a run by the API: of an uploaded picture, or of what `fields` name."""
    photo = BytesIO(sample_pictures.encoded(sample_pictures.quarters(), "PNG"))
    photo.name = "mug.png"
    form = {"tool": "background-removal"} | (fields or {"image": photo})
    headers = {**bearer(session_token(shop)), "Idempotency-Key": key}
    return client.post("/api/v1/generations", form, headers=headers)


def cast_shadow(client: Client, shop: str, key: str) -> Any:
    """Ask for a batch of one uploaded picture by the API."""
    photo = BytesIO(sample_pictures.encoded(sample_pictures.quarters(), "PNG"))
    photo.name = "mug.png"
    headers = {**bearer(session_token(shop)), "Idempotency-Key": key}
    form = {"resolution": "1K", "image": photo}
    return client.post("/api/v1/batches", form, headers=headers)


@pytest.fixture
def sam(store_access, monkeypatch):
    """Sam, with a run, a purchase that waits for approval, and a longer ledger than Olivia's."""
    monkeypatch.setitem(registry.LOCAL, "background-removal", IdleEngine())
    with store_access.changed_shop(SECOND_SHOP.removesuffix(".myshopify.com")) as store:
        store.has_products = True
    monkeypatch.setitem(registry.LOCAL, "ai-shadowing", IdleEngine())
    sam = Owner(store_access, SECOND_SHOP)
    for number in range(4):
        ledger.spend(sam.account.pk, 1, key=f"spend {number}")
    asked = cut_out(Client(), SECOND_SHOP, "sams")
    assert asked.status_code == 201, asked.text
    return sam


@pytest.fixture
def sams_things(sam):
    """What can stand in an address and is Sam's."""
    batch = cast_shadow(Client(), SECOND_SHOP, "sams-batch")
    assert batch.status_code == 201, batch.text
    asker = Requester(sam.account.pk, sam.person.pk, "embedded")
    return {
        "generation_id": Generation.objects.get(account=sam.account, batch=None).pk,
        "batch_id": batch.json()["id"],
        "conversation_id": conversations.begin(sam.account.pk, None, "Sam asks", timezone.now()).pk,
        "sequence": sam.account.version,
        "approval_id": approvals.keep(asker, Order("nano-banana-t2i", "1K", prompt="A"), "k").pk,
        "reference": sam.buy("small", decision="").reference,
        "recipient_id": AlertRecipient.objects.create(
            account=sam.account, email="s@lamps.example"
        ).pk,
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
        headers |= A_KEY
        statuses = {
            olivias_browser.get(address, headers=headers).status_code,
            olivias_browser.post(address, {}, JSON, headers=headers).status_code,
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
        if route.endswith("/brush"):
            continue  # Only a cut-out that was delivered has one.
        address = filled(route, sams_things | SHARED)
        # What one address deletes, the next one shall find.
        Generation.objects.update(deleted_at=None)
        headers = bearer(session_token(SECOND_SHOP)) | A_KEY
        statuses = {Client().get(address, headers=headers).status_code}
        if statuses == {405}:
            statuses = {Client().post(address, {}, JSON, headers=headers).status_code}
        assert statuses <= {200, 302, 401, 409, 422}, address
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


# --- Parameters that name something --------------------------------------------------------------

# Route of a page, parameter, and one of Sam's things; the second value is nobody's.
NAMED = [
    ("gallery", "before", "run", "nobody's run"),
    ("gallery", "after", "run", "nobody's run"),
    ("usage", "span", "period", "nobody's period"),
    ("usage/ledger.csv", "span", "period", "nobody's period"),
    ("usage/ledger", "before", "sequence", "nobody's sequence"),
    ("usage/ledger", "after", "sequence", "nobody's sequence"),
    ("plans", "charge", "reference", "nobody's reference"),
]


@pytest.fixture
def named(sam, sams_things):
    """What a parameter can name: Sam's things, and the like of nobody's."""
    run = Generation.objects.get(account=sam.account, batch=None)
    now = timezone.now()
    ledger.start_plan_period(sam.account.pk, "starter", now, now + timedelta(days=30), key="period")
    granted = LedgerEntry.objects.get(account=sam.account, kind="plan_grant")
    return {
        "run": f"{run.created_at.isoformat()}~{run.pk}",
        "nobody's run": f"{run.created_at.isoformat()}~{uuid4()}",
        "period": f"period-{granted.sequence}",
        "nobody's period": "period-900000",
        "sequence": str(sams_things["sequence"]),
        "nobody's sequence": "900000",
        "reference": sams_things["reference"],
        "nobody's reference": "r" * len(sams_things["reference"]),
    }


@pytest.mark.parametrize(("route", "parameter", "theirs", "nobodys"), NAMED)
def test_naming_another_stores_thing_is_naming_nothing(
    olivia, olivias_browser, named, route, parameter, theirs, nobodys
):
    assert cut_out(Client(), SHOP, "olivias").status_code == 201

    for address, headers in (
        (f"/dashboard/{route}", {}),
        (f"/{route}", bearer(session_token(SHOP))),
    ):
        of_theirs, of_nobodys = (
            answered(olivias_browser, address, headers, {parameter: named[value]})
            for value in (theirs, nobodys)
        )
        assert of_theirs == of_nobodys, address


@pytest.mark.parametrize(
    ("route", "parameter", "theirs", "nobodys"),
    [row for row in NAMED if row[2] in {"period", "reference"}],
)
def test_the_owner_finds_what_the_parameter_names(named, route, parameter, theirs, nobodys):
    """So that being the same above means something."""
    headers = bearer(session_token(SECOND_SHOP))
    of_theirs, of_nobodys = (
        answered(Client(), f"/{route}", headers, {parameter: named[value]})
        for value in (theirs, nobodys)
    )
    assert of_theirs != of_nobodys


def answered(
    client: Client, address: str, headers: dict[str, str], query: dict[str, str]
) -> tuple[int, str]:
    """The status, and what the page reads where it is one."""
    answer = client.get(address, query, headers=headers)
    is_page = answer.status_code == 200 and "html" in answer.headers["Content-Type"]
    return answer.status_code, words(one(read_page(answer), "main")) if is_page else ""


def test_another_stores_product_is_unknown(olivia, olivias_browser, sam):
    product = products.list_products(sam.account.pk)[0]
    chosen = {"key": "k", "photo": f"{product.id} {product.photos[0].id}"}
    tool = "tools/background-removal"
    answers = [
        olivias_browser.post(f"/dashboard/{tool}", chosen, headers={"HX-Request": "true"}),
        olivia.post(f"/{tool}", **chosen),
        cut_out(Client(), SHOP, "k", product_id=product.id),
    ]

    assert {answer.status_code for answer in answers} <= {404, 422}
    assert not Generation.objects.filter(account=olivia.account).exists()
    assert cut_out(Client(), SECOND_SHOP, "own", product_id=product.id).status_code == 201


def test_another_stores_idempotency_key_repeats_nothing(olivia, sam):
    answer = cut_out(Client(), SHOP, "sams")

    assert answer.status_code == 201
    runs = Generation.objects.all()
    assert {str(run.pk): run.account for run in runs}[answer.json()["id"]] == olivia.account
    assert runs.count() == 2
