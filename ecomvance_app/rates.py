"""How often one account may ask for something in a minute."""

from __future__ import annotations

import logging
import time

from django.core.cache import cache

logger = logging.getLogger(__name__)

REQUESTS_PER_MINUTE = 300


def is_within_limit(name: str, account_id: int, most: int | None = None) -> bool:
    """Count one request of this name; False when the account has used up its `most` of this minute, 300
    where none is said.

    One counter per name, account and minute of real time, raised atomically in the cache. A cache
    that is away (see `ecomvance_app.cache`) limits nobody: the limit protects from runaway programs,
    and the ledger needs no protection.
    """
    key = f"{name}:{account_id}:{_this_minute()}"
    try:
        cache.add(key, 0, timeout=120)
        return bool(cache.incr(key) <= (most or REQUESTS_PER_MINUTE))
    except ValueError:
        logger.warning("Cache dropped the count of account %s", account_id)
    return True


def _this_minute() -> int:
    return int(time.time()) // 60


def seconds_to_next_minute() -> float:
    """When a refused account may ask again."""
    return 60 - time.time() % 60
