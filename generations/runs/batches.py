"""Batches: up to 50 products through AI Shadowing, charged together and run one by one.

Source: product document, "AI Shadowing"; decisions on generations.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from credits import ledger
from credits.accounts import limits
from credits.models import Account
from ecomvance_app import clock
from generations import catalog
from generations.media import storage
from generations.models import Generation
from generations.runs import consents, quote, request
from generations.runs.orders import MAX_KEY as MAX_RUN_KEY
from generations.runs.orders import Order, Requester
from generations.runs.queries import key_digest
from generations.runs.quote import RunRefused, Terms, check_affordable

if TYPE_CHECKING:
    from credits.models import LedgerEntry

TOOL = "ai-shadowing"
MAX_ITEMS = 50
# The keys of a batch's items are its own and a number.
MAX_KEY = MAX_RUN_KEY - len(f":{MAX_ITEMS}")


def place_batch(
    requester: Requester, orders: Sequence[Order], key: str, now: datetime | None = None
) -> tuple[list[Generation], bool]:
    """Accept 1 to 50 runs of one picture each, all of them or none; returns them, and whether new.

    One transaction charges them, one run and one entry per order under the keys `{key}:{n}` with n from 1 on.
    Raises as `request.place` does, for the batch as a whole; `InsufficientCredits.needed` is the sum.
    """
    now = clock.now() if now is None else now
    account_id = requester.account_id
    request.check_key(f"{key}:{MAX_ITEMS}")
    known = find_by_key(account_id, key)
    if known:
        return repeated(known, orders, key), False

    terms = check(orders)
    for agreed, order in zip(terms, orders, strict=True):
        consents.check(account_id, agreed, order)
    price = sum(agreed.credits for agreed in terms)
    limits.check(account_id, price, by_owner=requester.is_owner)
    check_affordable(account_id, price, now)

    keys = _keys(key, len(orders))
    with storage.Undo(account_id) as undo:
        gathered = [request.gather(undo, order) for order in orders]
        with transaction.atomic():
            spends = _pay(requester, orders, keys, terms, now)
            # Of two requests with one key the second waits for the account's lock in `_pay`, and
            # finds here what the first has made.
            known = find_by_key(account_id, key)
            if known:
                return repeated(known, orders, key), False
            runs = [
                request.store_run(requester, order, item_key, agreed, spend, material, now)
                for order, item_key, agreed, spend, material in zip(
                    orders, keys, terms, spends, gathered, strict=True
                )
            ]
        undo.keep()
    return runs, True


def find_by_key(account_id: int, key: str) -> list[Generation]:
    """The runs that a batch's key has made, in the order of its items."""
    keys = [key_digest(item_key) for item_key in _keys(key, MAX_ITEMS)]
    found = Generation.objects.filter(account_id=account_id, key__in=keys)
    return sorted(found, key=lambda generation: keys.index(generation.key))


def repeated(known: Sequence[Generation], orders: Sequence[Order], key: str) -> list[Generation]:
    """The runs of a batch that comes again; KeyConflict if the key was for another batch."""
    if len(known) != len(orders):
        raise ledger.KeyConflict(key)
    return [request.repeated(run, order, key) for run, order in zip(known, orders, strict=True)]


def check(orders: Sequence[Order]) -> list[Terms]:
    """The terms of each order, if they can be started together; RunRefused otherwise."""
    if not 0 < len(orders) <= MAX_ITEMS:
        message = _("A batch has 1 to %(most)d items, not %(given)d.")
        found = {"most": MAX_ITEMS, "given": len(orders)}
        raise RunRefused(message % found, "batch_size", "items")
    if any(order.tool != TOOL for order in orders):
        message = _("Only %(tool)s runs in batches.") % {"tool": catalog.TOOLS[TOOL].name}
        raise RunRefused(message, "not_a_batch_tool", "tool")
    return [quote.check(order) for order in orders]


def _keys(key: str, items: int) -> list[str]:
    return [f"{key}:{n}" for n in range(1, items + 1)]


def _pay(
    requester: Requester,
    orders: Sequence[Order],
    keys: Sequence[str],
    terms: Sequence[Terms],
    now: datetime,
) -> Sequence[LedgerEntry | None]:
    if not any(agreed.credits for agreed in terms):
        Account.objects.select_for_update().get(pk=requester.account_id)
        return [None] * len(orders)
    runs = [request.run_id(requester, key) for key in keys]
    items = [
        (agreed.credits, request.ledger_key(run), order.tool, str(run))
        for run, order, agreed in zip(runs, orders, terms, strict=True)
    ]
    return ledger.spend_many(requester.account_id, items, now, requester.actor)
