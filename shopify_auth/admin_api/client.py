"""The one module that speaks HTTP with Shopify: token endpoint, GraphQL Admin API, pictures.

Every request has a time limit, is repeated only where repeating is safe, and ends in data or in one
of `errors`. Tokens travel in headers and bodies only and never reach a log or an exception's text.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings

from ecomvance_app import connections
from shopify_auth.admin_api.documents import Document
from shopify_auth.admin_api.errors import (
    AccessDenied,
    AccessRefused,
    QueryFailed,
    ShopifyError,
    ShopifyUnavailable,
    StoreFrozen,
    StoreLocked,
    UserErrors,
)
from shopify_auth.domains import is_shop_domain

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = (3.05, 10)
ATTEMPTS = 4
LONGEST_WAIT_SECONDS = 10.0
FIRST_WAIT_SECONDS = 0.4
# How long one question can take at worst, with all its repetitions and waits.
_LONGEST_PAUSE = LONGEST_WAIT_SECONDS + 1
LONGEST_CALL_SECONDS = ATTEMPTS * sum(TIMEOUT_SECONDS) + (ATTEMPTS - 1) * _LONGEST_PAUSE
LONGEST_GRANT_SECONDS = (ATTEMPTS - 1) * sum(TIMEOUT_SECONDS) + (ATTEMPTS - 2) * _LONGEST_PAUSE
# A connection that rested longer may be closed by Shopify just as a mutation goes out on it, and that
# one is not repeated.
RESTS_SECONDS = 15.0
PICTURE_HOST = "cdn.shopify.com"
LARGEST_PICTURE = 25 * 1024 * 1024
_CHUNK = 256 * 1024
_MEANINGS: dict[int, tuple[type[ShopifyError], str]] = {
    401: (AccessRefused, "the access token is not accepted"),
    402: (StoreFrozen, "the store is frozen"),
    403: (
        AccessDenied,
        "403: scope missing, address not on the app's IP allow-list, or token that never expires",
    ),
    404: (AccessRefused, "there is no such store"),
    423: (StoreLocked, "the store is locked"),
}
# What the token endpoint may answer whatever was asked.
_NOT_OF_THE_GRANT = {402, 403, 423}
_CODES: dict[str, type[ShopifyError]] = {
    "ACCESS_DENIED": AccessDenied,
    "SHOP_INACTIVE": StoreFrozen,
    "INTERNAL_SERVER_ERROR": ShopifyUnavailable,
}


@dataclass(frozen=True)
class TokenAnswer:
    """What the token endpoint said of the grant: its status and its JSON fields."""

    status: int
    fields: dict[str, Any]

    @property
    def error(self) -> str:
        """OAuth's error code, empty on success."""
        return str(self.fields.get("error", "")) if self.status != 200 else ""


def admin_url(domain: str) -> str:
    """Where the store's admin is: Shopify, or the development store's server."""
    if not is_shop_domain(domain):
        raise ValueError("Not the domain of a store")
    if settings.DEV_STORE:
        return f"{settings.DEV_STORE}/shops/{domain}/admin"
    return f"https://{domain}/admin"


def install_url(domain: str) -> str:
    """Where the store's owner installs the app."""
    return f"{admin_url(domain)}/oauth/install?client_id={settings.SHOPIFY_API_KEY}"


def ask_for_token(domain: str, **form: str) -> TokenAnswer:
    """One grant at the store's token endpoint.

    Raises ShopifyUnavailable, and StoreFrozen, AccessDenied or StoreLocked by their meaning: those
    say nothing of the grant. Repeating is safe: a refresh token can be used again until the pair it brought is used, and an
    exchange only makes another pair.
    """
    form |= {"client_id": settings.SHOPIFY_API_KEY, "client_secret": settings.SHOPIFY_API_SECRET}
    url = f"{admin_url(domain)}/oauth/access_token"
    for attempt in range(ATTEMPTS - 1):
        wait = _back_off(attempt)
        try:
            response = _post(url, form)
        except requests.RequestException as error:
            logger.warning("Token endpoint of %s: %s", domain, type(error).__name__)
        else:
            if response.status_code in _NOT_OF_THE_GRANT:
                raise _meaning(response, f"A token for {domain}")
            if response.status_code < 500 and response.status_code != 429:
                return TokenAnswer(response.status_code, _fields(response))
            logger.warning("Token endpoint of %s answered %s", domain, response.status_code)
            wait = _retry_after(response, wait)
        if attempt < ATTEMPTS - 2:
            time.sleep(wait)
    raise ShopifyUnavailable(f"The token endpoint of {domain} does not answer")


