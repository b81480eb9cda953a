"""Batches: up to 50 products through AI Shadowing, charged together and run one by one.

Source: product document, "AI Shadowing"; decisions on generations.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import IO, TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from credits import ledger
from ecomvance_app import clock
from generations import catalog
from generations.media import storage
from generations.models import Generation, Picture
from generations.runs import request
from generations.runs.request import Order, Requester, RunRefused

if TYPE_CHECKING:
    from credits.models import LedgerEntry

TOOL = "ai-shadowing"
MAX_ITEMS = 50


def place_batch(
    requester: Requester,
    drafts: Sequence[Order],
    key: str,
    uploads: Sequence[IO[bytes]] = (),
    now: datetime | None = None,
) -> tuple[list[Generation], bool]:
    """Complete every draft with its own upload, or its product's photo, and request the batch.

    Returns the runs and whether they are new; raises as `request.place` does, for the batch as a whole.
    """
    now = clock.now() if now is None else now
    known = find(requester.account_id, key)
    if not known:
        prices = check(drafts, pictures=[1] * len(drafts))
        request.check_affordable(requester.account_id, sum(prices), now)
    elif not uploads:
        return repeated(known, drafts, key), False
    own = [[upload] for upload in uploads] or [[] for _draft in drafts]
    orders = [
        request.complete(requester.account_id, draft, upload)
        for draft, upload in zip(drafts, own, strict=True)
    ]
    return request_batch(requester, orders, key, now)


def request_batch(
    requester: Requester, orders: Sequence[Order], key: str, now: datetime | None = None
) -> tuple[list[Generation], bool]:
    """Accept 1 to 50 runs of one picture each: all of them, or none.

    One transaction charges them, one entry per order under the keys `{key}:{n}` with n from 1 on.
    The same key with the same orders returns the first runs and False. Raises what
    `request.request_run` raises; `InsufficientCredits.needed` is the sum.
    """
    now = clock.now() if now is None else now
    request.check_key(f"{key}:{MAX_ITEMS}")
    known = find(requester.account_id, key)
    if known:
        return repeated(known, orders, key), False
    prices = check(orders, pictures=[len(order.pictures) for order in orders])
    request.check_affordable(requester.account_id, sum(prices), now)
    with contextlib.ExitStack() as undo:
        account_id = requester.account_id
        files = [request.keep(undo, account_id, order.pictures[0]) for order in orders]
        with transaction.atomic():
            spends = _spend(requester, orders, prices, key, now)
            # Of two requests with one key the second waits in `spend_many` and finds the first's
            # runs.
            known = find(account_id, key)
            if known:
                return repeated(known, orders, key), False
            runs = [
                _store(requester, *paid, now)
                for paid in zip(_keys(key, len(orders)), orders, spends, files, strict=True)
            ]
        undo.pop_all()
    return runs, True


def find(account_id: int, key: str) -> list[Generation]:
    """The runs that a batch's key has made, in the order of its items."""
    keys = _keys(key, MAX_ITEMS)
    found = Generation.objects.filter(account_id=account_id, key__in=keys)
    return sorted(found, key=lambda generation: keys.index(generation.key))


def repeated(known: Sequence[Generation], orders: Sequence[Order], key: str) -> list[Generation]:
    """The runs of a batch that comes again; KeyConflict if the key was for another batch."""
    if len(known) != len(orders):
        raise ledger.KeyConflict(key)
    return [request.repeated(run, order) for run, order in zip(known, orders, strict=True)]


def check(orders: Sequence[Order], pictures: Sequence[int]) -> list[int]:
    """The prices of orders with so many pictures each; RunRefused if they cannot be started."""
    if not 0 < len(orders) <= MAX_ITEMS:
        message = _("A batch has 1 to %(most)d items, not %(given)d.")
        found = {"most": MAX_ITEMS, "given": len(orders)}
        raise RunRefused(message % found, "batch_size", "items")
    if any(order.tool != TOOL for order in orders):
        message = _("Only %(tool)s runs in batches.") % {"tool": catalog.TOOLS[TOOL].name}
        raise RunRefused(message, "not_a_batch_tool", "tool")
    return [request.check(order, count) for order, count in zip(orders, pictures, strict=True)]


def _keys(key: str, items: int) -> list[str]:
    return [f"{key}:{n}" for n in range(1, items + 1)]


def _spend(
    requester: Requester, orders: Sequence[Order], prices: Sequence[int], key: str, now: datetime
) -> list[LedgerEntry]:
    items = [
        (price, f"run:{item_key}", order.tool, str(request.run_id(requester, item_key)))
        for item_key, order, price in zip(_keys(key, len(orders)), orders, prices, strict=True)
    ]
    return ledger.spend_many(requester.account_id, items, now, requester.actor)


def _store(
    requester: Requester,
    key: str,
    order: Order,
    spend: LedgerEntry,
    file: storage.StoredPicture,
    now: datetime,
) -> Generation:
    generation = request.store_paid(requester, order, key, spend, -spend.credits, now)
    file.attach(generation, Picture.Role.INPUT)
    return generation
