"""Session tokens for the app's frame, and the rules of the access-token endpoint.

Source: Shopify's documentation on session tokens, token exchange and expiring offline tokens.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import jwt
from django.conf import settings

from shopify_auth.devstore.state import Shop, Token, TokenKind

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
ONLINE = "urn:shopify:params:oauth:token-type:online-access-token"

SESSION_TOKEN_SECONDS = 60
ACCESS_TOKEN_SECONDS = 3_600
REFRESH_TOKEN_SECONDS = 90 * 86_400
REFRESH_RETRY_SECONDS = 30 * 86_400
ONLINE_TOKEN_SECONDS = 86_399


@dataclass
class Answer:
    """An answer of the token endpoint: its status and its JSON body."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)


def session_token(shop: Shop) -> str:
    """A fresh session token of the shop's signed-in staff member, valid for a minute."""
    now = int(time.time())
    claims = {
        "iss": f"https://{shop.domain}/admin",
        "dest": f"https://{shop.domain}",
        "aud": settings.SHOPIFY_API_KEY,
        "sub": shop.staff_id,
        "exp": now + SESSION_TOKEN_SECONDS,
        "nbf": now,
        "iat": now,
        "jti": str(uuid4()),
        "sid": uuid4().hex,
        "sig": secrets.token_hex(32),
    }
    return jwt.encode(claims, settings.SHOPIFY_API_SECRET, algorithm="HS256")


def grant(shop: Shop, form: dict[str, str]) -> Answer:
    """Answer one request to `/admin/oauth/access_token` of `shop`, which may change its tokens."""
    known = secrets.compare_digest(
        form.get("client_secret", "").encode(), settings.SHOPIFY_API_SECRET.encode()
    )
    known = known and form.get("client_id") == settings.SHOPIFY_API_KEY
    if not known or not shop.installed or shop.takes("client_refused"):
        return _refused("invalid_client", "The client is unknown or no longer installed.")
    if shop.takes("exchange_refused"):
        return _refused("invalid_subject_token", "The subject token is not valid.")
    grant_type = form.get("grant_type")
    if grant_type == "refresh_token":
        answer = _refresh(shop, form.get("refresh_token", ""))
    elif grant_type == EXCHANGE and form.get("subject_token_type") == OFFLINE:
        answer = _migrate(shop, form)
    elif grant_type == EXCHANGE:
        answer = _exchange(shop, form)
    elif grant_type is None and "code" in form:
        answer = _redeem_code(shop, form)
    else:
        answer = _refused("unsupported_grant_type", "This grant type is not known.")
    if answer.status == 200 and shop.takes("expiry_left_out"):
        answer.body.pop("expires_in", None)
    return answer


def offline_token(shop: Shop, *, expiring: bool) -> Answer:
    """Issue an offline token; an expiring one kills every earlier refresh token of the shop."""
    if not expiring:
        token = Token(
            kind=TokenKind.OFFLINE, access_token=_new_text("shpat"), scope=",".join(shop.scopes)
        )
        shop.tokens.append(token)
        return Answer(200, {"access_token": token.access_token, "scope": token.scope})
    for earlier in shop.tokens:
        earlier.refresh_token = ""
        earlier.refresh_expires_at = 0
    return _pair_answer(_new_pair(shop))


def accepted_token(shop: Shop, access_token: str) -> Token | None:
    """The living token of the shop with this text, marked as used; None when there is none."""
    now = time.time()
    for token in [*shop.tokens, *shop.online_tokens]:
        if secrets.compare_digest(token.access_token.encode(), access_token.encode()):
            if not shop.installed or (token.expires_at is not None and token.expires_at <= now):
                return None
            token.used = True
            return token
    return None


def _exchange(shop: Shop, form: dict[str, str]) -> Answer:
    if form.get("subject_token_type") != ID_TOKEN or not _subject_holds(
        shop, form.get("subject_token", "")
    ):
        return _refused("invalid_subject_token", "The subject token is expired or invalid.")
    requested = form.get("requested_token_type", OFFLINE)
    if requested == OFFLINE:
        return offline_token(shop, expiring=form.get("expiring") == "1")
    if requested == ONLINE:
        return _online_token(shop, form["subject_token"])
    return _refused("invalid_request", "The requested token type is not known.")


def _subject_holds(shop: Shop, subject_token: str) -> bool:
    try:
        claims = jwt.decode(
            subject_token,
            settings.SHOPIFY_API_SECRET,
            algorithms=["HS256"],
            audience=settings.SHOPIFY_API_KEY,
            issuer=f"https://{shop.domain}/admin",
        )
    except jwt.InvalidTokenError:
        return False
    return bool(claims.get("dest") == f"https://{shop.domain}")


