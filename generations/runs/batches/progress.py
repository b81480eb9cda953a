"""How a batch stands: its state follows from its items, so that no two can disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db.models import Count, Sum

from ecomvance_app import clock
from generations import catalog
from generations.models import Batch, BatchItem, Generation
from generations.runs import quote
from generations.runs.batches import rules
from generations.runs.outages import health
from generations.runs.queries import key_digest

State = Literal["sample", "running", "paused", "finished", "cancelled"]


@dataclass(frozen=True, slots=True)
class Progress:
    """The six counts add up to `total`. `cost` was charged so far, `remaining_cost` is what the
    uncharged items would cost now."""

    state: State
    total: int
    uncharged: int
    waiting: int
    running: int
    succeeded: int
    failed: int
    cancelled: int
    cost: int
    remaining_cost: int

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself or can be asked for, but trying failed ones again."""
        return self.state in ("finished", "cancelled")

    @property
    def ended(self) -> int:
        """How many items have come to an end."""
        return self.succeeded + self.failed + self.cancelled


def read(batch: Batch, now: datetime | None = None) -> Progress:
    """How this batch stands now."""
    return read_many([batch], now)[batch.pk]


def read_many(batches: Iterable[Batch], now: datetime | None = None) -> Mapping[UUID, Progress]:
    """How these stand, in a fixed number of queries."""
    now = clock.now() if now is None else now
    batches = list(batches)
    counts: dict[UUID, Counter[str]] = {batch.pk: Counter() for batch in batches}
    items = BatchItem.objects.filter(batch__in=batches).values_list("batch_id", "run__state")
    for batch_id, state, count in items.annotate(count=Count("pk")):
        counts[batch_id][state or "uncharged"] += count
    runs = Generation.objects.filter(batch__in=batches).values_list("batch_id")
    costs = dict(runs.annotate(cost=Sum("price")))
    return {
        batch.pk: _progress(batch, counts[batch.pk], costs.get(batch.pk, 0), now)
        for batch in batches
    }


def _progress(batch: Batch, counts: Counter[str], cost: int, now: datetime) -> Progress:
    state = _state(batch, counts)
    is_open = counts["uncharged"] and state != "cancelled"
    return Progress(
        state=state,
        total=batch.total,
        uncharged=counts["uncharged"],
        waiting=counts["queued"],
        running=counts["running"],
        succeeded=counts["succeeded"],
        failed=counts["failed"],
        cancelled=counts["cancelled"],
        cost=cost,
        remaining_cost=counts["uncharged"] * price_of_item(batch, now) if is_open else 0,
    )


def _state(batch: Batch, counts: Counter[str]) -> State:
    """After the merchant's word a batch runs; what is still uncharged then waits for the next one."""
    is_active = bool(counts["queued"] or counts["running"])
    if batch.cancelled_at is not None:
        return "cancelled"
    if not is_active and not counts["uncharged"]:
        return "finished"
    if batch.paused_at is not None:
        return "paused"
    if counts["uncharged"] and not (batch.resumed_at is not None and is_active):
        return "sample"
    return "running"


def price_of_item(batch: Batch, now: datetime) -> int:
    """What an uncharged item costs: for a day what it cost when the batch was made, unless less."""
    return held_price(batch, price_today(batch), now)


def price_today(batch: Batch) -> int:
    """What an item would cost if it was asked for now; as it was while nothing can run it."""
    route = health.route(batch.tool)
    if route.label is None:
        return batch.price
    variant = catalog.find_variant(batch.tool, resolution=batch.resolution or None)
    return quote.price_now(variant, route.label)


def held_price(batch: Batch, price: int, now: datetime) -> int:
    """The price of an uncharged item that would cost `price` if it was asked for now."""
    return min(batch.price, price) if now - batch.priced_at <= rules.PRICE_HOLDS else price


def get(account_id: int, batch_id: UUID | str) -> Batch:
    """A batch of this account; Batch.DoesNotExist for another's."""
    return Batch.objects.select_related("requested_by").get(account_id=account_id, pk=batch_id)


def find_by_key(account_id: int, key: str) -> Batch | None:
    """The batch that this idempotency key has made."""
    return Batch.objects.filter(account_id=account_id, key=key_digest(key)).first()
