"""The people of the tests: Olivia, Sam with a second shop, Emil who pays in euros, and a stranger.

They are inconvenient on purpose. Olivia's days end at half past somebody else's hour, every name of
Sam's has an apostrophe and an umlaut, and Emil pays 19.99 for what he buys, in another currency than
the price list's.

A `Merchant` works on the web dashboard, an `ApiMerchant` asks the API by session token, an `Owner`
buys inside Shopify's admin from the fake Shopify.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from allauth.account.models import EmailAddress
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from credits import ledger
from credits.models import Account, LedgerEntry, Package, Plan
from ecomvance_app import clock
from generations.models import Generation
from shopify_auth.billing import charges, reconcile
from shopify_auth.billing.charges import Buyer
from shopify_auth.models import Membership, OfflineToken, Person, Purchase, Shop, Subscription
from tests.devstore_fixture import DevStore
from tests.embedded import EURO_SHOP, SHOP, bearer, open_page, session_token

HALF_HOUR_ZONE = "Asia/Kolkata"
SAM = "Sam D'Örly"
SAMS_STORE = "Sam D'Örly's Lämps"
ODD_PRICE = Decimal("19.99")


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
    """A person with a confirmed address who signs in with the password "correct horse".

    The address is the name in plain letters; an apostrophe may stand in one.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    email = f"{plain.lower().replace(' ', '.')}@example.com"
    person = Person.objects.create_user(email, "correct horse", name=name)
    EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
    return person


def zone_at_noon() -> str:
    """A time zone in which it is about noon: no day ends while a test looks at "Today"."""
    ahead = 12 - timezone.now().hour
    return f"Etc/GMT{-ahead:+d}"


def make_merchant(name: str, time_zone: str = "UTC") -> Merchant:
    """A person whose account is in the first day of its trial."""
    person = make_person(name)
    account = ledger.open_account(name=f"{name}'s store", time_zone=time_zone)
    Membership.objects.create(person=person, account=account)
    client = Client()
    client.force_login(person)
    return Merchant(person, account, client)


@dataclass(frozen=True)
class ApiMerchant:
    """A store with its account, asking by session token."""

    domain: str
    account: Account
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    @property
    def headers(self) -> dict[str, str]:
        """What App Bridge adds to a fetch."""
        return {"Authorization": f"Bearer {session_token(self.domain)}"}

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:
        return self.client.get(f"/api/v1/{path}", query, headers=self.headers)

    def post(self, path: str, body: Any, key: str | None = "k1", **options: Any) -> Any:
        """A JSON body, or a multipart one when `options` say so."""
        headers = self.headers | ({"Idempotency-Key": key} if key is not None else {})
        options = {"content_type": "application/json"} | options
        return self.client.post(f"/api/v1/{path}", body, headers=headers, **options)

    def post_form(self, path: str, fields: dict[str, Any], key: str = "k1") -> Any:
        headers = self.headers | {"Idempotency-Key": key}
        return self.client.post(f"/api/v1/{path}", fields, headers=headers)

    @property
    def holdings(self) -> tuple[int, int, int, int]:
        """What a refused request must leave as it was: credits, entries, runs and files."""
        self.account.refresh_from_db()
        folder = f"accounts/{self.account.pk}"
        files = default_storage.listdir(folder)[1] if default_storage.exists(folder) else []
        return (
            self.account.plan_balance + self.account.package_balance,
            LedgerEntry.objects.filter(account=self.account).count(),
            Generation.objects.filter(account=self.account).count(),
            len(files),
        )


def open_store(domain: str) -> ApiMerchant:
    """A store that has installed the app today: its trial runs, its offline token is good."""
    account = ledger.open_account(domain)
    shop = Shop.objects.create(
        domain=domain, shopify_id="700001", account=account, installed_at=timezone.now()
    )
    OfflineToken.objects.create(
        shop=shop, state=OfflineToken.State.ACTIVE, access_token="shpat_not-a-real-token"
    )
    return ApiMerchant(domain, account)


class Owner:
    """Somebody who has opened the app in their store's admin and now shops there."""

    def __init__(self, devstore: DevStore, domain: str = SHOP) -> None:
        self.devstore = devstore
        self.domain = domain
        self.handle = domain.removesuffix(".myshopify.com")
        request = open_page(Client(), domain).wsgi_request
        self.shop: Shop = request.shop
        self.person = request.person

    @property
    def account(self) -> Account:
        """The account as it is stored now."""
        return Account.objects.get(shops=self.shop)

    def buyer(self) -> Buyer:
        """The owner at the counter, now."""
        return Buyer(self.shop, self.account, self.person, "embedded", clock.now())

    def subscribe(self, plan: str, decision: str = "approve") -> Subscription:
        """Choose a plan and decide on Shopify's page; with no decision, walk away."""
        row = charges.subscribe(self.buyer(), plan)
        if decision:
            self.decide(row, decision)
        return row

    def buy(self, package: str, decision: str = "approve") -> Purchase:
        """Choose a package and decide on Shopify's page; with no decision, walk away."""
        row = charges.buy_package(self.buyer(), package)
        if decision:
            self.decide(row, decision)
        return row

    def decide(self, row: Subscription | Purchase, decision: str) -> str:
        """Approve or decline; where Shopify sends the browser."""
        assert row.gid
        return self.devstore.decide(row.gid, decision, self.handle)

    def bill(self, price: Decimal | str, currency: str = "USD") -> None:
        """Let Shopify charge the owner's latest charge otherwise than it was asked to."""
        with self.devstore.changed_shop(self.handle) as shop:
            shop.charges[-1].price = Decimal(price)
            shop.charges[-1].currency = currency

    def cancel(self) -> None:
        """Cancel the plan inside the app."""
        charges.cancel_subscription(self.shop, clock.now())

    def nudge(self) -> reconcile.Changes:
        """Whatever it was, something happened: compare with Shopify."""
        return reconcile.reconcile_charges(self.shop)

    def ledger(self) -> list[tuple[str, int, int]]:
        """Every entry so far as (kind, plan part, package part)."""
        entries = LedgerEntry.objects.filter(account=self.account).order_by("sequence")
        return [(entry.kind, entry.plan_delta, entry.package_delta) for entry in entries]

    def open(self, path: str, **query: str) -> Any:
        """Load a page of the app inside the admin."""
        return open_page(Client(), self.domain, path, **query)

    def fetch(self, path: str, **query: str) -> Any:
        """What a script of the page fetches."""
        return Client().get(path, query, headers=self._headers())

    def post(self, path: str, **form: str) -> Any:
        """What a form of the page sends."""
        return Client().post(path, form, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return bearer(session_token(self.domain)) | {"HX-Request": "true"}


class EuroOwner(Owner):
    """Emil: Shopify bills his store in euros, at the figure of the price list, which is 19.99."""

    def __init__(self, devstore: DevStore, domain: str = EURO_SHOP) -> None:
        super().__init__(devstore, domain)
        Plan.objects.filter(handle="starter").update(price_usd=ODD_PRICE)
        Package.objects.filter(handle="small").update(price_usd=ODD_PRICE)

    def subscribe(self, plan: str, decision: str = "approve") -> Subscription:
        row = super().subscribe(plan, decision="")
        self._approve_in_euros(row, decision)
        return row

    def buy(self, package: str, decision: str = "approve") -> Purchase:
        row = super().buy(package, decision="")
        self._approve_in_euros(row, decision)
        return row

    def _approve_in_euros(self, row: Subscription | Purchase, decision: str) -> None:
        self.bill(row.price, "EUR")
        if decision:
            self.decide(row, decision)
