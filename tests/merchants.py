"""The people of the tests: an owner, the owner of a second shop, and a stranger."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.test import Client

from credits import ledger
from credits.models import Account
from shopify_auth.models import Membership, Person


@dataclass(frozen=True)
class Merchant:
    """Somebody with an account, and a browser in which they are signed in to the dashboard."""

    person: Person
    account: Account
    client: Client

    @property
    def total(self) -> int:
        """What the account holds now."""
        self.account.refresh_from_db()
        return self.account.plan_balance + self.account.package_balance


def make_person(name: str) -> Person:
    """A person with a confirmed address who signs in with the password "correct horse"."""
    email = f"{name.lower()}@example.com"
    person = Person.objects.create_user(email, "correct horse", name=name)
    EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
    return person


def make_merchant(name: str) -> Merchant:
    """A person whose account is in the first day of its trial."""
    person = make_person(name)
    account = ledger.open_account(name=f"{name}'s store")
    Membership.objects.create(person=person, account=account)
    client = Client()
    client.force_login(person)
    return Merchant(person, account, client)
