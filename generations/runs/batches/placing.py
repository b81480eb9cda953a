"""A new batch: checked, charged and stored in one transaction, all of it or nothing.

An item becomes a run when it is charged. With three first the others are stored with their pictures
and wait for the merchant's word.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from credits import ledger
from credits.accounts import limits
from credits.models import Account
from credits.refusals import Refusal
from ecomvance_app import clock
from generations import catalog
from generations.media import storage
from generations.models import Batch, BatchItem, Generation
from generations.runs import consents, quote, request
from generations.runs.batches import rules
from generations.runs.batches.rules import MAX_ITEMS, SAMPLE, TOOL
from generations.runs.orders import Order, Requester
from generations.runs.queries import key_digest
from generations.runs.quote import RunRefused, Terms

if TYPE_CHECKING:
    from credits.models import LedgerEntry

_BATCHES = uuid.UUID("b3a0c0de-5f1b-5d0a-8a38-0d7a51c2e9f4")


@dataclass(frozen=True)
class Together:
    """How the orders of a batch run together.

    All are charged at once, or with `three_first` the first three of more than three, or the first
    `charge` of them.
    """

    three_first: bool = False
    charge: int | None = None
    mail_when_done: bool = False

    def has_sample(self, items: int) -> bool:
        """Whether of so many items three come first."""
        return self.three_first and items > SAMPLE

    def charged(self, items: int) -> int:
        """How many of so many items are charged at first."""
        return min(self.charge or (SAMPLE if self.has_sample(items) else items), items)


AT_ONCE = Together()


def place(
    requester: Requester,
    orders: Sequence[Order],
    key: str,
    now: datetime | None = None,
    together: Together = AT_ONCE,
    *,
    max_credits: int | None = None,
    also: Callable[[Batch], None] | None = None,
) -> tuple[Batch, bool]:
    """Accept a batch of 1 to 50 orders of one picture each; returns it, and whether it is new.

    One transaction charges what `together` says of them: one run and one entry per item. Raises as
    `request.place` does, for the batch as a whole; ShortOfCredits says how many items could be run. More than
    `max_credits` for what would be charged now is PriceChanged. `also` as in `request.place`.
    """
    now = clock.now() if now is None else now
    request.check_key(f"{key}:{MAX_ITEMS}")
    find = partial(_find, requester, orders, key, together)
    if known := find():
        return known, False

    try:
        return _place_unknown(requester, orders, key, now, _Chosen(together, max_credits, also))
    except Refusal:
        # Of two requests with one key the first may have taken what the second is refused for.
        if known := find():
            return known, False
        raise


@dataclass(frozen=True)
class _Chosen:
    """What `place` was asked for beside the orders."""

    together: Together
    max_credits: int | None
    also: Callable[[Batch], None] | None


def _place_unknown(
    requester: Requester, orders: Sequence[Order], key: str, now: datetime, chosen: _Chosen
) -> tuple[Batch, bool]:
    account_id, together = requester.account_id, chosen.together
    terms = check(orders)
    for agreed, order in zip(terms, orders, strict=True):
        consents.check(account_id, agreed, order)
    charged, each = together.charged(len(orders)), terms[0].credits
    rules.check_price(each, charged, chosen.max_credits)
    limits.check(account_id, each * charged, by_owner=requester.is_owner)
    if each:
        rules.check_affordable(account_id, each, charged, now)

    keys = _keys(key, charged)
    with storage.Undo(account_id) as undo:
        still = partial(_still_affordable, account_id, each, charged)
        gathered = [request.gather(undo, order, still) for order in orders]
        with transaction.atomic():
            spends = pay(requester, keys, terms[:charged], now)
            # Of two requests with one key the second waits for the account's lock in `pay`, and
            # finds here what the first has made.
            if known := _find(requester, orders, key, together):
                return known, False
            batch = _made(requester, orders, key, terms[0], now)
            batch.three_first = together.has_sample(len(orders))
            batch.mail_when_done = together.mail_when_done
            batch.save(force_insert=True)
            runs = [
                request.store_run(
                    requester, order, item_key, agreed, spend, material, now, batch=batch
                )
                for order, item_key, agreed, spend, material in zip(
                    orders, keys, terms, spends, gathered, strict=False
                )
            ]
            _store_items(batch, orders, gathered, runs)
            if chosen.also is not None:
                chosen.also(batch)
        undo.keep()
    return batch, True


def _still_affordable(account_id: int, each: int, count: int) -> None:
    if each:
        rules.check_affordable(account_id, each, count, clock.now())


def place_batch(
    requester: Requester, orders: Sequence[Order], key: str, now: datetime | None = None
) -> tuple[list[Generation], bool]:
    """As `place`, with everything charged at once; returns the runs in the order of the items."""
    batch, created = place(requester, orders, key, now)
    items = batch.items.filter(run__isnull=False).select_related("run").order_by("position")
    return [item.run for item in items if item.run is not None], created


def check(orders: Sequence[Order]) -> list[Terms]:
    """The terms of each order, if they can be started together; RunRefused otherwise."""
    if not 0 < len(orders) <= MAX_ITEMS:
        raise rules.wrong_size(len(orders))
    if any(order.tool != TOOL for order in orders):
        message = _("Only %(tool)s runs in batches.") % {"tool": catalog.TOOLS[TOOL].name}
        raise RunRefused(message, "not_a_batch_tool", "tool")
    return [quote.check(order) for order in orders]


def pay(
    requester: Requester, keys: Sequence[str], terms: Sequence[Terms], now: datetime
) -> Sequence[LedgerEntry | None]:
    """One spend for each key, all or nothing, under the account's lock; None for what is free."""
    if not any(agreed.credits for agreed in terms):
        Account.objects.select_for_update().get(pk=requester.account_id)
        return [None] * len(keys)
    runs = [request.run_id(requester, key) for key in keys]
    items = [
        (agreed.credits, request.ledger_key(run), TOOL, str(run))
        for run, agreed in zip(runs, terms, strict=True)
    ]
    try:
        return ledger.spend_many(requester.account_id, items, now, requester.actor)
    except ledger.InsufficientCredits as refusal:
        raise rules.short(refusal, terms[0].credits) from refusal


