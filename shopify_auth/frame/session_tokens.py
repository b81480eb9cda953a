"""Session tokens: Shopify's word on which store and which staff member are asking.

A token lives for one minute and is signed with the app's client secret. The rules are stricter than
those of Shopify's own libraries: every claim is required, the issuer must be the store's admin and
the store one of *.myshopify.com, and the audience is this app alone.

Source: Shopify's documentation, "Set up session tokens".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jwt
from django.conf import settings

from shopify_auth.domains import is_shop_domain

LEEWAY_SECONDS = 10
REQUIRED_CLAIMS = ["exp", "nbf", "iat", "iss", "dest", "aud", "sub"]
_LONGEST_TOKEN = 4_096
_OPTIONS: Any = {"require": REQUIRED_CLAIMS, "verify_aud": False}


class SessionTokenError(Exception):
    """The token proves nothing."""


class StaleSessionToken(SessionTokenError):  # noqa: N818 - says what is the case
    """Genuine, but its minute is over or has not begun: a fresh one will do."""


class InvalidSessionToken(SessionTokenError):  # noqa: N818
    """Not signed for this app, or its claims do not hold together."""


class ForeignSessionToken(InvalidSessionToken):
    """Signed with our secret for another app: asking again would bring the same answer."""


@dataclass(frozen=True)
class SessionToken:
    """A verified token. `shop` is a domain in lower case, `user_id` Shopify's id of the staff member."""

    shop: str
    user_id: str
    expires_at: int
    # Still good for a minute, so nothing that prints the object may show it.
    text: str = field(repr=False)


def verify(text: str) -> SessionToken:
    """The token's claims. Raises StaleSessionToken, ForeignSessionToken or InvalidSessionToken."""
    claims = _decode(text)
    domain = str(claims["dest"]).removeprefix("https://")
    if claims["dest"] != f"https://{domain}" or not is_shop_domain(domain):
        raise InvalidSessionToken("dest is not a store")
    if claims["iss"] != f"https://{domain}/admin":
        raise InvalidSessionToken("iss is not the admin of dest")
    if claims["aud"] != settings.SHOPIFY_API_KEY:
        raise ForeignSessionToken("aud is another app")
    if not claims["sub"] or len(claims["sub"]) > 40:
        raise InvalidSessionToken("sub is not a user id")
    return SessionToken(domain.lower(), claims["sub"], int(claims["exp"]), text)


def _decode(text: str) -> dict[str, Any]:
    if len(text) > _LONGEST_TOKEN:
        raise InvalidSessionToken("longer than any session token")
    try:
        return _decode_with(text, settings.SHOPIFY_API_SECRET)
    except jwt.InvalidSignatureError:
        if not settings.SHOPIFY_API_SECRET_OLD:
            raise InvalidSessionToken("wrong signature") from None
    # While the client secret rotates, tokens of both are under way.
    try:
        return _decode_with(text, settings.SHOPIFY_API_SECRET_OLD)
    except jwt.InvalidSignatureError as error:
        raise InvalidSessionToken("wrong signature") from error


def _decode_with(text: str, secret: str) -> dict[str, Any]:
    try:
        return jwt.decode(
            text, secret, algorithms=["HS256"], options=_OPTIONS, leeway=LEEWAY_SECONDS
        )
    except jwt.InvalidSignatureError:
        raise
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as error:
        raise StaleSessionToken(str(error)) from error
    except jwt.InvalidTokenError as error:
        raise InvalidSessionToken(type(error).__name__) from error