def run(domain: str, access_token: str, document: Document, variables: dict[str, Any]) -> Any:
    """The `data` of a query, or the payload of a mutation, from the GraphQL Admin API.

    Raises AccessRefused when the token is not accepted, and the other `errors` by their meaning.
    A mutation is repeated only when Shopify says that it did not begin (429, THROTTLED) or when no
    connection came about.
    """
    url = f"{admin_url(domain)}/api/{settings.SHOPIFY_API_VERSION}/graphql.json"
    body = {"query": document.text, "variables": variables, "operationName": document.name}
    headers = {"X-Shopify-Access-Token": access_token}
    for attempt in range(ATTEMPTS):
        wait = _back_off(attempt)
        try:
            response = _post(url, body, headers)
        except requests.RequestException as error:
            logger.warning("%s for %s: %s", document.name, domain, type(error).__name__)
            unsent = isinstance(error, requests.ConnectTimeout)
            if document.is_mutation and not unsent:
                break
        else:
            status = response.status_code
            throttled_for = _throttled_for(response)
            if throttled_for is None and status < 500 and status != 429:
                return _result(domain, document, response)
            logger.warning("%s for %s: %s, waiting", document.name, domain, status)
            if document.is_mutation and status >= 500:
                break
            wait = _retry_after(response, wait) if throttled_for is None else throttled_for
        if attempt < ATTEMPTS - 1:
            time.sleep(wait)
    raise ShopifyUnavailable(f"{document.name}: the Admin API of {domain} does not answer")


def download(url: str) -> bytes:
    """A product picture of at most 25 MB, from Shopify's picture host and nowhere else.

    Raises ValueError for another host or a larger picture, LookupError when it is gone,
    ShopifyUnavailable otherwise.
    """
    _check_picture_url(url)
    connections.release()
    try:
        with _connections().get(
            url, timeout=TIMEOUT_SECONDS, stream=True, allow_redirects=False
        ) as response:
            if response.status_code in {404, 410}:
                raise LookupError("The picture is gone")
            if response.status_code != 200:
                raise ShopifyUnavailable(f"The picture host answered {response.status_code}")
            return _read_limited(response)
    except requests.RequestException as error:
        raise ShopifyUnavailable(f"The picture host: {type(error).__name__}") from error


def ask_for_session_token(domain: str) -> str | None:
    """A session token of the store's owner, as the fake Shopify's admin hands it to the app's frame.

    None from Shopify itself, which signs one for a merchant who opens the app and for nobody else.
    """
    if not (settings.DEV_STORE and settings.DEBUG):
        return None
    handle = domain.partition(".")[0]
    try:
        response = _post(f"{settings.DEV_STORE}/store/{handle}/session_token", {})
    except requests.RequestException as error:
        raise ShopifyUnavailable(f"The fake Shopify: {type(error).__name__}") from error
    return _fields(response).get("id_token")


def _post(url: str, body: Any, headers: dict[str, str] | None = None) -> requests.Response:
    # A store may take half a minute, in which no connection to the database is kept from others.
    connections.release()
    return _connections().post(
        url, json=body, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False
    )


class _Pool(threading.local):
    """This thread's connections, kept open between questions, and when they were last used."""

    session: requests.Session | None = None
    used_at = 0.0


_pool = _Pool()


def _forget_connections() -> None:
    """A forked process must not write on its parent's connections."""
    _pool.__dict__.clear()


os.register_at_fork(after_in_child=_forget_connections)


def _connections() -> requests.Session:
    """The thread's pool. It keeps connections and nothing else: what one store set is no other's."""
    now = time.monotonic()
    if _pool.session is not None and now - _pool.used_at > RESTS_SECONDS:
        _pool.session.close()
        _pool.session = None
    if _pool.session is None:
        _pool.session = requests.Session()
        _pool.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    _pool.used_at = now
    return _pool.session


