"""The inbox of webhooks: stored once, handled by a worker, tried again until it works.

A worker claims what it handles by a guarded UPDATE, which locks the rows for that instant only, so
that no transaction stays open while Shopify is asked. Deliveries that ask for the same question
about the same store are claimed together: one answer serves them all.

Of one store one claim is worked on at a time, so a store that is slow to answer takes one place of
the workers and not all of them. What finds its store busy stays due: whoever is done with the store
sends it on, and the sweep does if nobody is.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.db.models import F, Q, QuerySet

from ecomvance_app import clock, jobs
from shopify_auth.admin_api import queries
from shopify_auth.models import Shop, WebhookDelivery
from shopify_auth.webhooks import handlers
from shopify_auth.webhooks.bodies import CUSTOMER_TOPICS, subject_of

logger = logging.getLogger(__name__)

HANDLE = "shopify_auth.handle_webhook"
FIRST_TRY_WITHIN = timedelta(seconds=60)
# A claim is kept alive by beats while its handler works; a dead worker's ends, and is due again.
LEASE = timedelta(seconds=40)
BEAT_SECONDS = 10
# Longer than a handler, which asks Shopify two or three questions, can wait for the answers: one
# that still works then is hung, and its claim is kept alive no longer.
LONGEST_HANDLING_SECONDS = 3 * queries.LONGEST_SECONDS
FIRST_BACK_OFF = timedelta(seconds=15)
LONGEST_BACK_OFF = timedelta(hours=6)
SWEPT_AT_ONCE = 500
NUDGES_JOINED = timedelta(seconds=1)
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
        due_at=now + (NUDGES_JOINED if _is_nudge(topic, subject) else FIRST_TRY_WITHIN),
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
    for question, delivery in _questions(deliveries).items():
        if not _is_nudge(delivery.topic, delivery.subject) or _is_first(question):
            jobs.enqueue(HANDLE, webhook_id=delivery.webhook_id)


def handle(webhook_id: str) -> None:
    """Handle a delivery, and those its message stood for; a failure is tried again later."""
    named = WebhookDelivery.objects.filter(webhook_id=webhook_id).first()
    if named is None:
        return
    # Another message may have handled the named one, but not what came after it.
    delivery = _waiting_like(named).order_by("received_at").first()
    if delivery is None or _waits_for_its_store(delivery):
        return
    claim = _claim(delivery)
    if claim is None:
        return
    with _kept_alive(claim):
        _work_off(delivery, claim)
    _send_on(delivery)


def _work_off(delivery: WebhookDelivery, claim: str) -> None:
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
    due = list(_unhandled().filter(due_at__lte=now).order_by("due_at")[:SWEPT_AT_ONCE])
    # Not again at the next sweep while the queue is long.
    WebhookDelivery.objects.filter(pk__in=[delivery.pk for delivery in due]).update(
        due_at=now + FIRST_TRY_WITHIN
    )
    for delivery in _questions(due).values():
        jobs.enqueue(HANDLE, webhook_id=delivery.webhook_id)
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


def _is_nudge(topic: str, subject: str) -> bool:
    """Whether one question to the store answers this delivery and others like it."""
    return bool(subject and handlers.answered_together(topic))


def _questions(deliveries: list[WebhookDelivery]) -> dict[str, WebhookDelivery]:
    """One delivery for each message that has to be sent, by the question it asks for."""
    questions: dict[str, WebhookDelivery] = {}
    for delivery in deliveries:
        question = delivery.webhook_id
        if _is_nudge(delivery.topic, delivery.subject):
            first_topic, *_others = handlers.answered_together(delivery.topic)
            question = f"nudge:{first_topic}:{delivery.subject}"
        questions[question] = delivery
    return questions


def _is_first(question: str) -> bool:
    """Whether nobody has sent a message for this question within the second.

    Deliveries that come in the rest of it are answered along with the first one, or are due when
    the second is over and found by the sweep.
    """
    return cache.add(question, 1, NUDGES_JOINED.total_seconds())


def _known_domains(deliveries: list[WebhookDelivery]) -> set[str]:
    domains = {delivery.shop_domain for delivery in deliveries}
    return set(Shop.objects.filter(domain__in=domains).values_list("domain", flat=True))


def _names_of_nobody(delivery: WebhookDelivery, shop: Shop | None) -> dict[str, str]:
    """What is taken off a handled delivery whose store is not known here, or is erased.

    The header's store goes where the signed body names another one: nobody vouches for it, and it
    may have been erased.
    """
    # Only a body that fits its topic names a store; of any other the header has to be believed.
    known = shop is not None if delivery.subject else bool(_known_domains([delivery]))
    if not known:
        return {"subject": "", "shop_domain": "", "body": ""}
    if shop is not None and delivery.shop_domain != shop.domain:
        return {"shop_domain": ""}
    return {}


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
    return _free().filter(same)


def _free() -> QuerySet[WebhookDelivery]:
    """What waits and nobody is handling."""
    return _unhandled().filter(Q(claimed_until=None) | Q(claimed_until__lt=clock.now()))


def _claim(delivery: WebhookDelivery) -> str | None:
    """Mark the delivery and those like it as being handled by us; None when somebody else has it."""
    claim = uuid.uuid4().hex
    _waiting_like(delivery).update(claim=claim, attempts=F("attempts") + 1, **_lease())
    mine = WebhookDelivery.objects.filter(claim=claim)
    if mine.filter(pk=delivery.pk).exists():
        return claim
    mine.update(claim="", claimed_until=None, due_at=clock.now(), attempts=F("attempts") - 1)
    return None


def _lease() -> dict[str, datetime]:
    """When a claim ends, and with it the delivery is due again, unless it is kept alive."""
    until = clock.now() + LEASE
    return {"claimed_until": until, "due_at": until}


@contextlib.contextmanager
def _kept_alive(claim: str) -> Iterator[None]:
    """Extend the claim while the block works, so that only a dead worker's deliveries are retaken."""
    done = threading.Event()
    hung_at = time.monotonic() + LONGEST_HANDLING_SECONDS

    def beat() -> None:
        while not done.wait(BEAT_SECONDS) and time.monotonic() < hung_at:
            try:
                WebhookDelivery.objects.filter(claim=claim, handled_at=None).update(**_lease())
            except DatabaseError:
                logger.warning("A claim of webhooks was not extended", exc_info=True)
            finally:
                close_old_connections()

    thread = threading.Thread(target=beat, name=f"webhook-{claim}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _waits_for_its_store(delivery: WebhookDelivery) -> bool:
    """Leave the delivery due while another one of its store is worked on."""
    now = clock.now()
    if not delivery.subject:
        return False
    worked_on = _unhandled().filter(subject=delivery.subject, claimed_until__gte=now)
    if not worked_on.exists():
        return False
    _free().filter(pk=delivery.pk).update(due_at=now)
    return True


def _send_on(done: WebhookDelivery) -> None:
    """Tell a worker of the store's next delivery that is due."""
    if not done.subject:
        return
    waiting = _free().filter(subject=done.subject, due_at__lte=clock.now())
    following = waiting.order_by("due_at").first()
    if following is not None:
        jobs.enqueue(HANDLE, webhook_id=following.webhook_id)


def _back_off(attempts: int) -> timedelta:
    doubled: timedelta = FIRST_BACK_OFF * 2 ** min(attempts, 20)
    return min(doubled, LONGEST_BACK_OFF)
