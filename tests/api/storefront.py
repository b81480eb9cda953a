"""Stores with the app installed, their session tokens, and the products they sell."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from django.conf import settings
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from credits import ledger
from credits.models import Account, LedgerEntry
from generations.engines.base import Job, Result
from generations.models import Generation
from shopify_auth.models import OfflineToken, Shop
from tests.generations import sample_pictures as samples
from tests.products import Photo, Product

MUG, BARE, LAMP = (f"gid://shopify/Product/{number}" for number in (1, 2, 3))


def session_token(domain: str, **changes: Any) -> str:
    """A session token as Shopify signs it for a staff member of the store."""
    now = int(time.time())
    claims = {
        "iss": f"https://{domain}/admin", "dest": f"https://{domain}",
        "aud": settings.SHOPIFY_API_KEY, "sub": "902541635",
        "exp": now + 60, "nbf": now, "iat": now, "jti": "1", "sid": "1",
    } | changes  # fmt: skip
    return jwt.encode(claims, settings.SHOPIFY_API_SECRET, algorithm="HS256")


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


class Storefront:
    """A product source: Olivia's store has a mug and a product without photos, Sam's a lamp."""

    def list_products(self, account_id: int, search: str = "") -> list[Product]:
        if Shop.objects.get(account_id=account_id).domain.startswith("sams"):
            return [Product(LAMP, "Lamp", (Photo("31"),))]
        return [Product(MUG, "Enamel mug", (Photo("11"), Photo("12"))), Product(BARE, "Gift", ())]

    def get_product(self, account_id: int, product_id: str) -> Product:
        found = [p for p in self.list_products(account_id) if p.id == product_id]
        if not found:
            raise LookupError(product_id)
        return found[0]

    def read_photo(self, account_id: int, product_id: str, photo_id: str) -> bytes:
        size = 300 + int(photo_id)
        return samples.encoded(samples.quarters(size, size), "JPEG")


class ClosedStorefront(Storefront):
    """A store that does not answer."""

    def get_product(self, account_id: int, product_id: str) -> Product:
        raise ConnectionError("The store does not answer. Try again in a minute.")


class BrokenStorefront(Storefront):
    """A product source with a defect in it."""

    def get_product(self, account_id: int, product_id: str) -> Product:
        raise ZeroDivisionError


class IdleEngine:
    """An engine that is ready and never asked."""

    def unavailable_reason(self) -> str | None:
        return None

    def run(self, job: Job) -> Result:
        raise AssertionError("No run is worked on in these tests")
