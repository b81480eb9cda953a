"""The life of a run: asked for and paid in one transaction, then moved by guarded updates.

Every state change is one UPDATE that names the state it leaves; whoever finds it changed already
lost the race and does nothing. What becomes of the credits at the end is ruled by
`credits.restorations` from the outcome. Messages are sent after commit; a lost one is sent again by
`sweep`. Source: product document, "Credit Deduction Flow".
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from credits import ledger, queries, restorations
from credits.models import LedgerEntry
from ecomvance_app import clock, jobs, live
from generations import catalog, stored
from generations.engines import routing
from generations.engines.base import Result
from generations.models import Generation, Picture
from generations.pictures import Picture as CleanPicture

LEASE = timedelta(seconds=30)
ENQUEUE_AGAIN_AFTER = timedelta(seconds=60)
MAX_ATTEMPTS = 2
MAX_PROMPT = 2000
MAX_KEY = 150
_RUNS = uuid.UUID("6f0d3f4e-1a0b-5f0e-9a52-5f5b3a3d8a10")

State, Outcome = Generation.State, Generation.Outcome


class RunRefused(ValueError):  # noqa: N818 - says what happened
    """The run cannot be started; nothing was stored or charged. `field` names the wrong input."""

    def __init__(self, message: str, code: str, field_name: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.field = field_name


@dataclass(frozen=True)
class Order:
    """What a merchant asks for: a tool, its options and its checked pictures.

    With a product the picture is its photo `photo_id`, or its first one.
    """

    tool: str
    resolution: str = ""
    seconds: int | None = None
    prompt: str = ""
    product_id: str = ""
    photo_id: str = ""
    product_title: str = ""
    pictures: tuple[CleanPicture, ...] = field(default=())

    @property
    def digest(self) -> str:
        """What makes two orders the same under one idempotency key."""
        asked: list[object] = [self.tool, self.resolution, self.seconds, self.prompt]
        # A product's photo counts by its name: a repeated request must find its run also when the
        # store has changed the photo meanwhile, or does not answer.
        uploads = () if self.product_id else self.pictures
        asked += [self.product_id, self.photo_id, [picture.sha256 for picture in uploads]]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


@dataclass(frozen=True)
class Requester:
    """Who asks, and through which surface."""

    account_id: int
    person_id: int | None
    surface: str

    @property
    def actor(self) -> str:
        """The opaque id that the ledger keeps."""
        return f"user:{self.person_id}" if self.person_id else "system"


def request(
    requester: Requester, order: Order, key: str, now: datetime | None = None
) -> tuple[Generation, bool]:
    """Accept a run: check, take the credits and store it in one transaction, enqueue after commit.

    The same key with the same order returns the first run and False. Raises RunRefused,
    ledger.InsufficientCredits, or ledger.KeyConflict for a key that was used for another order;
    then nothing is stored or charged.
    """
    now = clock.now() if now is None else now
    check_key(key)
    known = Generation.objects.filter(account_id=requester.account_id, key=key).first()
    if known is not None:
        return repeated(known, order), False
    price = check(order, len(order.pictures))
    check_affordable(requester.account_id, price, now)
    with contextlib.ExitStack() as undo:
        files = [keep(undo, requester.account_id, picture) for picture in order.pictures]
        with transaction.atomic():
            generation, created = _pay_and_store(requester, order, key, price, now)
            for position, file in enumerate(files if created else ()):
                file.attach(generation, Picture.Role.INPUT, position)
        if created:
            undo.pop_all()
    return generation, created


def check_affordable(account_id: int, price: int, now: datetime) -> None:
    """InsufficientCredits if the account cannot pay now; the ledger has the last word."""
    available = queries.get_balance(account_id, now).total
    if price > available:
        raise ledger.InsufficientCredits(price, available)


def check_key(key: str) -> None:
    """RunRefused for what cannot be an idempotency key."""
    if not 0 < len(key) <= MAX_KEY:
        message = _("An idempotency key has 1 to %(most)d characters.") % {"most": MAX_KEY}
        raise RunRefused(message, "invalid_key")


def keep(
    undo: contextlib.ExitStack, account_id: int, picture: CleanPicture
) -> stored.StoredPicture:
    """Put an order's picture into storage, to be attached to its run."""
    return stored.store(
        undo, account_id, picture.content, picture.media_type, picture.width, picture.height
    )


