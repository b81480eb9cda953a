"""What is charged after a batch was made: the items that waited, and failed ones tried again.

An item is charged only while it is uncharged, or while its newest run has failed, under the batch's
lock and whatever the key: two clicks with two keys charge it once.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from credits import ledger
from credits.accounts import limits
from ecomvance_app import clock
from generations.media import storage
from generations.media.reading import UploadedImage
from generations.models import Batch, BatchCharge, BatchItem, Generation, Picture
from generations.runs import consents, lifecycle, quote, request
from generations.runs.batches import placing, progress, rules, stopping
from generations.runs.orders import Order, Requester
from generations.runs.queries import key_digest
from generations.runs.quote import RunRefused, Terms

Verb = BatchCharge.Verb
# Called in the transaction that charges.
Also = Callable[[Batch], None]
# Puts the picture of an item into storage as its next run's.
Picturing = Callable[[BatchItem], Picture]


@dataclass(frozen=True)
class Charge:
    """What is charged of a batch that is there: the verb, and of what waits the first `count`."""

    batch_id: str
    verb: str
    count: int | None = None


def charge(
    requester: Requester,
    wanted: Charge,
    key: str,
    now: datetime | None = None,
    *,
    max_credits: int | None = None,
    also: Also | None = None,
) -> Batch:
    """As `resume` or `retry`; `also` is called with the batch in the transaction that charges."""
    if wanted.verb == Verb.RETRY:
        return retry(requester, wanted.batch_id, key, now, max_credits=max_credits, also=also)
    return resume(
        requester, wanted.batch_id, key, now, count=wanted.count, max_credits=max_credits, also=also
    )


def price(account_id: int, wanted: Charge, now: datetime) -> tuple[int, int]:
    """How many items would be charged at `now`, and the price of one."""
    batch = progress.get(account_id, wanted.batch_id)
    if wanted.verb == Verb.RETRY:
        failed = batch.items.filter(run__state=Generation.State.FAILED)
        return failed.count(), progress.price_today(batch)
    uncharged = batch.items.filter(run=None).count()
    return min(_takes(batch, wanted.count), uncharged), progress.price_of_item(batch, now)


def _takes(batch: Batch, count: int | None) -> int:
    if count is not None:
        return count
    return 0 if batch.paused_at else batch.total


def resume(
    requester: Requester,
    batch_id: UUID | str,
    key: str,
    now: datetime | None = None,
    *,
    count: int | None = None,
    max_credits: int | None = None,
    also: Also | None = None,
) -> Batch:
    """Go on: charge and run what waits for the merchant's word, or the first `count` of it.

    A paused batch goes on with what it was charged for, and charges more only if `count` says so. All
    or nothing; raises as `place` does, and BatchEnded. The same key again changes nothing.
    """
    now = clock.now() if now is None else now
    request.check_key(key)
    with transaction.atomic():
        batch = stopping.lock(requester.account_id, batch_id, now)
        if _is_known(batch, key, Verb.RESUME, count):
            return batch
        stopping.check_open(batch, now)
        uncharged = batch.items.filter(run=None).order_by("position")
        takes = _takes(batch, count)
        _unpause(batch)
        items = list(uncharged[:takes])
        terms = _terms(batch, items, hold_since=now)
        _charge(requester, batch, items, terms, _take_over, now, max_credits)
        if items:
            batch.resumed_at = now
        batch.save(update_fields=["resumed_at", "paused_at", "told_at"])
        _keep(batch, key, Verb.RESUME, count, now)
        if also is not None:
            also(batch)
        stopping.announce(batch)
    return batch


def retry(
    requester: Requester,
    batch_id: UUID | str,
    key: str,
    now: datetime | None = None,
    *,
    max_credits: int | None = None,
    also: Also | None = None,
) -> Batch:
    """Charge and run the failed items again, all or nothing; a new run takes the failed one's place.

    Raises as `place` does, and BatchEnded for a batch that was cancelled.
    """
    now = clock.now() if now is None else now
    request.check_key(key)
    with storage.Undo(requester.account_id) as undo:
        # The copies are made under this batch's lock, at which nobody else has to wait.
        with transaction.atomic():
            batch = stopping.lock(requester.account_id, batch_id, now)
            if _is_known(batch, key, Verb.RETRY, None):
                return batch
            if batch.cancelled_at is not None:
                raise rules.BatchEnded
            if progress.read(batch, now).is_final:
                # It ended while it was paused: what is tried again shall not wait for that.
                batch.paused_at = None
            failed = batch.items.filter(run__state=Generation.State.FAILED)
            items = list(failed.select_related("run").order_by("position"))
            terms = _terms(batch, items)
            _charge(
                requester, batch, items, terms, lambda item: _copy(undo, item), now, max_credits
            )
            batch.save(update_fields=["paused_at", "told_at"])
            _keep(batch, key, Verb.RETRY, None, now)
            if also is not None:
                also(batch)
        undo.keep()
    return batch


def _is_known(batch: Batch, key: str, verb: Verb, count: int | None) -> bool:
    """Whether this key has done just this; KeyConflict if it has done something else."""
    known = BatchCharge.objects.filter(account_id=batch.account_id, key=key_digest(key)).first()
    if known is None:
        return False
    if (known.batch_id, known.verb, known.count) != (batch.pk, verb, count):
        raise ledger.KeyConflict(key)
    return True


def _keep(batch: Batch, key: str, verb: Verb, count: int | None, now: datetime) -> None:
    charge = BatchCharge(
        account_id=batch.account_id,
        key=key_digest(key),
        batch=batch,
        verb=verb,
        count=count,
        created_at=now,
    )
    try:
        with transaction.atomic():
            charge.save(force_insert=True)
    except IntegrityError:
        # Another batch of the account, whose lock is another one, took the key meanwhile.
        raise ledger.KeyConflict(key) from None


def _unpause(batch: Batch) -> None:
    """What waited is sent again; the runs' rows are changed before the account is locked."""
    if batch.paused_at is None:
        return
    batch.paused_at = None
    waiting = Generation.objects.filter(batch=batch, state=Generation.State.QUEUED)
    waiting.update(enqueued_at=timezone.now())
    for run in waiting:
        lifecycle.enqueue(run)


