"""The demo store's products as the Admin API shows them, with what the app changed about them."""

from __future__ import annotations

import mimetypes
import re
import time
from typing import Any

from django.utils.html import strip_tags

from shopify_auth.devstore.admin_api.connections import Info, connection
from shopify_auth.devstore.catalogue import DemoProduct, demo_products
from shopify_auth.devstore.state import Media, ProductChanges, Shop

SEARCHED_FIELDS = {
    "id": "id",
    "title": "title",
    "vendor": "vendor",
    "product_type": "productType",
    "tag": "tags",
    "status": "status",
}


def product_nodes(shop: Shop, base_url: str) -> list[dict[str, Any]]:
    """Every product of the shop, as GraphQL objects."""
    if not shop.has_products:
        return []
    return [_product(shop, product, base_url) for product in demo_products()]


def matching(nodes: list[dict[str, Any]], query: str | None) -> list[dict[str, Any]]:
    """The products that match a search, in Shopify's search syntax: terms and `field:term`."""
    terms = re.findall(r"(?:(\w+):)?(?:\"([^\"]*)\"|(\S+))", query or "")
    return [
        node
        for node in nodes
        if all(_matches(node, field, quoted or bare) for field, quoted, bare in terms)
    ]


def ordered(nodes: list[dict[str, Any]], sort_key: str) -> list[dict[str, Any]]:
    """The products in the order of `sort_key`."""
    field = {"TITLE": "title", "VENDOR": "vendor", "PRODUCT_TYPE": "productType"}.get(sort_key)
    if field is None:
        return sorted(nodes, key=lambda node: _number(node["id"]))
    return sorted(nodes, key=lambda node: str(node[field]).casefold())


def photo_url(product: DemoProduct, position: int, base_url: str) -> str:
    """Where the fake serves the photo of a product at this position."""
    suffix = product.photos[position].path.suffix
    return f"{base_url}/files/{product.handle}/{position + 1}{suffix}"


def media_node(media: Media, base_url: str) -> dict[str, Any]:
    """A picture or video that the app added, through its processing to READY or FAILED."""
    url = f"{base_url}/files/uploads/{media.file_name}"
    finished = time.time() >= media.ready_at
    status = ("FAILED" if media.error else "READY") if finished else "PROCESSING"
    errors = [{"code": media.error, "details": None, "message": "The file cannot be used."}]
    node: dict[str, Any] = {
        "id": media.gid,
        "alt": media.alt,
        "status": status,
        "mediaContentType": media.content_type,
        "mediaErrors": errors if status == "FAILED" else [],
        "preview": None,
    }
    if media.content_type == "VIDEO":
        source = {
            "format": "mp4",
            "height": media.height,
            "width": media.width,
            "mimeType": media.mime_type,
            "url": url,
        }
        return node | {
            "__typename": "Video",
            "filename": media.file_name,
            "duration": media.duration,
            "sources": [source] if status == "READY" else [],
        }
    image = {"url": url, "altText": media.alt, "width": media.width, "height": media.height}
    ready = image if status == "READY" else None
    return node | {
        "__typename": "MediaImage",
        "image": ready,
        "mimeType": media.mime_type,
        "originalSource": {"url": url},
        "preview": {"image": ready, "status": status},
    }


def _product(shop: Shop, product: DemoProduct, base_url: str) -> dict[str, Any]:
    changes = shop.products.get(product.id, ProductChanges())
    media = [_photo(product, position, base_url) for position in range(len(product.photos))]
    media += [media_node(added, base_url) for added in changes.added_media]
    html = product.description_html
    if changes.description_html is not None:
        html = changes.description_html

    def media_page(_info: Info, **arguments: Any) -> dict[str, Any]:
        wanted = (arguments.get("query") or "").removeprefix("media_type:")
        shown = [one for one in media if wanted in {"", one["mediaContentType"]}]
        return connection(shown, arguments)

    def plain_description(_info: Info, **arguments: Any) -> str:
        words = strip_tags(html.replace("<", " <")).split()
        return " ".join(words)[: arguments.get("truncateAt")]

    return {
        "__typename": "Product",
        "id": product.id,
        "handle": product.handle,
        "title": product.title,
        "vendor": product.vendor,
        "productType": product.product_type,
        "tags": list(product.tags),
        "status": "ACTIVE",
        "descriptionHtml": html,
        "description": plain_description,
        "featuredMedia": media[0] if media else None,
        "media": media_page,
        "mediaCount": {"count": len(media), "precision": "EXACT"},
        "onlineStoreUrl": None,
        # As Shopify has it for a product without choices.
        "metafields": lambda _info, **arguments: connection(_metafields(product), arguments),
        "options": [{"name": "Title", "values": ["Default Title"]}],
    }


def _metafields(product: DemoProduct) -> list[dict[str, Any]]:
    return [
        {
            "id": f"gid://shopify/Metafield/{_number(product.id)}{position:02}",
            "namespace": "custom",
            "key": key,
            "type": kind,
            "value": value,
        }
        for position, (key, kind, value) in enumerate(product.metafields, 1)
    ]


def _photo(product: DemoProduct, position: int, base_url: str) -> dict[str, Any]:
    photo = product.photos[position]
    url = photo_url(product, position, base_url)
    image = {"url": url, "altText": photo.alt, "width": photo.width, "height": photo.height}
    # On the very first start the pictures are still being drawn.
    size = photo.path.stat().st_size if photo.path.exists() else None
    return {
        "__typename": "MediaImage",
        "id": f"gid://shopify/MediaImage/{_number(product.id)}{position + 1:02}",
        "alt": photo.alt,
        "status": "READY",
        "mediaContentType": "IMAGE",
        "mediaErrors": [],
        "mimeType": mimetypes.guess_type(photo.path.name)[0],
        "image": image,
        "originalSource": {"url": url, "fileSize": size},
        "preview": {"image": image, "status": "READY"},
    }


def _matches(node: dict[str, Any], field: str, term: str) -> bool:
    wanted = term.strip("*").casefold()
    if field == "id":
        return _number(node["id"]) == _number(term)
    fields = [SEARCHED_FIELDS[field]] if field in SEARCHED_FIELDS else SEARCHED_FIELDS.values()
    texts = [str(node[name]).casefold() for name in fields if name not in {"id", "status"} or field]
    return any(wanted in text for text in texts)


def _number(gid: str) -> int:
    tail = gid.rpartition("/")[2]
    return int(tail) if tail.isdigit() else 0
