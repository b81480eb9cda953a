"""The inbox of webhooks: stored once, handled by a worker, tried again until it works.

A worker claims what it handles by a guarded UPDATE, which locks the rows for that instant only, so
that no transaction stays open while Shopify is asked. Deliveries that ask for the same question
about the same store are claimed together: one answer serves them all.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from ecomvance_app import clock, jobs
from shopify_auth import handlers
from shopify_auth.models import WebhookDelivery
from shopify_auth.webhook_bodies import subject_of

logger = logging.getLogger(__name__)

HANDLE = "shopify_auth.handle_webhook"
FIRST_TRY_WITHIN = timedelta(seconds=60)
# Longer than a handler can wait for Shopify.
LEASE = timedelta(minutes=3)
FIRST_BACK_OFF = timedelta(seconds=15)
LONGEST_BACK_OFF = timedelta(hours=6)
SWEPT_AT_ONCE = 500
BODIES_KEPT = timedelta(days=30)
DELIVERIES_KEPT = timedelta(days=90)


def receive(
    *, webhook_id: str, event_id: str, topic: str, shop_domain: str, triggered_at: str, body: bytes
) -> None:
    """Store a genuine delivery, once however often it comes, and tell a worker."""
    now = clock.now()
    # PostgreSQL stores no NUL, and no JSON text of Shopify's has one.
    text = body.decode(errors="replace").replace("\x00", "")
    delivery = WebhookDelivery(
        webhook_id=_header(webhook_id, 100),
        event_id=_header(event_id, 100),
        topic=_header(topic, 80),
        shop_domain=_header(shop_domain, 255).lower(),
        triggered_at=_header(triggered_at, 40),
        subject=subject_of(topic, text),
        body=text,
        received_at=now,
        due_at=now + FIRST_TRY_WITHIN,
    )
    WebhookDelivery.objects.bulk_create([delivery], ignore_conflicts=True)
    jobs.enqueue(HANDLE, webhook_id=delivery.webhook_id)


def handle(webhook_id: str) -> None:
    """Handle a delivery if nobody has; a failure is written down and tried again later."""
    delivery = _unhandled().filter(webhook_id=webhook_id).first()
    if delivery is None:
        return
    claim = _claim(delivery)
    if claim is None:
        return
    claimed = WebhookDelivery.objects.filter(claim=claim)
    try:
        result = handlers.handle(delivery)
    except handlers.Postponed as postponed:
        claimed.update(claim="", claimed_until=None, due_at=postponed.until)
    except Exception as error:
        # Whatever it was, the delivery stays and is tried again; the other ones must go on.
        logger.exception("Webhook %s %s failed", delivery.topic, delivery.webhook_id)
        claimed.update(
            claim="",
            claimed_until=None,
            due_at=clock.now() + _back_off(delivery.attempts),
            outcome=f"Failed: {type(error).__name__}",
        )
    else:
        body = {"body": ""} if result.forget_body else {}
        claimed.update(
            claim="",
            claimed_until=None,
            handled_at=clock.now(),
            outcome=result.outcome,
            shop=result.shop,
            **body,
        )


def sweep(now: datetime) -> int:
    """Tell a worker of deliveries that are due: messages that were lost, and second tries."""
    due = list(
        _unhandled()
        .filter(due_at__lte=now)
        .order_by("due_at")
        .values_list("webhook_id", flat=True)[:SWEPT_AT_ONCE]
    )
    # Not again at the next sweep while the queue is long.
    WebhookDelivery.objects.filter(webhook_id__in=due).update(due_at=now + FIRST_TRY_WITHIN)
    for webhook_id in due:
        jobs.enqueue(HANDLE, webhook_id=webhook_id)
    return len(due)


def replay(deliveries: QuerySet[WebhookDelivery]) -> int:
    """Have deliveries handled once more, as if they had just come; how many still have a body."""
    chosen = list(deliveries.exclude(body="").values_list("webhook_id", flat=True))
    WebhookDelivery.objects.filter(webhook_id__in=chosen).update(
        handled_at=None, attempts=0, due_at=clock.now(), claim="", claimed_until=None
    )
    for webhook_id in chosen:
        jobs.enqueue(HANDLE, webhook_id=webhook_id)
    return len(chosen)


def forget_old(now: datetime) -> None:
    """Empty the bodies of handled deliveries after a month, delete the rows after three."""
    handled = WebhookDelivery.objects.filter(handled_at__isnull=False)
    handled.filter(received_at__lt=now - DELIVERIES_KEPT).delete()
    handled.filter(received_at__lt=now - BODIES_KEPT).exclude(body="").update(body="")


def _header(text: str, longest: int) -> str:
    return text[:longest].replace("\x00", "")


def _unhandled() -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(handled_at=None)


def _claim(delivery: WebhookDelivery) -> str | None:
    """Mark the delivery, and those that its answer will serve as well, as being handled by us."""
    now = clock.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    chosen = Q(pk=delivery.pk)
    together = handlers.answered_together(delivery.topic)
    if together and delivery.subject:
        chosen |= Q(topic__in=together, subject=delivery.subject)
    claim = uuid.uuid4().hex
    taken = (
        _unhandled()
        .filter(free, chosen)
        .update(claim=claim, claimed_until=now + LEASE, attempts=F("attempts") + 1)
    )
    if not taken or not WebhookDelivery.objects.filter(pk=delivery.pk, claim=claim).exists():
        WebhookDelivery.objects.filter(claim=claim).update(claim="", claimed_until=None)
        return None
    return claim


def _back_off(attempts: int) -> timedelta:
    return min(FIRST_BACK_OFF * 2 ** min(attempts, 20), LONGEST_BACK_OFF)
