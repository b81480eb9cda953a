"""Session tokens: Shopify's word on which store and which staff member are asking.

A token lives for one minute and is signed with the app's client secret. ShopifyAPI decodes it:
signature, algorithm, times, audience, `jti` and `sid`. Our rules around it are stricter: every claim
is required, the issuer is exactly the admin of `dest`, `dest` a store, and the audience this app alone.

Source: Shopify's documentation, "Set up session tokens"; docs/decisions/0011.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jwt
from django.conf import settings
from shopify import session_token

from shopify_auth.domains import is_shop_domain

REQUIRED_CLAIMS = ["exp", "nbf", "iat", "iss", "dest", "aud", "sub"]
_LONGEST_TOKEN = 4_096
# What ShopifyAPI and PyJWT let through for a claim of another type, an address that is none, an
# infinite number, and a header nested too deep.
_LET_THROUGH = (TypeError, ValueError, AttributeError, OverflowError, RecursionError)


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
    missing = [name for name in REQUIRED_CLAIMS if claims.get(name) is None]
    if missing:
        raise InvalidSessionToken(f"{missing[0]} is missing")
    domain = str(claims["dest"]).removeprefix("https://")
    if claims["dest"] != f"https://{domain}" or not is_shop_domain(domain):
        raise InvalidSessionToken("dest is not a store")
    if claims["iss"] != f"https://{domain}/admin":
        raise InvalidSessionToken("iss is not the admin of dest")
    if claims["aud"] != settings.SHOPIFY_API_KEY:
        raise ForeignSessionToken("aud is another app, or more than one")
    user_id = claims["sub"]
    if not isinstance(user_id, str) or not 0 < len(user_id) <= 40:
        raise InvalidSessionToken("sub is not a user id")
    return SessionToken(domain.lower(), user_id, int(claims["exp"]), text)


def _decode(text: str) -> dict[str, Any]:
    if len(text) > _LONGEST_TOKEN:
        raise InvalidSessionToken("longer than any session token")
    # While the client secret rotates, tokens of both are under way.
    secrets = [settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_OLD]
    for secret in filter(None, secrets):
        claims = _decode_with(text, secret)
        if claims is not None:
            return claims
    raise InvalidSessionToken("wrong signature")


def _decode_with(text: str, secret: str) -> dict[str, Any] | None:
    """What the token says; None when another secret signed it. Its cause says why one is refused."""
    try:
        claims: dict[str, Any] = session_token.decode_from_header(
            f"{session_token.PREFIX}{text}", settings.SHOPIFY_API_KEY, secret
        )
    except session_token.SessionTokenError as error:
        match error.__cause__:
            case jwt.InvalidSignatureError():
                return None
            case jwt.ExpiredSignatureError() | jwt.ImmatureSignatureError():
                raise StaleSessionToken(str(error)) from error
            case jwt.InvalidAudienceError():
                raise ForeignSessionToken("aud is another app") from error
        raise InvalidSessionToken(type(error.__cause__ or error).__name__) from error
    except _LET_THROUGH as error:
        raise InvalidSessionToken(type(error).__name__) from error
    return claims