def _redeem_code(shop: Shop, form: dict[str, str]) -> Answer:
    """The authorization-code grant: a code works once, whatever comes of it."""
    code, shop.authorization_code = shop.authorization_code, ""
    if not code or not secrets.compare_digest(code.encode(), form["code"].encode()):
        return _refused("invalid_request", "The authorization code was not found or was used.")
    return offline_token(shop, expiring=form.get("expiring") == "1")


def _migrate(shop: Shop, form: dict[str, str]) -> Answer:
    """Trade a non-expiring token for an expiring one; the old token is revoked at once."""
    old = accepted_token(shop, form.get("subject_token", ""))
    wanted = (form.get("requested_token_type"), form.get("expiring"))
    if old is None or old.kind is not TokenKind.OFFLINE or wanted != (OFFLINE, "1"):
        return _refused("invalid_subject_token", "No non-expiring token can be traded for this.")
    shop.tokens.remove(old)
    return offline_token(shop, expiring=True)


def _refresh(shop: Shop, refresh_token: str) -> Answer:
    """Rotate a pair; a used refresh token may be tried again until its successor is in use."""
    if shop.takes("refresh_520_before"):
        return Answer(520)
    now = time.time()
    old = next((t for t in shop.tokens if refresh_token and t.refresh_token == refresh_token), None)
    if old is None:
        return _refused("invalid_grant", "The refresh token is not known.")
    successor = next((t for t in shop.tokens if t.access_token == old.replaced_by), None)
    too_late = bool(old.first_replaced_at) and now > old.first_replaced_at + REFRESH_RETRY_SECONDS
    if (successor and successor.used) or too_late or now >= old.refresh_expires_at:
        return Answer(
            401,
            {
                "error": "invalid_request",
                "error_description": "This request requires an active refresh_token",
            },
        )
    if successor:
        shop.tokens.remove(successor)
    old.used = True
    old.first_replaced_at = old.first_replaced_at or now
    pair = _new_pair(shop)
    old.replaced_by = pair.access_token
    return Answer(520) if shop.takes("refresh_520_after") else _pair_answer(pair)


def _new_pair(shop: Shop) -> Token:
    now = time.time()
    shop.tokens = [
        token
        for token in shop.tokens
        if token.expires_at is None or max(token.expires_at, token.refresh_expires_at) > now
    ]
    token = Token(
        kind=TokenKind.EXPIRING,
        access_token=_new_text("shpat"),
        scope=",".join(shop.scopes),
        expires_at=now + ACCESS_TOKEN_SECONDS,
        refresh_token=_new_text("shprt"),
        refresh_expires_at=now + REFRESH_TOKEN_SECONDS,
    )
    shop.tokens.append(token)
    return token


def _pair_answer(token: Token) -> Answer:
    return Answer(
        200,
        {
            "access_token": token.access_token,
            "expires_in": ACCESS_TOKEN_SECONDS,
            "refresh_token": token.refresh_token,
            "refresh_token_expires_in": REFRESH_TOKEN_SECONDS,
            "scope": token.scope,
        },
    )


def _online_token(shop: Shop, subject_token: str) -> Answer:
    subject = str(jwt.decode(subject_token, options={"verify_signature": False})["sub"])
    token = Token(
        kind=TokenKind.ONLINE,
        access_token=_new_text("shpat"),
        scope=",".join(shop.scopes),
        expires_at=time.time() + ONLINE_TOKEN_SECONDS,
    )
    shop.online_tokens.append(token)
    is_owner = subject not in shop.other_staff_ids
    first_name, _, last_name = (shop.owner if is_owner else shop.other_staff_name).partition(" ")
    user = {
        "id": int(subject),
        "first_name": first_name,
        "last_name": last_name,
        "email": shop.email,
        "email_verified": True,
        "account_owner": is_owner,
        "locale": "en",
        "collaborator": False,
    }
    return Answer(
        200,
        {
            "access_token": token.access_token,
            "scope": token.scope,
            "expires_in": ONLINE_TOKEN_SECONDS,
            "associated_user_scope": token.scope,
            "associated_user": user,
        },
    )


def _new_text(prefix: str) -> str:
    return f"{prefix}_devstore-{secrets.token_urlsafe(24)}"


def _refused(error: str, description: str) -> Answer:
    return Answer(400, {"error": error, "error_description": description})
