"""The figures of batches, and what they refuse. Source: decisions on generations, "Batch"."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from credits import queries
from credits.refusals import InsufficientCredits
from generations.runs.orders import MAX_KEY as MAX_RUN_KEY
from generations.runs.quote import PriceChanged, RunRefused

TOOL = "ai-shadowing"
MAX_ITEMS = 50
# What is charged and run first where three come first.
SAMPLE = 3
# The keys of a batch's first runs are its own and a number.
MAX_KEY = MAX_RUN_KEY - len(f":{MAX_ITEMS}")
PRICE_HOLDS = timedelta(hours=24)
INPUTS_KEPT = timedelta(days=7)
PAUSED_AT_MOST = timedelta(hours=24)


class ShortOfCredits(InsufficientCredits):
    """The balance does not pay for all; `runnable` says for how many items it does."""

    def __init__(self, needed: int, available: int, runnable: int) -> None:
        super().__init__(needed, available)
        self.runnable = runnable

    @property
    def details(self) -> dict[str, int | str]:
        return super().details | {"runnable": self.runnable}


class BatchEnded(RunRefused):
    """Nothing more can be done with the batch."""

    def __init__(self) -> None:
        super().__init__(_("This batch has ended already."), "already_final", status=409)


def wrong_size(given: int) -> RunRefused:
    """The refusal of a batch of so many items."""
    message = _("A batch has 1 to %(most)d items, not %(given)d. Nothing was charged.")
    return RunRefused(message % {"most": MAX_ITEMS, "given": given}, "batch_size", "items")


def too_many_sent(most_read: int) -> str:
    """The sentence for more items than `most_read`, which are not even counted."""
    message = _("A batch has 1 to %(most)d items, not more than %(given)d.")
    return message % {"most": MAX_ITEMS, "given": most_read}


def check_price(each: int, count: int, max_credits: int | None) -> None:
    """PriceChanged where so many items cost more than the merchant was shown."""
    if max_credits is not None and each * count > max_credits:
        raise PriceChanged(each * count)


def check_affordable(account_id: int, each: int, count: int, now: datetime) -> None:
    """ShortOfCredits where the balance does not pay for so many; the ledger has the last word."""
    available = queries.get_balance(account_id, now).total
    if each * count > available:
        raise ShortOfCredits(each * count, available, available // each)


def short(refusal: InsufficientCredits, each: int) -> ShortOfCredits:
    """The ledger's refusal, which knows amounts, with the number of items that can be run."""
    return ShortOfCredits(refusal.needed, refusal.available, refusal.available // each)
