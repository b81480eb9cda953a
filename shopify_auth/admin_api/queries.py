"""Ask a store's Admin API as the app, with the store's own offline token."""

from __future__ import annotations

from typing import Any

from shopify_auth.admin_api import client, offline_tokens
from shopify_auth.admin_api.documents import SHOP_DETAILS, Document
from shopify_auth.admin_api.errors import AccessRefused
from shopify_auth.models import Shop

# At worst: another renewal is waited for, the token renewed and the call made, and all of it twice.
LONGEST_SECONDS = 2 * (
    offline_tokens.WAIT_SECONDS + client.LONGEST_GRANT_SECONDS + client.LONGEST_CALL_SECONDS
)


def ask(shop: Shop, document: Document, **variables: Any) -> Any:
    """The document's data, or a mutation's payload. Raises the exceptions of `errors`.

    A token that Shopify does not accept is renewed once and the call made again: a 401 did nothing.
    """
    token = offline_tokens.access_token(shop)
    try:
        return client.run(shop.domain, token, document, variables)
    except AccessRefused:
        token = offline_tokens.renew(shop, refused=token).access_token
    return client.run(shop.domain, token, document, variables)


def is_uninstalled(shop: Shop) -> bool:
    """Whether the store refuses our token. Raises ShopifyError when nobody can tell."""
    return offline_tokens.is_refused(shop, lambda asked: ask(asked, SHOP_DETAILS))