def _keys(key: str, items: int) -> list[str]:
    return [f"{key}:{n}" for n in range(1, items + 1)]


def _made(
    requester: Requester, orders: Sequence[Order], key: str, terms: Terms, now: datetime
) -> Batch:
    return Batch(
        id=uuid.uuid5(_BATCHES, f"{requester.account_id}:{key}"),
        account_id=requester.account_id,
        key=key_digest(key),
        tool=TOOL,
        resolution=orders[0].resolution,
        prompt=orders[0].text,
        options=terms.options,
        total=len(orders),
        price=terms.credits,
        priced_at=now,
        requested_by_id=requester.person_id,
        surface=requester.surface,
        created_at=now,
    )


def _store_items(
    batch: Batch,
    orders: Sequence[Order],
    gathered: Sequence[request.Material],
    runs: Sequence[Generation],
) -> None:
    """The first items are the runs'; the others keep their pictures until they are charged."""
    items = []
    for number, (order, material) in enumerate(zip(orders, gathered, strict=True)):
        source = order.sources[0] if order.sources else None
        _role, picture = material.files[0]
        item = BatchItem(
            batch=batch,
            position=number + 1,
            product_id=source.product_id if source else "",
            photo_id=source.photo_id if source else "",
            title=material.title[:255],
            name=picture.name,
            request_digest=order.digest,
        )
        if number < len(runs):
            item.run, item.charges = runs[number], 1
        else:
            item.file, item.preview = picture.file, picture.preview
            item.media_type, item.size = picture.media_type, picture.size
            item.width, item.height = picture.width, picture.height
            item.sha256 = picture.sha256
        items.append(item)
    BatchItem.objects.bulk_create(items)


# --- A key that comes again ----------------------------------------------------------------------


def _find(
    requester: Requester, orders: Sequence[Order], key: str, together: Together
) -> Batch | None:
    """The batch that this key has made; KeyConflict if it was made of something else."""
    batch = Batch.objects.filter(account_id=requester.account_id, key=key_digest(key)).first()
    if batch is None:
        return _adopt(requester, orders, key)
    digests = batch.items.order_by("position").values_list("request_digest", flat=True)
    _check_same(orders, list(digests), key)
    if batch.three_first != together.has_sample(len(orders)):
        raise ledger.KeyConflict(key)
    return batch


def _check_same(orders: Sequence[Order], digests: Sequence[str], key: str) -> None:
    if len(digests) != len(orders):
        raise ledger.KeyConflict(key)
    if not all(order.has_made(digest) for order, digest in zip(orders, digests, strict=True)):
        raise ledger.KeyConflict(key)


def find_by_key(account_id: int, key: str) -> list[Generation]:
    """The runs that a batch's key made when it was placed, in the order of its items."""
    keys = [key_digest(item_key) for item_key in _keys(key, MAX_ITEMS)]
    found = Generation.objects.filter(account_id=account_id, key__in=keys)
    return sorted(found, key=lambda generation: keys.index(generation.key))


def _adopt(requester: Requester, orders: Sequence[Order], key: str) -> Batch | None:
    """The runs of a batch that an older release made, which had no row for it; now it gets one."""
    runs = find_by_key(requester.account_id, key)
    if not runs:
        return None
    _check_same(orders, [run.request_digest for run in runs], key)
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=requester.account_id)
        first = runs[0]
        made = Batch(
            id=uuid.uuid5(_BATCHES, f"{requester.account_id}:{key}"),
            account_id=requester.account_id,
            key=key_digest(key),
            tool=first.tool,
            resolution=first.resolution,
            prompt=first.prompt,
            options=first.options,
            total=len(runs),
            price=first.price,
            priced_at=first.created_at,
            requested_by_id=first.requested_by_id,
            surface=first.surface,
            created_at=first.created_at,
            told_at=first.created_at,
        )
        if known := Batch.objects.filter(pk=made.pk).first():
            return known
        made.save(force_insert=True)
        BatchItem.objects.bulk_create(
            BatchItem(
                batch=made,
                position=number,
                product_id=run.product_id,
                photo_id=run.products[0][1] if run.products else "",
                title=run.product_title,
                request_digest=run.request_digest,
                run=run,
                charges=1,
            )
            for number, run in enumerate(runs, 1)
        )
        Generation.objects.filter(pk__in=[run.pk for run in runs]).update(batch=made)
    return made
