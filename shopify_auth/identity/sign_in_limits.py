"""How often somebody may try to sign in: for each account and for each address it is tried from.

An attempt is written down before it is judged and taken back when it succeeds, so that of many at
once no more than the limit are judged. Counted in the database: it is there whenever anybody can
be signed in.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from shopify_auth.models import SignInFailure

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 5
# More than an office behind one address mistypes, fewer than guessing needs.
PER_ADDRESS = 30
KEPT = timedelta(days=1)
# One customer of an internet provider.
_IPV6_PREFIX = 64


@dataclass(frozen=True)
class Attempt:
    """An attempt under way; it counts as failed until it is taken back."""

    failures: tuple[SignInFailure, ...]

    def take_back(self) -> None:
        """It succeeded, or was refused without being judged."""
        SignInFailure.objects.filter(pk__in=[failure.pk for failure in self.failures]).delete()


def begin(account: str, address: str) -> Attempt | None:
    """An attempt on the account `account`, an email address; None when there were too many."""
    return _begin(
        (f"account:{account.strip().lower()}", PER_ACCOUNT),
        (f"address:{_network(address)}", PER_ADDRESS),
    )


def begin_second_factor(person_id: int) -> Attempt | None:
    """An attempt on somebody's second factor; None when there were too many."""
    return _begin((f"second factor:{person_id}", PER_ACCOUNT))


def forget_old(now: datetime) -> None:
    """Delete attempts that count for nothing any more."""
    SignInFailure.objects.filter(at__lt=now - KEPT).delete()


def _begin(*limits: tuple[str, int]) -> Attempt | None:
    now = timezone.now()
    failures = [SignInFailure(subject=_hashed(name), at=now) for name, _most in limits]
    attempt = Attempt(tuple(SignInFailure.objects.bulk_create(failures)))
    for failure, (_name, most) in zip(attempt.failures, limits, strict=True):
        earlier = SignInFailure.objects.filter(
            subject=failure.subject, at__gt=now - WINDOW, pk__lt=failure.pk
        )
        if earlier.count() >= most:
            attempt.take_back()
            return None
    return attempt


def _hashed(name: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), name.encode(), hashlib.sha256).hexdigest()


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))
