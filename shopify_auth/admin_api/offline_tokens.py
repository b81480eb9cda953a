"""Offline access tokens: obtained by exchange, renewed by refresh, stored encrypted.

A pair lives 1 hour (access) and 90 days (refresh), and only the newest refresh token of a store is
good for ever: whoever asks Shopify for a new pair does it under the store's claim, a lease taken by
a guarded UPDATE. Nobody holds a row lock while Shopify answers. A new pair is stored before it is
used, and until then the old refresh token can be tried again.

Source: Shopify's documentation, "Token exchange" and "Expiring offline access tokens".
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from credits.models import Account
from shopify_auth.admin_api import client
from shopify_auth.admin_api.client import TokenAnswer
from shopify_auth.admin_api.documents import SHOP_DETAILS
from shopify_auth.admin_api.errors import (
    AccessRefused,
    GrantRefused,
    NeedsReopen,
    ShopifyError,
    ShopifyUnavailable,
    SubjectTokenRefused,
    TokenAnswerIncomplete,
)
from shopify_auth.models import OfflineToken, Shop

logger = logging.getLogger(__name__)

MARGIN = timedelta(minutes=5)
# Longer than the longest request to the token endpoint with all its repetitions.
LEASE = timedelta(seconds=client.LONGEST_GRANT_SECONDS + 10)
WAIT_SECONDS = 20.0
_POLL_SECONDS = 0.05

_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105
_OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
_DEAD_GRANTS = {"invalid_grant", "invalid_request"}


class ClaimLost(ShopifyUnavailable):
    """Somebody else was renewing this store's token and did not finish in time."""


def access_token(shop: Shop) -> str:
    """A token that Shopify should accept for the next minutes; renewed when it is about to expire.

    Read it for every call, not once per job. Raises NeedsReopen or another ShopifyError.
    """
    token = _read(shop)
    now = timezone.now()
    if token.is_usable(now + MARGIN):
        return token.access_token
    try:
        return renew(shop).access_token
    except ShopifyError:
        # Inside the margin the old token still works; the next call tries to renew again.
        if token.is_usable(timezone.now()):
            return token.access_token
        raise


def renew(shop: Shop, refused: str = "") -> OfflineToken:
    """A new pair by refresh; `refused` is the access token that Shopify has just not accepted.

    When somebody else renewed meanwhile, theirs is returned and Shopify is not asked again.
    """

    def is_done(token: OfflineToken) -> bool:
        # One that never expires is not fresh: it is there to be traded in.
        fresh = token.expires_at is not None and token.is_usable(timezone.now() + MARGIN)
        return fresh and token.access_token != refused

    return _under_claim(shop, is_done, lambda token: _refresh(shop, token))


def exchange(shop: Shop, session_token: str) -> OfflineToken:
    """The store's pair in exchange for a session token: first load, reinstallation, reopening.

    Raises SubjectTokenRefused when the session token is too old, GrantRefused when the app is not
    installed there.
    """

    def is_done(token: OfflineToken) -> bool:
        # Of two first loads at once the second finds the pair that the first one brought.
        return token.state == OfflineToken.State.ACTIVE and token.is_usable(timezone.now() + MARGIN)

    return _under_claim(
        shop, is_done, lambda token: _store(shop, token, _ask_exchange(shop.domain, session_token))
    )


def redeem_code(shop: Shop, code: str) -> OfflineToken:
    """The store's pair for an authorization code: the legacy grant."""

    def ask(token: OfflineToken) -> None:
        answer = client.ask_for_token(shop.domain, code=code, expiring="1")
        if answer.error:
            raise GrantRefused(f"{shop.domain}: the authorization code was refused")
        _store(shop, token, answer)

    return _under_claim(shop, lambda _token: False, ask)


def is_refused(shop: Shop, probe: Callable[[Shop], object]) -> bool:
    """Whether the Admin API refuses the stored token: the proof of an uninstallation.

    `probe` makes one call with a token that was renewed if need be. That no new token is to be had is
    no proof, for our own credentials may be wrong; then the stored one is tried as it is. Raises
    another ShopifyError when nobody can tell.
    """
    if _read(shop).state == OfflineToken.State.MISSING:
        return True
    try:
        probe(shop)
    except (AccessRefused, GrantRefused):
        return _stored_token_is_refused(shop)
    return False


def forget(shop: Shop) -> int:
    """Delete the store's tokens; how many there were."""
    token = _read(shop)
    count = bool(token.access_token) + bool(token.refresh_token)
    OfflineToken.objects.filter(pk=token.pk).update(
        state=OfflineToken.State.MISSING,
        access_token="",
        refresh_token="",
        expires_at=None,
        refresh_expires_at=None,
        # Whoever is asking Shopify right now must not store what it brings.
        claim="",
        claimed_until=None,
    )
    return count


def connected_shops(account: Account) -> QuerySet[Shop]:
    """Stores of this account that have the app, with their tokens."""
    shops = Shop.objects.filter(account=account, state=Shop.State.INSTALLED)
    return shops.select_related("offline_token").order_by("pk")


def must_be_reopened(shop: Shop) -> bool:
    """Whether the store must be opened in the admin before Shopify accepts any call again."""
    token = getattr(shop, "offline_token", None)
    return token is not None and token.state == OfflineToken.State.NEEDS_REOPEN


# --- Under the claim -----------------------------------------------------------------------------


