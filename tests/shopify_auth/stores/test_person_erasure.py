"""After staff delete a person no table and no file holds their name or address; their account stays.

By class, not by field: every table and every file is searched, as after the erasure of a store.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import models
from django.test import Client, TestCase
from django.urls import reverse

from credits import ledger, staff_acts
from credits.models import AlertRecipient, Notice
from credits.staff_acts import StaffWords
from ecomvance_app import clock
from generations import tasks
from generations.models import Generation
from generations.runs import approvals
from generations.runs.orders import Order, Requester
from shopify_auth.models import Invitation, Membership, Person
from tests.generations import sample_pictures as samples
from tests.generations.conftest import engine, store
from tests.generations.mug_store import ask
from tests.merchants import Merchant, make_merchant, make_person
from tests.shopify_auth.stores.test_erasure import FILLED, found, picture_file, text_columns

__all__ = ["engine", "store"]
pytestmark = pytest.mark.django_db
NAME = "Möritz O'Färrell"
WORDS = (NAME, "moritz.o'farrell", "möritz")


@pytest.fixture
def olivia() -> Merchant:
    return make_merchant("Olivia")


@pytest.fixture
def moritz(olivia: Merchant, engine: object, store: object) -> Person:
    """A maker in Olivia's workspace who has left his name wherever a person can."""
    moritz, now = make_person(NAME), clock.now()
    Membership.objects.create(person=moritz, account=olivia.account, role="maker")
    client = Client()
    client.force_login(moritz)
    ask(client, "a-key")
    tasks.run(generation_id=str(Generation.objects.get().pk))
    order = Order(
        "background-removal",
        uploads=(picture_file(samples.encoded(samples.quarters(), "PNG")),),
    )
    Generation.objects.update(requested_by=moritz)
    approvals.keep(Requester(olivia.account.pk, moritz.pk, "web"), order, "another-key")
    address = str(moritz.email)
    AlertRecipient.objects.create(account=olivia.account, email=address, confirmed_at=now)
    later = {"created_at": now, "expires_at": now + timedelta(days=7)}
    Invitation.objects.create(
        account=olivia.account, email=address, role="maker", accepted_at=now,
        token_digest="a" * 64, **later,
    )  # fmt: skip
    other = make_merchant("Emil").account
    Invitation.objects.create(
        account=other, email=address, role="viewer", token_digest="b" * 64, **later
    )
    staff_acts.record(1, "changed", moritz, words=f"{NAME} asked for it by telephone")
    ledger.adjust(
        olivia.account.pk, "package", 1, key="b", actor=f"user:{moritz.pk}", reason="A gift"
    )
    return moritz


def delete(person: Person) -> None:
    """As staff do it, on the person's page."""
    chief = Person.objects.create_superuser("sasha@example.com", "x", name="Sasha")
    client = Client()
    client.force_login(chief)
    page = reverse("admin:shopify_auth_person_delete", args=[person.pk])
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert client.post(page, {"post": "yes"}).status_code == 302


def test_no_table_and_no_file_names_a_person_who_was_deleted(
    olivia: Merchant, moritz: Person
) -> None:
    places = {place.split(".")[0] for place in found(*WORDS)}
    assert len(places) >= 6, "The test must bring it in before it can miss it"

    delete(moritz)

    assert found(*WORDS) == set()
    assert not Person.objects.filter(pk=moritz.pk).exists()


def test_names_and_addresses_that_they_had_go_too(olivia: Merchant, moritz: Person) -> None:
    moritz = Person.objects.get(pk=moritz.pk)
    moritz.name = "Maurice Moss"
    moritz.save(update_fields=["name"])
    moritz = Person.objects.get(pk=moritz.pk)
    moritz.email = "maurice@example.com"
    moritz.save()
    assert len(found(*WORDS)) >= 6

    delete(moritz)

    assert found(*WORDS, "Maurice") == set()


def test_what_staff_wrote_of_their_accounts_names_them_no_more(
    olivia: Merchant, moritz: Person
) -> None:
    account = olivia.account
    words = f"{NAME} (MORITZ.O'FARRELL@example.com) called. Möritzburg is a place."
    assert str(moritz.email) == "moritz.o'farrell@example.com"
    staff_acts.record(1, "note written", account, account_id=account.pk, words=words)
    ledger.adjust(account.pk, "package", 1, key="c", actor="staff:1", reason=f"For {NAME}")

    delete(moritz)

    note = StaffWords.objects.get(act__act="note written").text
    assert note == "(somebody) ((somebody)) called. Möritzburg is a place."
    assert account.entries.get(key="c").note.text == "For (somebody)"


def own_columns() -> Iterator[tuple[type[models.Model], str, models.Field[Any, Any]]]:
    """Every text column of a person, and of the tables whose rows are a person's own."""
    for model, field in text_columns():
        if model is Person:
            yield model, "pk", field
        for to in model._meta.concrete_fields:
            is_own = to.related_model is Person and to.remote_field.on_delete is models.CASCADE
            if is_own:
                yield model, to.name, field


def test_no_text_column_of_theirs_is_left_as_it_was(olivia: Merchant, moritz: Person) -> None:
    filled = 0
    for model, to, field in own_columns():
        value = {FILLED: [FILLED]} if isinstance(field, models.JSONField) else FILLED
        rows = model._base_manager.filter(**{to: moritz.pk})
        filled += rows.update(**{field.name: value})
    assert filled >= 3
    assert found(FILLED)
    moritz.refresh_from_db()

    delete(moritz)

    assert found(FILLED) == set()


def test_what_they_made_and_what_others_have_stays(olivia: Merchant, moritz: Person) -> None:
    AlertRecipient.objects.create(
        account=olivia.account, email="olivia@example.com", confirmed_at=clock.now()
    )
    entries, others = olivia.account.entries.count(), found("olivia@example.com")

    delete(moritz)

    assert olivia.account.entries.count() == entries
    assert found("olivia@example.com") == others
    assert Generation.objects.get().requested_by is None
    assert Membership.objects.filter(person=olivia.person).exists()
    assert Notice.objects.filter(account=olivia.account).exists()
