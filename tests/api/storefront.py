"""Stores with the app installed, their session tokens, and the products they sell."""

from __future__ import annotations

from generations.engines.base import Job, Pending, Result
from shopify_auth.models import Shop
from tests.generations.engine import Engine
from tests.products import Photo, Product, photo_content

MUG, BARE, LAMP = (f"gid://shopify/Product/{number}" for number in (1, 2, 3))


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
        return photo_content(size, size)


class ClosedStorefront(Storefront):
    """A store that does not answer."""

    def get_product(self, account_id: int, product_id: str) -> Product:
        raise ConnectionError("The store does not answer. Try again in a minute.")


class BrokenStorefront(Storefront):
    """A product source with a defect in it."""

    def get_product(self, account_id: int, product_id: str) -> Product:
        raise ZeroDivisionError


class IdleEngine(Engine):
    """An engine that is ready and never asked."""

    def run(self, job: Job) -> Result | Pending:
        raise AssertionError("No run is worked on in these tests")
