"""Where product photos come from: whatever store the account is connected to.

The store's side is chosen by the setting PRODUCT_SOURCE (a dotted path), so that this app knows
products and their photos and nothing of the platform they are sold on.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string


class ProductsUnavailable(Exception):  # noqa: N818 - says what is the case
    """The store cannot be reached, or has not connected; the sentence is fit for the merchant."""


class UnknownProduct(LookupError):  # noqa: N818
    """This account's store has no such product, or the product no such photo."""


class Photo(Protocol):
    """One photo of a product; `url` is a small picture for the page to show."""

    @property
    def id(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def alt(self) -> str: ...


class Product(Protocol):
    """One product of the account's store."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def photos(self) -> tuple[Photo, ...]: ...


class ProductSource(Protocol):
    """What a store's side offers. All three raise ProductsUnavailable's counterpart, ConnectionError,
    when the store does not answer, and LookupError for what it does not have."""

    def list_products(self, account_id: int, search: str = "") -> list[Product]: ...
    def get_product(self, account_id: int, product_id: str) -> Product: ...
    def read_photo(self, account_id: int, product_id: str, photo_id: str) -> bytes: ...


@functools.cache
def source() -> ProductSource:
    """The configured source of products."""
    return cast("ProductSource", import_string(settings.PRODUCT_SOURCE)())
