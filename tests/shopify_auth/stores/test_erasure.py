"""After an erasure no table and no file holds a word that the store or its people brought in.

By class, not by field: every table and every file is searched, and every text column is filled
beforehand, also one that nobody has thought of. A column that keeps its text says here why it may.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, models
from django.test import Client, TestCase
from django.utils import timezone

from credits import ledger, staff_acts
from credits.models import AlertRecipient, LedgerEntry, Notice, RestorationCase
from credits.outcomes import rules
from ecomvance_app import clock
from generations import tasks
from generations.engines import registry
from generations.engines.base import PlatformError
from generations.models import Generation
from generations.results import data_exports
from generations.runs import approvals
from generations.runs.orders import Order, Requester
from shopify_auth.billing import clawbacks
from shopify_auth.models import Invitation, LinkRequest, Membership, Person, Shop, Subscription
from shopify_auth.stores import connections, uninstalls
from shopify_auth.webhooks.bodies import SHAPES
from tests.devstore_fixture import DevStore
from tests.embedded import SECOND_SHOP, SHOP, STAFF, bearer, session_token
from tests.generations import sample_pictures as samples
from tests.generations.engine import Engine
from tests.merchants import SAM, SAMS_STORE, Owner
from tests.shopify_auth.webhooks.post import body_of, post, work

pytestmark = pytest.mark.django_db

PROMPT = "Für Großmutter O'Hara's Küche"
PRODUCT = "gid://shopify/Product/31415926"
ADDRESS = "sam.d'orly@lamps.example"
REASON = "Säm's bookkeeper, Frau Müller, asked for it"
WORDS = (
    SECOND_SHOP, SECOND_SHOP.partition(".")[0], SAMS_STORE, SAM, STAFF, "700002",
    PROMPT, PRODUCT, ADDRESS, REASON,
)  # fmt: skip

FILLED = "brought-in"
# Text that stays, or is not to be filled, and why that names nobody.
KEPT = {
    "credits.LedgerEntry": "append-only; ids and codes",
    "credits.StaffAct": "append-only; ids and codes",
    "credits.DailyUsage": "sums of entries by their codes",
    "credits.Plan": "the operator's price list",
    "credits.Package": "the operator's price list",
    "credits.OutcomeRule": "the operator's rules",
    "generations.UsagePrice": "the operator's costs",
    "credits.Account.time_zone": "the days of its entries are counted in it",
    "credits.Account.store_time_zone": "the store's zone, beside a chosen one",
    "credits.RestorationCase.outcome": "a code",
    "auth.Permission": "Django's",
    "auth.Group": "the names of our staff's groups",
    "contenttypes.ContentType": "Django's",
    "shopify_auth.Shop.domain": "becomes its keyed hash",
    "shopify_auth.Shop.scopes": "what the app asked for",
    "shopify_auth.Erasure.counts": "figures",
    "shopify_auth.Mailbox": "a keyed hash, so that it gets no second trial",
    "shopify_auth.LinkRequest.domain": "the store, by which the request is found and deleted",
    "shopify_auth.OfflineToken.claim": "a random number",
    "shopify_auth.BillingDifference.gid": "a charge's number, as on the bill",
    "shopify_auth.BillingDifference.detail": "prices and names of charges",
    # Deliveries are found by these; the words of the store are searched for in them.
    "shopify_auth.Shop.shopify_id": "the store's number, emptied",
    "shopify_auth.WebhookDelivery.subject": "the store, emptied",
    "shopify_auth.WebhookDelivery.shop_domain": "the store, emptied",
} | {
    f"shopify_auth.{charge}.{field}": "the charge as it stands on the bill"
    for charge in ("Subscription", "Purchase")
    for field in (
        "gid", "reference", "receipt", "name", "handle", "currency", "billed_currency", "surface",
    )
} | {
    f"shopify_auth.WebhookDelivery.{field}": "Shopify's number, or a sentence of ours"
    for field in ("webhook_id", "event_id", "topic", "triggered_at", "claim", "outcome")
} | {
    f"generations.Approval.{field}": "a code or a digest"
    for field in ("key", "request_digest", "tool", "surface")
} | {
    f"generations.Generation.{field}": "a code or a number of ours"
    for field in (
        "key", "request_digest", "tool", "resolution", "surface", "engine", "model", "label",
        "usage", "handle", "review",
    )
} | {
    "generations.Batch.key": "a digest",
    "generations.Batch.tool": "a code",
    "generations.Batch.resolution": "a code",
    "generations.Batch.surface": "a code",
    "generations.BatchItem.request_digest": "a digest",
    "generations.BatchItem.media_type": "a code of ours",
    "generations.BatchCharge.key": "a digest",
}  # fmt: skip
TEXTS = (models.CharField, models.TextField, models.JSONField, models.FileField)


def shapes(word: str) -> set[str]:
    """A word as it may stand in a table: as it is, in JSON, in HTML, in an address."""
    in_json = json.dumps(word)[1:-1]
    return {shape.casefold() for shape in (word, in_json, html.escape(word), quote(word))}


def everything_stored() -> Iterator[tuple[str, str]]:
    """Every value of every table and every file, with where it is."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            columns = [column.name for column in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    yield f"{table}.{column}", written_out(value)
    for path in files():
        yield "file name", str(path)
        yield f"file {path.name}", path.read_bytes().decode("latin-1")


