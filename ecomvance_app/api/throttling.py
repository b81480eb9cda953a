"""How often one account may ask."""

from __future__ import annotations

import logging
import time
from typing import cast

from django.core.cache import cache
from django.http import HttpRequest
from ninja.throttling import BaseThrottle

from ecomvance_app.http import MerchantRequest

logger = logging.getLogger(__name__)

REQUESTS_PER_MINUTE = 300


class AccountThrottle(BaseThrottle):
    """At most 300 requests of an account in a minute of real time.

    One counter per account and minute, raised atomically in the cache. django-ninja's own rate
    throttles keep the request's history on the throttle, which threads share. A cache that is away
    (see `ecomvance_app.cache`) limits nobody: the limit protects from runaway programs, and the
    ledger needs no protection.
    """

    def allow_request(self, request: HttpRequest) -> bool:
        """Count this request; False when the account has used up its minute."""
        account_id = cast("MerchantRequest", request).account.pk
        key = f"api-requests:{account_id}:{int(time.time()) // 60}"
        try:
            cache.add(key, 0, timeout=120)
            return cache.incr(key) <= REQUESTS_PER_MINUTE
        except ValueError:
            logger.warning("Cache dropped the count of account %s", account_id)
        return True

    def wait(self) -> float:
        """Seconds to the next minute."""
        return 60 - time.time() % 60