def check(order: Order, pictures: int) -> int:
    """The price of an order with so many pictures, if it can be started now; RunRefused otherwise."""
    try:
        variant = catalog.find_variant(
            order.tool, resolution=order.resolution or None, seconds=order.seconds
        )
    except ValueError as error:
        raise RunRefused(str(error), "unknown_option", "tool") from error
    reason = routing.unavailable_reason(order.tool)
    if reason:
        raise RunRefused(reason, "tool_unavailable", "tool")
    tool = catalog.TOOLS[order.tool]
    if tool.max_images and not pictures:
        raise RunRefused(_("Choose a product photo or upload a picture."), "no_image", "image")
    if pictures > tool.max_images:
        message = ngettext(
            "%(tool)s takes at most %(most)s picture, not %(given)s.",
            "%(tool)s takes at most %(most)s pictures, not %(given)s.",
            tool.max_images,
        )
        amounts = {"most": localize(tool.max_images), "given": localize(pictures)}
        raise RunRefused(message % (amounts | {"tool": tool.name}), "too_many_images", "image")
    if len(order.prompt) > MAX_PROMPT:
        message = _("A prompt has at most %(most)s characters.") % {"most": localize(MAX_PROMPT)}
        raise RunRefused(message, "prompt_too_long", "prompt")
    return variant.credits


def repeated(generation: Generation, order: Order) -> Generation:
    """The run of an idempotency key that comes again; KeyConflict if it was for another order."""
    if generation.request_digest != order.digest:
        raise ledger.KeyConflict(generation.key)
    return generation


def _pay_and_store(
    requester: Requester, order: Order, key: str, price: int, now: datetime
) -> tuple[Generation, bool]:
    # Two requests with one key meet at the account's lock inside `spend`; the second finds the
    # first one's run there.
    spend = None
    if price:
        spend = ledger.spend(
            requester.account_id, price, f"run:{key}", order.tool, str(run_id(requester, key)),
            requester.actor, now,
        )  # fmt: skip
    known = Generation.objects.filter(account_id=requester.account_id, key=key).first()
    if known is not None:
        return repeated(known, order), False
    return store_paid(requester, order, key, spend, price, now), True


def store_paid(
    requester: Requester,
    order: Order,
    key: str,
    spend: LedgerEntry | None,
    price: int,
    now: datetime,
) -> Generation:
    """Store a run that its spend has paid, in the spend's transaction, and send it to a worker."""
    generation = Generation.objects.create(
        id=run_id(requester, key),
        account_id=requester.account_id,
        key=key,
        request_digest=order.digest,
        tool=order.tool,
        resolution=order.resolution,
        seconds=order.seconds,
        prompt=order.prompt,
        product_id=order.product_id,
        product_title=order.product_title,
        price=price,
        spend=spend,
        requested_by_id=requester.person_id,
        surface=requester.surface,
        enqueued_at=timezone.now(),
        created_at=now,
    )
    _send(generation)
    _show(generation)
    return generation


def run_id(requester: Requester, key: str) -> uuid.UUID:
    """The run's id, known before it is stored, so that its spend can refer to it."""
    return uuid.uuid5(_RUNS, f"{requester.account_id}:{key}")


# --- Working -------------------------------------------------------------------------------------


def start(generation_id: str) -> Generation | None:
    """Take a waiting run for this worker, under a lease; None when somebody else has it."""
    changed = Generation.objects.filter(pk=generation_id, state=State.QUEUED).update(
        state=State.RUNNING,
        lease_until=timezone.now() + LEASE,
        started_at=clock.now(),
        attempts=F("attempts") + 1,
    )
    if not changed:
        return None
    generation = Generation.objects.get(pk=generation_id)
    _show(generation)
    return generation


def extend_lease(generation: Generation) -> bool:
    """Say that the worker still lives; False when the run is no longer its own."""
    return bool(
        Generation.objects.filter(
            pk=generation.pk, state=State.RUNNING, attempts=generation.attempts
        ).update(lease_until=timezone.now() + LEASE)
    )