def files() -> list[Path]:
    """Everything in storage."""
    return [path for path in Path(default_storage.path("")).rglob("*") if path.is_file()]


def written_out(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def found(*words: str) -> set[str]:
    """Where one of the words is stored."""
    sought = set[str]().union(*(shapes(word) for word in words))
    return {
        place
        for place, text in everything_stored()
        if any(shape in text.casefold() for shape in sought)
    }


def text_columns() -> Iterator[tuple[type[models.Model], models.Field[Any, Any]]]:
    """Every column of every table that holds text which somebody may have written."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            name = f"{model._meta.label}.{field.name}"
            is_kept = bool({name, model._meta.label} & KEPT.keys())
            if isinstance(field, TEXTS) and not (is_kept or field.choices or field.primary_key):
                yield model, field


def fill(model: type[models.Model], field: models.Field[Any, Any]) -> int:
    """Write into every row what somebody might have written; how many rows."""
    rows = model._base_manager.all()
    for pk in rows.values_list("pk", flat=True):
        text = f"{FILLED} {pk}"[: field.max_length]
        value = {text: [text]} if isinstance(field, models.JSONField) else text
        rows.filter(pk=pk).update(**{field.name: value})
    return rows.count()


@pytest.fixture
def sam(store_access: DevStore, monkeypatch: pytest.MonkeyPatch) -> Owner:
    """Sam's store with everything a store can have; his names are hard to write."""
    monkeypatch.setitem(registry.LOCAL, "ai-backgrounds", Engine())
    sam = Owner(store_access, SECOND_SHOP)
    make_picture("delivered")
    monkeypatch.setitem(registry.LOCAL, "ai-backgrounds", broken := Engine())
    broken.error = PlatformError(f"{PROMPT} broke it")
    make_picture("failed")
    Generation.objects.update(product_id=PRODUCT, product_title=SAMS_STORE, prompt=PROMPT)
    buy_and_regret(sam)
    AlertRecipient.objects.create(account=sam.account, email=ADDRESS, confirmed_at=timezone.now())
    bring_people(sam)
    leave_work_open(sam)
    spend = ledger.spend(sam.account.pk, 1, key="a")
    rules.apply_outcome(spend, "platform_error", clock.now())
    RestorationCase.objects.update(state="declined", reason=REASON, decided_at=clock.now())
    ledger.adjust(sam.account.pk, "package", 5, key="b", actor="staff:1", reason=REASON)
    staff_acts.record(1, "noted", sam.account, account_id=sam.account.pk, words=REASON)
    for topic in SHAPES:
        post(topic, body_of(topic, SECOND_SHOP), shop=SECOND_SHOP)
    post("orders/create", {"email": ADDRESS, "note": PROMPT}, shop=SECOND_SHOP)
    work()
    return sam


def make_picture(key: str) -> None:
    """A run of the store's staff, worked off."""
    picture = samples.encoded(samples.quarters(), "PNG")
    form = {
        "tool": "ai-backgrounds", "resolution": "1K", "prompt": PROMPT,
        "image": picture_file(picture),
    }  # fmt: skip
    headers = {**bearer(session_token(SECOND_SHOP)), "Idempotency-Key": key}
    asked = Client().post("/api/v1/generations", form, headers=headers)
    assert asked.status_code == 201, asked.text
    tasks.run(generation_id=asked.json()["id"])


def leave_work_open(owner: Owner) -> None:
    """A run that waits for an owner's word, told by mail, and a zip of everything."""
    order = Order(
        "ai-backgrounds", "1K", prompt=PROMPT, product_title=SAMS_STORE,
        uploads=(picture_file(samples.encoded(samples.quarters(), "PNG")),),
    )  # fmt: skip
    approvals.keep(Requester(owner.account.pk, owner.person.pk, "embedded"), order, ADDRESS)
    assert Notice.objects.filter(text__contains=owner.person.name).exists()
    assert data_exports.make(str(data_exports.ask(owner.account.pk, owner.person.pk).pk))


def picture_file(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(f"{SAM}.png", content, "image/png")


def buy_and_regret(owner: Owner) -> None:
    owner.subscribe("starter")
    package = owner.buy("small")
    owner.nudge()
    Subscription.objects.update(cancel_reason=REASON)
    package.refresh_from_db()
    clawbacks.take_back(package, 1, REASON, clock.now())


def bring_people(owner: Owner) -> None:
    """Somebody is asked to join, somebody wants to come, and a program has a key."""
    now = clock.now()
    later = {"created_at": now, "expires_at": now + timedelta(days=7)}
    Invitation.objects.create(
        account=owner.account, email=ADDRESS, role=Membership.Role.MAKER, **later
    )
    LinkRequest.objects.create(way=LinkRequest.Way.WEB, domain=owner.domain, **later)
    connections.issue_key(connections.connect(owner.shop, None))


def erase(owner: Owner) -> None:
    """The store leaves, and 48 hours later Shopify asks for its erasure; files go after commit."""
    owner.devstore.press("uninstall", owner.handle)
    now = clock.now()
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert uninstalls.uninstall(owner.shop, uninstalls.last_refresh(owner.shop), now)
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert uninstalls.redact(owner.shop, now + timedelta(hours=48, minutes=1))


def test_no_word_of_the_store_and_its_people_is_left_anywhere(sam):
    missed = [word for word in WORDS if not found(word)]
    assert not missed, "The test must bring it in before it can miss it"
    assert files()

    erase(sam)

    assert found(*WORDS) == set()
    assert not files()
    assert LedgerEntry.objects.filter(account=sam.account).count() >= 8


def test_no_text_column_is_left_as_it_was(sam):
    filled = {
        f"{model._meta.db_table}.{field.column}": fill(model, field)
        for model, field in text_columns()
    }
    assert sum(filled.values()) > 20
    assert Person.objects.filter(name__startswith=FILLED).exists()

    erase(sam)

    assert found(FILLED) == set()


def test_another_store_keeps_every_word(sam, store_access):
    olivia = Owner(store_access, SHOP)
    olivia.subscribe("starter")
    Subscription.objects.filter(shop=olivia.shop).update(cancel_reason="Olivia's own reason")
    AlertRecipient.objects.create(
        account=olivia.account, email="olivia@mugs.example", confirmed_at=timezone.now()
    )
    post("orders/create", {"email": "olivia@mugs.example"}, shop=SHOP)
    own = ("Olivia's own reason", "olivia@mugs.example", SHOP)
    before = found(*own)

    erase(sam)

    assert found(*own) == before
    assert Shop.objects.get(domain=SHOP).account == olivia.account


@pytest.mark.parametrize("handled", [False, True], ids=["waiting", "handled"])
@pytest.mark.parametrize(("header", "body"), [(SECOND_SHOP, SHOP), (SHOP, SECOND_SHOP)])
@pytest.mark.parametrize("topic", sorted(SHAPES))
def test_deliveries_whose_header_and_signed_body_name_two_stores(
    store_access, topic, header, body, handled
):
    """Somebody sends the one store's genuine body again, in the other one's name."""
    olivia, sam = Owner(store_access, SHOP), Owner(store_access, SECOND_SHOP)
    post(topic, body_of(topic, body), shop=header)
    # Under a topic that it does not fit it is kept for staff, every word of it.
    post("orders/create", body_of(topic, body), shop=header)
    assert found(SECOND_SHOP, f"Shop/{sam.shop.shopify_id}")
    if handled:
        work()

    erase(sam)

    assert found(SECOND_SHOP, f"Shop/{sam.shop.shopify_id}") == set()
    olivia.shop.refresh_from_db()
    assert (olivia.shop.state, olivia.shop.domain) == (Shop.State.INSTALLED, SHOP)


@pytest.mark.parametrize("topic", sorted(SHAPES))
def test_a_body_that_comes_after_the_erasure_in_the_erased_stores_name(store_access, topic):
    Owner(store_access, SHOP)
    erase(Owner(store_access, SECOND_SHOP))

    post(topic, body_of(topic, SHOP), shop=SECOND_SHOP)
    work()

    assert found(SECOND_SHOP) == set()
    assert found(SHOP)