def _back_off(attempt: int) -> float:
    """Seconds before the next attempt: doubling, with jitter so that shops do not march in step."""
    doubled: float = FIRST_WAIT_SECONDS * 2**attempt
    return doubled * random.uniform(0.75, 1.25)  # noqa: S311


def _retry_after(response: requests.Response, otherwise: float) -> float:
    try:
        asked = float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return otherwise
    return min(max(asked, 0.0), LONGEST_WAIT_SECONDS) + otherwise / 4


def _fields(response: requests.Response) -> dict[str, Any]:
    try:
        return _object(response.json())
    except ValueError:
        return {}


def _object(value: Any) -> dict[str, Any]:
    """The JSON object that should be here; empty where something else is."""
    return value if isinstance(value, dict) else {}


def _cost(fields: dict[str, Any]) -> dict[str, Any]:
    return _object(_object(fields.get("extensions")).get("cost"))


def _throttled_for(response: requests.Response) -> float | None:
    """Seconds until the bucket holds what was asked for; None when this is no THROTTLED answer."""
    fields = _fields(response)
    if "THROTTLED" not in _error_codes(fields):
        return None
    cost = _cost(fields)
    status = _object(cost.get("throttleStatus"))
    missing = float(cost.get("requestedQueryCost") or 0) - float(
        status.get("currentlyAvailable") or 0
    )
    seconds = missing / float(status.get("restoreRate") or 50)
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS) + random.uniform(0.05, 0.25)  # noqa: S311


def _meaning(response: requests.Response, what: str) -> ShopifyError:
    """What a status other than 200 stands for."""
    kind, meaning = _MEANINGS.get(
        response.status_code, (ShopifyError, f"answered {response.status_code}")
    )
    return kind(f"{what}: {meaning}")


def _result(domain: str, document: Document, response: requests.Response) -> Any:
    if response.status_code != 200:
        raise _meaning(response, f"{document.name} for {domain}")
    fields = _fields(response)
    actual = _cost(fields).get("actualQueryCost")
    logger.info("%s for %s cost %s", document.name, domain, actual)
    _raise_top_level(document, fields)
    data = fields.get("data")
    if not isinstance(data, dict):
        raise QueryFailed(document.name, ["no data"], [])
    if not document.payload:
        return data
    payload = data.get(document.payload)
    if payload is None:
        raise QueryFailed(document.name, ["the payload is null"], [])
    complaints = [str(error.get("message")) for error in payload.get("userErrors") or []]
    if complaints:
        raise UserErrors(document.name, complaints)
    return payload


def _raise_top_level(document: Document, fields: dict[str, Any]) -> None:
    """Raise for GraphQL's own errors, also when a null payload stands beside them."""
    errors = fields.get("errors")
    if not errors:
        return
    if not isinstance(errors, list):
        raise QueryFailed(document.name, [str(errors)], [])
    messages = [str(_object(error).get("message", error)) for error in errors]
    codes = _error_codes(fields)
    for code in codes:
        if code in _CODES:
            raise _CODES[code](f"{document.name}: {'; '.join(messages)}")
    raise QueryFailed(document.name, messages, codes)


def _error_codes(fields: dict[str, Any]) -> list[str]:
    errors = fields.get("errors")
    if not isinstance(errors, list):
        return []
    extensions = [_object(_object(error).get("extensions")) for error in errors]
    return [str(extension["code"]) for extension in extensions if "code" in extension]


def _check_picture_url(url: str) -> None:
    """A picture's address comes from Shopify's answer; it must not lead into our own network."""
    parts = urlsplit(url)
    if settings.DEV_STORE and f"{parts.scheme}://{parts.netloc}" == settings.DEV_STORE:
        return
    if (parts.scheme, parts.netloc) != ("https", PICTURE_HOST):
        raise ValueError("A picture is fetched from Shopify's picture host only")


def _read_limited(response: requests.Response) -> bytes:
    content = bytearray()
    for chunk in response.iter_content(_CHUNK):
        content += chunk
        if len(content) > LARGEST_PICTURE:
            raise ValueError("The picture is larger than 25 MB")
    return bytes(content)
