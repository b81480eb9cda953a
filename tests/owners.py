"""The owner of a Shopify store in billing tests: opens the app, buys, approves, is nudged about."""

from __future__ import annotations

from typing import Any

from django.test import Client

from credits.models import Account, LedgerEntry
from ecomvance_app import clock
from shopify_auth import billing, charges
from shopify_auth.charges import Buyer
from shopify_auth.models import Purchase, Shop, Subscription
from tests.devstore_fixture import DevStore
from tests.shopify_auth.frame import SHOP, bearer, open_page, session_token


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

    def cancel(self) -> None:
        """Cancel the plan inside the app."""
        charges.cancel_subscription(self.shop, clock.now())

    def nudge(self) -> billing.Changes:
        """Whatever it was, something happened: compare with Shopify."""
        return billing.bring_in_line(self.shop)

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
