"""Products and their photos from the account's connected stores: the setting PRODUCT_SOURCE."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from shopify_auth.admin_api import client, queries
from shopify_auth.admin_api.documents import PRODUCT_BY_ID, PRODUCT_DATA, PRODUCT_LIST, Document
from shopify_auth.admin_api.errors import AccessDenied, AccessRefused, GrantRefused, ShopifyError
from shopify_auth.models import Shop

logger = logging.getLogger(__name__)

LISTED_PRODUCTS = 30
PHOTOS_PER_LISTED_PRODUCT = 8
PHOTOS_PER_PRODUCT = 50
PREVIEW_WIDTH = 480
MOST_DESCRIPTION = 20_000
MOST_METAFIELD = 1_000
_UNITS = {
    "MILLIMETERS": "mm", "CENTIMETERS": "cm", "METERS": "m", "INCHES": "in", "FEET": "ft",
    "GRAMS": "g", "KILOGRAMS": "kg", "OUNCES": "oz", "POUNDS": "lb", "MILLILITERS": "ml",
    "CENTILITERS": "cl", "LITERS": "l",
}  # fmt: skip
_READABLE_METAFIELD = re.compile(
    r"(list\.)?(single_line_text_field|multi_line_text_field|number_integer|number_decimal|dimension"
    r"|weight|volume)"
)
_PRODUCT_ID = re.compile(r"gid://shopify/Product/[0-9]{1,20}")
_SEARCH_SYNTAX = re.compile(r"[^\w\s-]+")


@dataclass(frozen=True)
class Photo:
    """A photo in the store. `url` is a small picture for a page, `full_url` the stored one."""

    id: str
    url: str
    alt: str
    full_url: str


@dataclass(frozen=True)
class Product:
    """A product of the store, with its photos in the merchant's order."""

    id: str
    title: str
    photos: tuple[Photo, ...]


class ShopProducts:
    """Reads products at the moment they are asked for; nothing of the store is kept.

    All methods raise LookupError for what the account's stores do not have, and ConnectionError,
    with a sentence fit for the merchant, when a store cannot be asked.
    """

    def list_products(self, account_id: int, search: str = "") -> list[Product]:
        """The first products by title, of all stores of the account; `search` by words of the title."""
        words = _SEARCH_SYNTAX.sub(" ", search).replace("-", " ").split()
        query = " ".join(f"title:{word}*" for word in words[:8]) or None
        products: list[Product] = []
        for shop in _shops(account_id):
            with _merchant_sentences(shop):
                data = queries.ask(
                    shop,
                    PRODUCT_LIST,
                    first=LISTED_PRODUCTS,
                    photos=PHOTOS_PER_LISTED_PRODUCT,
                    query=query,
                )
            products += [_product(node) for node in data["products"]["nodes"]]
        return products

    def get_product(self, account_id: int, product_id: str) -> Product:
        """The product with this global id, if one of the account's stores has it."""
        return _product(_ask(account_id, PRODUCT_BY_ID, product_id))

    def read_data(self, account_id: int, product_id: str) -> dict[str, object]:
        """What the store says about the product; of a long description the first 20,000 characters."""
        node = _ask(account_id, PRODUCT_DATA, product_id)
        return {
            "title": node["title"],
            "type": node["productType"],
            "vendor": node["vendor"],
            "tags": node["tags"],
            "options": node["options"],
            "description_html": node["descriptionHtml"][:MOST_DESCRIPTION],
            "metafields": _metafields(node["metafields"]["nodes"]),
            "alt_texts": [
                media["alt"] or ""
                for media in node["media"]["nodes"]
                if media["__typename"] == "MediaImage"
            ],
        }

    def read_photo(self, account_id: int, product_id: str, photo_id: str) -> bytes:
        """The photo's file, at most 25 MB. The address comes from the store, never from the page."""
        product = self.get_product(account_id, product_id)
        photo = next((photo for photo in product.photos if photo.id == photo_id), None)
        if photo is None:
            raise LookupError("The product has no such photo")
        return self.read_preview(photo.full_url)

    def read_preview(self, url: str) -> bytes:
        """The file at an address that the store gave; others than its own hosts are refused."""
        try:
            return client.download(url)
        except (ShopifyError, ValueError) as error:
            logger.warning("A photo could not be read: %s", error)
            raise ConnectionError(_("The photo could not be read from your store.")) from error