def _stored_token_is_refused(shop: Shop) -> bool:
    try:
        client.run(shop.domain, _read(shop).access_token, SHOP_DETAILS, {})
    except AccessRefused:
        return True
    return False


def _read(shop: Shop) -> OfflineToken:
    return OfflineToken.objects.get_or_create(shop=shop)[0]


def _under_claim(
    shop: Shop, is_done: Callable[[OfflineToken], bool], ask: Callable[[OfflineToken], object]
) -> OfflineToken:
    """`ask` for a new pair unless `is_done`, one asker per store at a time; the token as stored."""
    deadline = time.monotonic() + WAIT_SECONDS
    token = _read(shop)
    while not is_done(token):
        with _claim(token) as claimed:
            if claimed is not None:
                # Between reading and claiming somebody may have finished.
                if not is_done(claimed):
                    ask(claimed)
                return _read(shop)
        if time.monotonic() > deadline:
            raise ClaimLost(f"{shop.domain}: another renewal does not end")
        time.sleep(_POLL_SECONDS)
        token = _read(shop)
    return token


@contextmanager
def _claim(token: OfflineToken) -> Iterator[OfflineToken | None]:
    """The token's row with our claim on it, or None while somebody else has it."""
    claim = uuid.uuid4().hex
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    taken = OfflineToken.objects.filter(free, pk=token.pk).update(
        claim=claim, claimed_until=now + LEASE
    )
    if not taken:
        yield None
        return
    try:
        yield OfflineToken.objects.get(pk=token.pk)
    finally:
        OfflineToken.objects.filter(pk=token.pk, claim=claim).update(claim="", claimed_until=None)


def _refresh(shop: Shop, token: OfflineToken) -> None:
    if token.state == OfflineToken.State.MISSING:
        session_token = client.ask_for_session_token(shop.domain)
        if session_token is None:
            raise NeedsReopen(f"{shop.domain} has not been opened since its installation")
        _store(shop, token, _ask_exchange(shop.domain, session_token))
        return
    if token.expires_at is None:
        _store(shop, token, _ask_migration(shop, token))
        return
    if token.state == OfflineToken.State.NEEDS_REOPEN or not token.refresh_token:
        raise NeedsReopen(f"{shop.domain} must be opened in the admin")
    answer = client.ask_for_token(
        shop.domain, grant_type="refresh_token", refresh_token=token.refresh_token
    )
    if answer.error in _DEAD_GRANTS:
        _needs_reopen(shop, token)
        raise NeedsReopen(f"{shop.domain}: the refresh token is dead ({answer.error})")
    _store(shop, token, answer)


def _ask_exchange(domain: str, session_token: str) -> TokenAnswer:
    answer = client.ask_for_token(
        domain,
        grant_type=_EXCHANGE,
        subject_token=session_token,
        subject_token_type=_ID_TOKEN,
        requested_token_type=_OFFLINE,
        expiring="1",
    )
    if answer.error == "invalid_subject_token":
        raise SubjectTokenRefused(f"{domain}: the session token cannot be exchanged any more")
    return answer


def _ask_migration(shop: Shop, token: OfflineToken) -> TokenAnswer:
    """Trade a token that does not expire for a pair; Shopify revokes the old one at once."""
    answer = client.ask_for_token(
        shop.domain,
        grant_type=_EXCHANGE,
        subject_token=token.access_token,
        subject_token_type=_OFFLINE,
        requested_token_type=_OFFLINE,
        expiring="1",
    )
    if answer.error == "invalid_subject_token":
        _needs_reopen(shop, token)
        raise NeedsReopen(f"{shop.domain}: the old token cannot be traded in")
    return answer


def _store(shop: Shop, token: OfflineToken, answer: TokenAnswer) -> None:
    """Store a new pair, if the claim is still ours. Raises GrantRefused, TokenAnswerIncomplete."""
    if answer.status != 200:
        raise GrantRefused(f"{shop.domain}: {answer.status} {answer.error or 'no reason given'}")
    now = timezone.now()
    values = _pair(shop.domain, answer.fields, now)
    stored = OfflineToken.objects.filter(pk=token.pk, claim=token.claim).update(
        **values, state=OfflineToken.State.ACTIVE, refreshed_at=now
    )
    if not stored:
        raise ClaimLost(f"{shop.domain}: the claim on the token was lost")
    scopes = [scope for scope in str(answer.fields.get("scope", "")).split(",") if scope]
    Shop.objects.filter(pk=shop.pk).update(scopes=scopes)
    logger.info("New offline token of %s, good until %s", shop.domain, values["expires_at"])


def _pair(domain: str, fields: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The columns of a pair. A missing expiry is an error: such a token would never be renewed."""
    try:
        return {
            "access_token": _text(fields["access_token"]),
            "refresh_token": _text(fields["refresh_token"]),
            "expires_at": now + timedelta(seconds=int(fields["expires_in"])),
            "refresh_expires_at": now + timedelta(seconds=int(fields["refresh_token_expires_in"])),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise TokenAnswerIncomplete(f"{domain}: the token answer lacks {error}") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a token")
    return value


def _needs_reopen(shop: Shop, token: OfflineToken) -> None:
    OfflineToken.objects.filter(pk=token.pk, claim=token.claim).update(
        state=OfflineToken.State.NEEDS_REOPEN
    )
    logger.warning("%s needs to be opened in the admin: its refresh token is dead", shop.domain)
