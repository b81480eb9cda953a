"""The address in the admin's frame, with the parameters Shopify adds to a document load."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from urllib.parse import urlencode

from django.conf import settings
from django.http import QueryDict

from shopify_auth.devstore import tokens
from shopify_auth.devstore.fake import FakeShopify
from shopify_auth.devstore.state import Shop

DOCUMENT_PARAMETERS = {
    "embedded",
    "hmac",
    "host",
    "id_token",
    "locale",
    "session",
    "shop",
    "timestamp",
}


def host_parameter(fake: FakeShopify, shop: Shop) -> str:
    """The admin's address without its scheme, in base64 without padding."""
    address = fake.admin_url(shop).partition("://")[2]
    return base64.b64encode(address.encode()).decode().rstrip("=")


def query_hmac(parameters: dict[str, str]) -> str:
    """The signature of a query: HMAC-SHA256 in hex over its sorted pairs."""
    message = "&".join(f"{key}={value}" for key, value in sorted(parameters.items()))
    secret = settings.SHOPIFY_API_SECRET.encode()
    return hmac.new(secret, message.encode(), hashlib.sha256).hexdigest()


def signed_query(fake: FakeShopify, shop: Shop, extra: dict[str, str]) -> dict[str, str]:
    """`extra` with shop, host, timestamp and the signature over all of them."""
    parameters = {
        "host": host_parameter(fake, shop),
        "shop": shop.domain,
        "timestamp": str(int(time.time())),
        **extra,
    }
    return parameters | {"hmac": query_hmac(parameters)}


def document_url(fake: FakeShopify, shop: Shop, path: str, query: QueryDict) -> str:
    """Where the frame loads the app's page `path`, signed in by a fresh session token."""
    own = {key: str(query[key]) for key in query if key not in DOCUMENT_PARAMETERS}
    parameters = signed_query(
        fake,
        shop,
        own
        | {
            "embedded": "1",
            "id_token": tokens.session_token(shop),
            "locale": "en-US",
            "session": secrets.token_hex(32),
        },
    )
    return f"{settings.APP_URL}/{path.lstrip('/')}?{urlencode(parameters)}"
