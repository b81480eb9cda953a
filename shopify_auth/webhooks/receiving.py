"""`POST /webhooks/shopify`: check the signature, store the delivery, answer.

Everything else is done by a worker: Shopify waits five seconds, counts failures, and sends the same
delivery up to eight times.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from ecomvance_app.http import public
from shopify_auth.webhooks import inbox

LARGEST_BODY = 1024 * 1024


@public
@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """200 when the delivery is stored, now or before; 401 for a bad or missing signature; 413.

    App Store review sends a bad signature and expects exactly 401.
    """
    body = request.read(LARGEST_BODY + 1)
    status = check(body, request.headers)
    if status == 200:
        delivery = inbox.delivery_from(request.headers, body)
        inbox.store([delivery])
        inbox.tell_worker([delivery])
    return HttpResponse(status=status)


def check(body: bytes, headers: Mapping[str, str]) -> int:
    """The status to answer with; 200 when the delivery is genuine and only has to be stored."""
    if len(body) > LARGEST_BODY:
        return 413
    return 200 if is_genuine(body, headers.get("X-Shopify-Hmac-Sha256", "")) else 401


def is_genuine(body: bytes, signature: str) -> bool:
    """Whether Shopify signed these bytes, with the present client secret or the one before.

    For up to an hour after a rotation Shopify still signs with the old one.
    """
    secrets = [settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_OLD]
    given = signature.encode()
    matches = [hmac.compare_digest(_signature(body, secret), given) for secret in secrets if secret]
    return any(matches)


def _signature(body: bytes, secret: str) -> bytes:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
