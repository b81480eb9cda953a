"""Olivia's store as its owner sees it in the admin, and Wendy, who comes from the web."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from credits.models import Account
from shopify_auth.models import Person, Shop
from tests.embedded import SHOP, STAFF, bearer, open_page, session_token
from tests.merchants import make_person


@dataclass
class Admin:
    """The store's admin, in which its account owner is signed in, or another of its staff."""

    shop: Shop
    staff: str = STAFF

    def post(self, page: str, action: str, **form: str) -> Any:
        headers = bearer(session_token(self.shop.domain, sub=self.staff)) | {"HX-Request": "true"}
        return Client().post(f"/settings/{page}", {"action": action, **form}, headers=headers)

    def page(self, page: str = "connection") -> str:
        headers = bearer(session_token(self.shop.domain, sub=self.staff)) | {"HX-Request": "true"}
        return str(Client().get(f"/settings/{page}", headers=headers).text)

    @property
    def account(self) -> Account:
        return Account.objects.get(shops=self.shop)


@dataclass
class Visitor:
    """Somebody signed in on the web a moment ago."""

    person: Person
    client: Client

    def ask(self, domain: str = SHOP) -> Any:
        """Ask a store; the address of the request's page."""
        asked = self.client.post("/dashboard/connect", {"action": "ask", "domain": domain})
        assert asked.status_code == 302, asked.text
        return asked["Location"]


def sign_in(name: str) -> Visitor:
    client = Client()
    person = make_person(name)
    form = {"login": person.email, "password": "correct horse"}
    assert client.post("/dashboard/sign-in/login/", form).status_code == 302
    return Visitor(person, client)


def request_id(page: str) -> str:
    """The one request that the admin's page offers to decide."""
    [found] = set(re.findall(r'name="request"\s+value="([^"]+)"', page))
    return str(found)


def code_of(page: str) -> str:
    [found] = re.findall(r"<code>([2-9A-Z]{8})</code>", page)
    return str(found)


@pytest.fixture(autouse=True)
def _fresh_counters() -> None:
    cache.clear()


@pytest.fixture
def admin(store_access: Any, db: None) -> Admin:
    open_page(Client())
    return Admin(Shop.objects.get(domain=SHOP))


@pytest.fixture
def wendy(db: None) -> Visitor:
    return sign_in("Wendy")
