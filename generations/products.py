"""Where product photos come from: whatever store the account is connected to.

The store's side is chosen by the setting PRODUCT_SOURCE (a dotted path), so that this app knows
products and their photos and nothing of the platform they are sold on.
"""

from __future__ import annotations

import functools
from typing import Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from credits.refusals import Refusal

# A source lists at most so many products of one store; the others are found by searching.
MOST_LISTED = 30


class ProductsUnavailable(Refusal):
    """The store does not answer or is not connected; the text is a sentence for the merchant."""

    code = "store_unavailable"
    status = 503


class UnknownProduct(Refusal):
    """This account's store has no such product, or the product no such photo."""

    code = "unknown_product"
    status = 404
    field = "product_id"


class Photo(Protocol):
    """One photo of a product; `url` is where the store keeps a small picture of it."""

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
    """The store's side. Raises ConnectionError with a sentence for the merchant when the store
    does not answer, LookupError for what it does not have."""

    def list_products(self, account_id: int, search: str = "") -> list[Product]: ...
    def get_product(self, account_id: int, product_id: str) -> Product: ...
    def read_photo(self, account_id: int, product_id: str, photo_id: str) -> bytes: ...
    def read_preview(self, url: str) -> bytes: ...


@functools.cache
def _source() -> ProductSource:
    return cast("ProductSource", import_string(settings.PRODUCT_SOURCE)())


def list_products(account_id: int, search: str = "") -> list[Product]:
    """Products of the account's store, by title where searched for."""
    try:
        return _source().list_products(account_id, search)
    except LookupError:
        return []
    except ConnectionError as error:
        raise ProductsUnavailable(str(error)) from error


def find(account_id: int, product_id: str) -> Product | None:
    """A product of the account's store; None when it is not there, or the store does not answer."""
    try:
        return _source().get_product(account_id, product_id)
    except (LookupError, ConnectionError):
        return None


def read_photo(account_id: int, product_id: str, photo_id: str = "") -> tuple[Product, bytes]:
    """A product of the account's store and the content of one of its photos, the first by default."""
    try:
        product = _source().get_product(account_id, product_id)
        chosen = photo_id or product.photos[0].id
        return product, _source().read_photo(account_id, product_id, chosen)
    except LookupError as error:
        raise UnknownProduct(_("This photo is no longer in the store.")) from error
    except ConnectionError as error:
        raise ProductsUnavailable(str(error)) from error


def read_product(account_id: int, product_id: str) -> Product:
    """A product of the account's store, with a photo or without one."""
    try:
        return _source().get_product(account_id, product_id)
    except LookupError as error:
        raise UnknownProduct(_("This product is no longer in the store.")) from error
    except ConnectionError as error:
        raise ProductsUnavailable(str(error)) from error


def read_data(account_id: int, product_id: str) -> dict[str, object]:
    """What the store says about one of its products, for tools that write about it.

    A source that knows more than the title tells it by `read_data(account_id, product_id)`.
    """
    try:
        told = getattr(_source(), "read_data", None)
        if told is not None:
            return dict(told(account_id, product_id))
        return {"title": _source().get_product(account_id, product_id).title}
    except LookupError as error:
        raise UnknownProduct(_("This product is no longer in the store.")) from error
    except ConnectionError as error:
        raise ProductsUnavailable(str(error)) from error


def read_preview(url: str) -> bytes:
    """A photo's small picture from the address that the store gave for it."""
    try:
        return _source().read_preview(url)
    except LookupError as error:
        raise UnknownProduct(_("This photo is no longer in the store.")) from error
    except ConnectionError as error:
        raise ProductsUnavailable(str(error)) from error