# --- Charging ------------------------------------------------------------------------------------


def _terms(
    batch: Batch, items: Sequence[BatchItem], hold_since: datetime | None = None
) -> Terms | None:
    """The terms of each item now, at the held price where `hold_since` says when; None for no items."""
    if not items:
        return None
    terms = quote.check(_order(batch, items[0]))
    if hold_since is None:
        return terms
    return replace(terms, credits=progress.held_price(batch, terms.credits, hold_since))


def _charge(
    requester: Requester,
    batch: Batch,
    items: Sequence[BatchItem],
    terms: Terms | None,
    picturing: Picturing,
    now: datetime,
    max_credits: int | None,
) -> None:
    """One entry and one run for each of these items, in the caller's transaction, all or nothing."""
    if terms is None:
        return
    account_id, each = requester.account_id, terms.credits
    consents.check(account_id, terms, _order(batch, items[0]))
    rules.check_price(each, len(items), max_credits)
    limits.check(account_id, each * len(items), by_owner=requester.is_owner)
    if each:
        rules.check_affordable(account_id, each, len(items), now)
    pictures = [picturing(item) for item in items]
    keys = [_key(item) for item in items]
    spends = placing.pay(requester, keys, [terms] * len(items), now)
    for item, key, spend, picture in zip(items, keys, spends, pictures, strict=True):
        material = _material(item, picture)
        order = _order(batch, item)
        item.run = request.store_run(requester, order, key, terms, spend, material, now, batch)
        item.charges += 1
        item.file = item.preview = ""
    BatchItem.objects.bulk_update(items, ["run", "charges", "file", "preview"])
    batch.told_at = None


def _key(item: BatchItem) -> str:
    """The key of the item's next run. No merchant can send it: it has a character that none may."""
    return f"\0batch:{item.batch_id}:{item.position}:{item.charges + 1}"


def _order(batch: Batch, item: BatchItem) -> Order:
    """What the item asks for; an upload stands for itself by what is known of it."""
    return Order(
        batch.tool,
        batch.resolution,
        prompt=batch.prompt,
        options=batch.options,
        product_id=item.product_id,
        photo_id=item.photo_id,
        uploads=() if item.product_id else (_named(item),),
    )


def _named(item: BatchItem) -> UploadedImage:
    """An upload of which the name alone is needed: its content stays in storage."""
    return UploadedImage(
        file=io.BytesIO(),
        preview=io.BytesIO(),
        sha256=item.request_digest,
        width=0,
        height=0,
        format="PNG",
        source_format="PNG",
        has_alpha=False,
        lightest=255,
    )


def _material(item: BatchItem, picture: Picture) -> request.Material:
    products = [[item.product_id, item.photo_id]] if item.product_id else []
    return request.Material(
        title=item.title, products=products, files=[(Picture.Role.INPUT, picture)]
    )


def _take_over(item: BatchItem) -> Picture:
    """The picture that was kept for the item; its file is the run's from now on."""
    if not item.file:
        raise _gone()
    return kept_picture(item)


def kept_picture(item: BatchItem) -> Picture:
    """The picture that is kept for an item that is not charged yet; no row of its own."""
    return Picture(
        file=item.file,
        preview=item.preview,
        name=item.name,
        media_type=item.media_type,
        width=item.width,
        height=item.height,
        size=item.size or 0,
        sha256=item.sha256,
    )


def _copy(undo: storage.Undo, item: BatchItem) -> Picture:
    """A copy of what the failed run worked on: each run has files of its own, which go with it."""
    inputs = Picture.objects.filter(generation=item.run, role=Picture.Role.INPUT)
    picture = inputs.order_by("position").first()
    if picture is None:
        raise _gone()
    try:
        image = storage.read_again(picture)
    except FileNotFoundError:
        raise _gone() from None
    copy = storage.store(undo, image)
    image.close()
    copy.name = picture.name
    return copy


def _gone() -> RunRefused:
    message = _("An image of this batch is no longer here. Nothing was charged.")
    return RunRefused(message, "gone", "image")
