"""Links and codes that bring two sides together. Only digests are kept, and each works once."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.utils import timezone
from django.utils.crypto import salted_hmac

from shopify_auth.models import SignInFailure

# No 0 and O, 1, I and L, U and V: a code is read from one screen and typed on another.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTWXYZ"
CODE_LENGTH = 8
CODE_LIFE = timedelta(minutes=10)
LINK_LIFE = timedelta(hours=1)
WRONG_CODES_PER_HOUR = 10


def new_code() -> str:
    """Eight characters that nobody guesses in ten minutes at ten tries an hour."""
    return "".join(secrets.choice(ALPHABET) for _place in range(CODE_LENGTH))


def new_token() -> str:
    """What stands in a link."""
    return secrets.token_urlsafe(32)


def digest(text: str) -> str:
    """What is kept of a link or a code, whose case and gaps do not count. Keyed: codes are short."""
    if len(text) <= 2 * CODE_LENGTH:
        text = "".join(text.split()).replace("-", "").upper()
    return salted_hmac("shopify_auth.linking", text, algorithm="sha256").hexdigest()


def is_worn_out(*askers: str) -> bool:
    """Whether one of these has had its wrong codes of the last hour. Asked of the database.

    Guessing must not become free because a cache is away.
    """
    since = timezone.now() - timedelta(hours=1)
    return any(
        SignInFailure.objects.filter(subject=_subject(asker), at__gt=since).count()
        >= WRONG_CODES_PER_HOUR
        for asker in askers
    )


def note_wrong(*askers: str) -> None:
    """Count a wrong code against each of these."""
    now = timezone.now()
    SignInFailure.objects.bulk_create(
        [SignInFailure(subject=_subject(asker), at=now) for asker in askers]
    )


def _subject(asker: str) -> str:
    return salted_hmac("shopify_auth.linking.wrong", asker, algorithm="sha256").hexdigest()
