"""The inbox of webhooks: stored once, handled by a worker, tried again until it works.

A worker claims what it handles by a guarded UPDATE, which locks the rows for that instant only, so
that no transaction stays open while Shopify is asked. Deliveries that ask for the same question
about the same store are claimed together: one answer serves them all.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import F, Q, QuerySet
from redis.exceptions import RedisError

from ecomvance_app import clock, jobs
from shopify_auth.admin_api import queries
from shopify_auth.models import Shop, WebhookDelivery
from shopify_auth.webhooks import handlers
from shopify_auth.webhooks.bodies import CUSTOMER_TOPICS, subject_of

logger = logging.getLogger(__name__)

HANDLE = "shopify_auth.handle_webhook"
FIRST_TRY_WITHIN = timedelta(seconds=60)
# Longer than a handler, which asks Shopify two or three questions, can wait for the answers.
LEASE = timedelta(seconds=3 * queries.LONGEST_SECONDS)
FIRST_BACK_OFF = timedelta(seconds=15)
LONGEST_BACK_OFF = timedelta(hours=6)
SWEPT_AT_ONCE = 500
NUDGES_JOINED = 1  # Seconds.
BODIES_KEPT = timedelta(days=30)
DELIVERIES_KEPT = timedelta(days=90)


def delivery_from(headers: Mapping[str, str], body: bytes) -> WebhookDelivery:
    """A genuine delivery as it will be stored. `headers` know no upper and lower case.

    Of a body that fits its topic only the store it names is kept: what holds is asked of Shopify, now
    or when it is replayed. One that does not fit is kept for staff, who find out what has changed.
    """
    now = clock.now()
    # PostgreSQL stores no NUL, and no JSON text of Shopify's has one.
    text = body.decode(errors="replace").replace("\x00", "")
    topic = _header(headers, "X-Shopify-Topic", 80)
    subject = subject_of(topic, text)
    return WebhookDelivery(
        webhook_id=_header(headers, "X-Shopify-Webhook-Id", 100) or str(uuid.uuid4()),
        event_id=_header(headers, "X-Shopify-Event-Id", 100),
        topic=topic,
        shop_domain=_header(headers, "X-Shopify-Shop-Domain", 255).lower(),
        triggered_at=_header(headers, "X-Shopify-Triggered-At", 40),
        subject=subject,
        body="" if subject or topic in CUSTOMER_TOPICS else text,
        received_at=now,
        due_at=now + FIRST_TRY_WITHIN,
    )


def store(deliveries: list[WebhookDelivery]) -> None:
    """Store deliveries in one transaction, each once however often it comes.

    A body that is kept for staff to read is kept of stores that have the app alone: one of a store
    that is not known here, or was erased, may name people whom nobody would forget.
    """
    with_body = [delivery for delivery in deliveries if delivery.body]
    if with_body:
        known = _known_domains(with_body)
        for delivery in with_body:
            if delivery.shop_domain not in known:
                delivery.body = ""
    WebhookDelivery.objects.bulk_create(deliveries, ignore_conflicts=True)


def tell_worker(deliveries: list[WebhookDelivery]) -> None:
    """Send a message for stored deliveries. One that is lost is made good by the sweep."""
    nudges: dict[tuple[str, str], WebhookDelivery] = {}
    for delivery in deliveries:
        together = handlers.answered_together(delivery.topic)
        if together and delivery.subject:
            nudges[together[0], delivery.subject] = delivery
        else:
            jobs.enqueue(HANDLE, webhook_id=delivery.webhook_id)
    for (question, subject), delivery in nudges.items():
        _nudge(f"nudge:{question}:{subject}", delivery)


def handle(webhook_id: str) -> None:
    """Handle a delivery, and those its message stood for; a failure is tried again later."""
    named = WebhookDelivery.objects.filter(webhook_id=webhook_id).first()
    if named is None:
        return
    # Another message may have handled the named one, but not what came after it.
    delivery = _waiting_like(named).order_by("received_at").first()
    claim = _claim(delivery) if delivery else None
    if delivery is None or claim is None:
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
        # Earlier versions kept every body.
        read = {"body": ""} if delivery.subject else {}
        claimed.update(
            claim="",
            claimed_until=None,
            handled_at=clock.now(),
            outcome=result.outcome,
            shop=result.shop,
            **read | _names_of_nobody(delivery, result.shop),
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
    """Have deliveries handled once more, as if they had just come; how many name a store.

    Those of an erased store no longer do.
    """
    chosen = list(deliveries.exclude(subject="").values_list("webhook_id", flat=True))
    WebhookDelivery.objects.filter(webhook_id__in=chosen).update(
        handled_at=None, attempts=0, due_at=clock.now(), claim="", claimed_until=None
    )
    for webhook_id in chosen:
        jobs.enqueue(HANDLE, webhook_id=webhook_id)
    return len(chosen)


def forget_old(now: datetime) -> None:
    """Empty the bodies that were kept after a month, delete handled deliveries after three."""
    handled = WebhookDelivery.objects.filter(handled_at__isnull=False)
    handled.filter(received_at__lt=now - DELIVERIES_KEPT).delete()
    handled.filter(received_at__lt=now - BODIES_KEPT).exclude(body="").update(body="")


def _nudge(name: str, delivery: WebhookDelivery) -> None:
    """One message a second for all deliveries that the same question to a store answers.

    It runs when its second is over. Whoever finds it under way has stored the delivery before, so
    the question that is asked then serves that one too.
    """
    try:
        is_first = cache.add(name, 1, NUDGES_JOINED)
    except RedisError:
        is_first = True
    if is_first:
        jobs.enqueue(HANDLE, delay=NUDGES_JOINED, webhook_id=delivery.webhook_id)


def _known_domains(deliveries: list[WebhookDelivery]) -> set[str]:
    domains = {delivery.shop_domain for delivery in deliveries}
    return set(Shop.objects.filter(domain__in=domains).values_list("domain", flat=True))


def _names_of_nobody(delivery: WebhookDelivery, shop: Shop | None) -> dict[str, str]:
    """What is taken off a handled delivery whose store is not known here, or is erased."""
    # Only a body that fits its topic names a store; of any other the header has to be believed.
    known = shop is not None if delivery.subject else bool(_known_domains([delivery]))
    return {} if known else {"subject": "", "shop_domain": "", "body": ""}


def _header(headers: Mapping[str, str], name: str, longest: int) -> str:
    return headers.get(name, "")[:longest].replace("\x00", "")


def _unhandled() -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(handled_at=None)


def _waiting_like(delivery: WebhookDelivery) -> QuerySet[WebhookDelivery]:
    """The delivery and those that its answer will serve as well, if nobody is handling them."""
    same = Q(pk=delivery.pk)
    together = handlers.answered_together(delivery.topic)
    if together and delivery.subject:
        same |= Q(topic__in=together, subject=delivery.subject)
    free = Q(claimed_until=None) | Q(claimed_until__lt=clock.now())
    return _unhandled().filter(same, free)


def _claim(delivery: WebhookDelivery) -> str | None:
    """Mark the delivery and those like it as being handled by us; None when somebody else has it."""
    claim = uuid.uuid4().hex
    _waiting_like(delivery).update(
        claim=claim, claimed_until=clock.now() + LEASE, attempts=F("attempts") + 1
    )
    mine = WebhookDelivery.objects.filter(claim=claim)
    if mine.filter(pk=delivery.pk).exists():
        return claim
    mine.update(claim="", claimed_until=None, attempts=F("attempts") - 1)
    return None


def _back_off(attempts: int) -> timedelta:
    doubled: timedelta = FIRST_BACK_OFF * 2 ** min(attempts, 20)
    return min(doubled, LONGEST_BACK_OFF)
