"""One address is one person's, however it is spelled."""

from __future__ import annotations

import importlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from shopify_auth.models import Person
from tests.credits.ledger.test_triggers_sqlite import ON_SQLITE, sqlite_at
from tests.shopify_auth.identity.test_sign_in import PASSWORD, sign_in

CAPS = "Carol.Caps@Example.com"
CAROL = "carol.caps@example.com"
one_spelling = importlib.import_module("shopify_auth.migrations.0009_one_spelling")


@pytest.fixture
def superuser(db) -> Client:
    client = Client()
    client.force_login(Person.objects.create_superuser("sasha@example.com", "x", name="Sasha"))
    return client


def enter(superuser: Client, email: str, name: str = "Carol") -> Any:
    """Our staff add a person."""
    form = {"email": email, "name": name, "password1": PASSWORD, "password2": PASSWORD}
    inline = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    return superuser.post("/staff/shopify_auth/person/add/", form | inline)


def test_a_person_entered_in_capitals_signs_in_in_any_spelling(superuser):
    assert enter(superuser, CAPS).status_code == 302
    assert Person.objects.get(name="Carol").email == CAROL

    # The address is confirmed first, as of everybody.
    for spelling in (CAPS, CAROL, CAROL.upper()):
        mail.outbox.clear()
        assert sign_in(spelling).status_code == 302
        EmailAddress.objects.filter(email=CAROL).update(verified=True)
    assert sign_in(CAPS)["Location"].startswith("/dashboard/")
    assert sign_in(CAPS, "wrong").status_code == 200


def test_the_second_spelling_is_refused_by_the_form_and_the_database(superuser):
    enter(superuser, CAROL)
    refused = enter(superuser, CAPS, "Another Carol")

    assert refused.status_code == 200
    assert "already" in refused.text
    assert Person.objects.filter(email=CAPS).count() == 1
    table = Person._meta.db_table
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET email = %s WHERE name = 'Sasha'",  # noqa: S608
            [CAPS],
        )


def fill(people: Any, addresses: Any) -> None:
    """What earlier versions let happen: one address three times, in two persons' sign-ins."""
    now = timezone.now()
    for n, (name, email) in enumerate([("Old", CAPS), ("New", CAROL), ("Emil", "emil@x.example")]):
        person = people.create(name=name, email=None, date_joined=now + timedelta(days=n))
        people.filter(pk=person.pk).update(email=email)
        addresses.create(user_id=person.pk, email=email, primary=True, verified=n != 1)
    old = people.get(name="Old")
    addresses.create(user_id=old.pk, email=CAROL, primary=False, verified=False)


def check(people: Any, addresses: Any) -> None:
    told = {person.name: (person.email, person.emptied_email) for person in people.all()}
    assert told["Old"] == (CAROL, "")
    assert told["New"] == (None, CAROL)
    assert told["Emil"] == ("emil@x.example", "")
    kept = list(addresses.order_by("pk").values_list("user__name", "email", "verified", "primary"))
    assert kept == [("Old", CAROL, True, True), ("Emil", "emil@x.example", True, True)]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_the_older_keeps_the_address_on_postgresql():
    constraint = next(c for c in Person._meta.constraints if c.name == "person_address_once")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Person, constraint)
    try:
        table = Person._meta.db_table
        fill_raw(table)
        with connection.schema_editor() as editor:
            one_spelling.join_spellings(apps, editor)
        check(Person.objects, EmailAddress.objects)
    finally:
        with connection.schema_editor() as editor:
            editor.add_constraint(Person, constraint)


def fill_raw(table: str) -> None:
    """As `fill`; today's model writes no capitals."""
    fill(_Spelled(table), EmailAddress.objects)


class _Spelled:
    """The people, whose addresses are written behind the model's back."""

    def __init__(self, table: str) -> None:
        self.table = table

    def create(self, **fields: Any) -> Person:
        return Person.objects.create(**fields)

    def get(self, **fields: Any) -> Person:
        return Person.objects.get(**fields)

    def filter(self, pk: int) -> _Spelled:
        self.pk = pk
        return self

    def update(self, email: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {self.table} SET email = %s WHERE id = %s",  # noqa: S608
                [email, self.pk],
            )


def test_the_older_keeps_the_address_on_sqlite(tmp_path: Path, django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), sqlite_at(tmp_path / "people.sqlite3") as database:
        call_command("migrate", database=ON_SQLITE, verbosity=0)
        call_command("migrate", "shopify_auth", "0008", database=ON_SQLITE, verbosity=0)
        people, addresses = state_at("0008_sign_in_failures", database)
        fill(people, addresses)
        call_command("migrate", database=ON_SQLITE, verbosity=0)
        people, addresses = state_at("0010_address_once", database)
        check(people, addresses)


def state_at(name: str, database: Any) -> tuple[Any, Any]:
    """People and sign-in addresses as the models were then."""
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    targets = [("shopify_auth", name), ("account", "0009_emailaddress_unique_primary_email")]
    state = MigrationExecutor(database).loader.project_state(targets).apps
    person, address = (
        state.get_model("shopify_auth", "Person"),
        state.get_model("account", "EmailAddress"),
    )
    return person.objects.using(ON_SQLITE), address.objects.using(ON_SQLITE)


def test_staff_find_who_was_emptied_and_give_another_address(superuser):
    person = Person.objects.create_user("new@example.com", PASSWORD, name="Carol")
    Person.objects.filter(pk=person.pk).update(email=None, emptied_email=CAROL)
    listed = superuser.get("/staff/shopify_auth/person/", {"emptied_email__isempty": "0"})
    assert "Carol" in listed.text
    assert "sasha@" not in listed.text.split("result_list")[1]

    form = {"email": "Second@Example.com", "name": "Carol", "is_active": "on"}
    inline = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    page = f"/staff/shopify_auth/person/{person.pk}/change/"
    assert superuser.post(page, form | inline).status_code == 302
    person.refresh_from_db()
    assert (person.email, person.emptied_email) == ("second@example.com", "")
