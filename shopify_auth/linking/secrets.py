"""Links and codes that bring two sides together. Only digests are kept, and each works once."""

from __future__ import annotations

import logging
import secrets
import time
from datetime import timedelta

from django.core.cache import cache
from django.utils.crypto import salted_hmac
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

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
    """Whether one of these has had its wrong codes of this hour."""
    try:
        return any(cache.get(_name(asker), 0) >= WRONG_CODES_PER_HOUR for asker in askers)
    except (RedisError, OSError):
        # Guessing must not become free because a counter is away.
        logger.warning("Cache away: no code is taken")
        return True


def note_wrong(*askers: str) -> None:
    """Count a wrong code against each of these."""
    for asker in askers:
        try:
            cache.add(_name(asker), 0, timeout=7200)
            cache.incr(_name(asker))
        except (RedisError, OSError, ValueError):
            logger.warning("Cache away: a wrong code is not counted")


def _name(asker: str) -> str:
    return f"wrong-codes:{asker}:{int(time.time()) // 3600}"
