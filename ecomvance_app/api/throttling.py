"""How often one account may ask the API, as django-ninja asks for it."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest
from ninja.throttling import BaseThrottle

from ecomvance_app import rates
from ecomvance_app.http import MerchantRequest


class AccountThrottle(BaseThrottle):
    """At most 300 requests of an account in a minute.

    django-ninja's own rate throttles keep the request's history on the throttle, which threads share.
    """

    def allow_request(self, request: HttpRequest) -> bool:
        """Count this request; False when the account has used up its minute."""
        account_id = cast("MerchantRequest", request).account.pk
        return rates.is_within_limit("api-requests", account_id)

    def wait(self) -> float:
        """Seconds to the next minute."""
        return rates.seconds_to_next_minute()