def succeed(generation: Generation, result: Result) -> bool:
    """Keep the output and deliver it; False when the run was cancelled or taken over meanwhile."""
    if result.width is None or result.height is None:
        raise TypeError(f"{generation.tool} returned no picture")
    with contextlib.ExitStack() as undo:
        output = stored.store(
            undo, generation.account_id, result.content,
            result.media_type, result.width, result.height,
        )  # fmt: skip
        with transaction.atomic():
            delivered = _finish(
                generation, State.SUCCEEDED, Outcome.DELIVERED,
                engine=result.engine, model=result.model, label=result.label,
            )  # fmt: skip
            if delivered:
                output.attach(generation, Picture.Role.OUTPUT)
        if delivered:
            undo.pop_all()
    return delivered


def fail(generation: Generation, outcome: str, message: str) -> bool:
    """End a run that did not work; the outcome rules what becomes of its credits."""
    with transaction.atomic():
        return _finish(generation, State.FAILED, outcome, error=message[:500])


def give_up_attempt(generation: Generation, message: str) -> None:
    """An attempt ended through no fault of the order: wait for another, or end the run."""
    if generation.attempts < MAX_ATTEMPTS:
        _requeue(generation)
    else:
        fail(generation, Outcome.PLATFORM_ERROR, message)


def cancel(account_id: int, generation_id: str, now: datetime | None = None) -> bool:
    """Cancel a run. While it waits its credits are given back; while it runs they are used.

    Returns False when it had ended already. Source: decisions on outcomes.
    """
    now = clock.now() if now is None else now
    generation = Generation.objects.filter(account_id=account_id, pk=generation_id).first()
    if generation is None:
        return False
    with transaction.atomic():
        if _finish(generation, State.CANCELLED, Outcome.CANCELLED_IN_QUEUE, leaves=State.QUEUED):
            return True
        return _finish(generation, State.CANCELLED, Outcome.USER_CANCELLED)


def cancel_waiting(account_id: int, people: list[int] | None = None) -> int:
    """Cancel everything of an account that has not begun, or what `people` asked for; how many."""
    waiting = Generation.objects.filter(account_id=account_id, state=State.QUEUED)
    if people is not None:
        waiting = waiting.filter(requested_by__in=people)
    cancelled = 0
    for generation in waiting:
        with transaction.atomic():
            cancelled += _finish(
                generation, State.CANCELLED, Outcome.CANCELLED_IN_QUEUE, leaves=State.QUEUED
            )
    return cancelled


def _finish(
    generation: Generation, state: str, outcome: str, leaves: str = State.RUNNING, **columns: str
) -> bool:
    """Leave `leaves` for a final state and settle the credits; one winner, in one transaction."""
    left = Generation.objects.filter(pk=generation.pk, state=leaves)
    if leaves == State.RUNNING and state != State.CANCELLED:
        # A worker whose run was taken over by another attempt must not end that one.
        left = left.filter(attempts=generation.attempts)
    now = clock.now()
    changed = left.update(
        state=state, outcome=outcome, finished_at=now, lease_until=None, **columns
    )
    if not changed:
        return False
    generation.refresh_from_db()
    if generation.spend is not None:
        restorations.settle_outcome(generation.spend, outcome, now=now)
    _show(generation)
    return True


# --- Healing -------------------------------------------------------------------------------------


def sweep() -> tuple[int, int]:
    """Send again what waits too long, and free what a dead worker holds; returns both counts."""
    now = timezone.now()
    forgotten = Generation.objects.filter(
        state=State.QUEUED, enqueued_at__lte=now - ENQUEUE_AGAIN_AFTER
    )
    sent = 0
    for generation in forgotten:
        generation.enqueued_at = now
        generation.save(update_fields=["enqueued_at"])
        _send(generation)
        sent += 1
    orphans = list(Generation.objects.filter(state=State.RUNNING, lease_until__lte=now))
    for generation in orphans:
        give_up_attempt(generation, gettext_noop("Our worker stopped in the middle of this run."))
    return sent, len(orphans)


def _requeue(generation: Generation) -> None:
    with transaction.atomic():
        changed = Generation.objects.filter(
            pk=generation.pk, state=State.RUNNING, attempts=generation.attempts
        ).update(state=State.QUEUED, lease_until=None, enqueued_at=timezone.now())
        if changed:
            _send(generation)
            _show(generation)


def _send(generation: Generation) -> None:
    jobs.enqueue("generations.run", generation_id=str(generation.pk))


def _show(generation: Generation) -> None:
    live.publish(generation.account_id, "generation", str(generation.pk))