def _metafields(nodes: list[dict[str, Any]]) -> dict[str, str]:
    """What a shopper could read: texts, figures and measures by key, without references and files."""
    return {
        str(node["key"]): _value(str(node["type"]), str(node["value"]))[:MOST_METAFIELD]
        for node in nodes
        if _READABLE_METAFIELD.fullmatch(str(node["type"]))
    }


def _value(kind: str, written: str) -> str:
    """Shopify writes lists and measures as JSON: ["a", "b"] is “a, b”, a measure “9 cm”."""
    if not kind.startswith(("list.", "dimension", "weight", "volume")):
        return written
    try:
        value = json.loads(written)
    except ValueError:
        return written
    parts = value if isinstance(value, list) else [value]
    return ", ".join(_measure(part) if isinstance(part, dict) else str(part) for part in parts)


def _measure(value: dict[str, Any]) -> str:
    number, unit = value.get("value", ""), str(value.get("unit", ""))
    shown = f"{number:g}" if isinstance(number, int | float) else str(number)
    return f"{shown} {_UNITS.get(unit.upper(), unit.lower())}".strip()


def _ask(account_id: int, document: Document, product_id: str) -> dict[str, Any]:
    """The product's node from the one of the account's stores that has it; LookupError if none."""
    if not _PRODUCT_ID.fullmatch(product_id):
        raise LookupError("No such product")
    for shop in _shops(account_id):
        with _merchant_sentences(shop):
            data = queries.ask(shop, document, id=product_id, photos=PHOTOS_PER_PRODUCT)
        if data["product"] is not None:
            node: dict[str, Any] = data["product"]
            return node
    raise LookupError("No such product")


def _shops(account_id: int) -> list[Shop]:
    shops = list(
        Shop.objects.filter(account_id=account_id, state=Shop.State.INSTALLED).order_by("pk")
    )
    if not shops:
        if Shop.objects.filter(account_id=account_id).exists():
            raise ConnectionError(
                _("The store has removed ecomVance, so its products are not here.")
            )
        raise ConnectionError(_("No store is connected to this account yet."))
    return shops


@contextmanager
def _merchant_sentences(shop: Shop) -> Iterator[None]:
    """Turn what went wrong with Shopify into a sentence that helps the merchant."""
    try:
        yield
    except (AccessRefused, GrantRefused) as error:
        logger.warning("%s", error)
        raise ConnectionError(
            _("Open ecomVance in your Shopify admin once to renew its access to your products.")
        ) from error
    except AccessDenied as error:
        logger.exception("%s", shop.domain)
        raise ConnectionError(_("Your store does not let ecomVance read its products.")) from error
    except ShopifyError as error:
        logger.warning("%s", error)
        raise ConnectionError(
            _("Your store does not answer at the moment. Try again in a minute.")
        ) from error


def _product(node: dict[str, Any]) -> Product:
    photos = tuple(
        _photo(media)
        for media in node["media"]["nodes"]
        # A photo that Shopify is still processing has no picture yet.
        if media["__typename"] == "MediaImage" and media["image"]
    )
    return Product(id=node["id"], title=node["title"], photos=photos)


def _photo(media: dict[str, Any]) -> Photo:
    full_url = str(media["image"]["url"])
    separator = "&" if "?" in full_url else "?"
    return Photo(
        id=media["id"],
        url=f"{full_url}{separator}width={PREVIEW_WIDTH}",
        alt=media["alt"] or "",
        full_url=full_url,
    )
