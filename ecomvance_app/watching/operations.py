"""How the product does, in figures: for the staff's page and for `/metrics`.

Every figure comes by an index or from a bounded number of rows, so that asking costs the same with
millions of runs. Times are real time.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import quantiles
from typing import Any

import redis
from django.conf import settings
from django.db.models import Count, Min
from django.utils import timezone

from credits.models import Plan
from credits.outcomes import cases
from credits.reports import for_staff
from ecomvance_app.watching import heartbeats
from generations.catalog import TOOLS
from generations.models import EngineHealth, Generation, UsagePrice
from shopify_auth.models import WebhookDelivery

ERRORS_OVER = timedelta(hours=24)
# The latest delivered runs of each tool say how long it takes and what it costs.
SAMPLE = 200
_MOST = 1000


@dataclass(frozen=True, slots=True)
class ToolFigures:
    """One tool: seconds of its latest delivered runs, failures of a day by kind, margin in USD.

    `earned` values the credits of the sample at the cheapest plan's price of a credit, `cost` is what
    the provider's usage costs by the price table; both are of the sample.
    """

    slug: str
    name: str
    runs: int
    p50: float | None
    p90: float | None
    failures: dict[str, int]
    earned: Decimal
    cost: Decimal

    @property
    def margin(self) -> Decimal:
        """Earned less cost."""
        return self.earned - self.cost

    @property
    def failed(self) -> int:
        """Failures of a day, of every kind."""
        return sum(self.failures.values())


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait, counted to a thousand, and since when the oldest does."""

    count: int
    oldest: datetime | None

    @property
    def seconds(self) -> float:
        """How long the oldest has waited."""
        return (timezone.now() - self.oldest).total_seconds() if self.oldest else 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything at once. `queues` are messages at the broker, None when it cannot be asked."""

    tools: list[ToolFigures]
    paused: list[EngineHealth]
    runs: dict[str, Waiting]
    inbox: Waiting
    failed_webhooks: int
    open_cases: Waiting
    queues: dict[str, int] | None
    signs: heartbeats.Heartbeats | None
    ledger: for_staff.LastCheck | None


def read() -> Figures:
    """The figures as they are now."""
    unhandled = WebhookDelivery.objects.filter(handled_at=None)
    count, oldest = cases.waiting(_MOST)
    return Figures(
        tools=_tools(),
        paused=list(EngineHealth.objects.exclude(paused_at=None).order_by("paused_at")),
        runs={state: _runs(state) for state in ("queued", "running")},
        inbox=_waiting(unhandled, "received_at"),
        failed_webhooks=unhandled.filter(attempts__gt=0)[:_MOST].count(),
        open_cases=Waiting(count, oldest),
        queues=_queues(),
        signs=_signs(),
        ledger=for_staff.last_check(),
    )


def _runs(state: str) -> Waiting:
    return _waiting(Generation.objects.filter(state=state), "created_at")


def _waiting(rows: Any, since: str) -> Waiting:
    found = rows.aggregate(oldest=Min(since))
    return Waiting(rows.order_by()[:_MOST].count(), found["oldest"])


def _tools() -> list[ToolFigures]:
    failures = _failures()
    prices = {(p.engine, p.model, p.unit): p.micro_usd for p in UsagePrice.objects.all()}
    usd = _usd_of_a_credit()
    return [_tool(slug, failures[slug], prices, usd) for slug in TOOLS]


def _tool(
    slug: str,
    failures: dict[str, int],
    prices: dict[tuple[str, str, str], Decimal],
    usd: Decimal,
) -> ToolFigures:
    delivered = Generation.objects.filter(tool=slug, state=Generation.State.SUCCEEDED)
    rows = list(
        delivered.order_by("-created_at").values_list(
            "started_at", "finished_at", "price", "engine", "model", "usage"
        )[:SAMPLE]
    )
    seconds = [(end - start).total_seconds() for start, end, *_rest in rows if start and end]
    micro = Decimal()
    for *_rest, engine, model, usage in rows:
        for unit, units in usage.items():
            micro += Decimal(str(units)) * prices.get((engine, model, unit), Decimal())
    half, most = _percentiles(seconds)
    return ToolFigures(
        slug, str(TOOLS[slug].name), len(rows), half, most, failures,
        earned=_cents(usd * sum(row[2] for row in rows)), cost=_cents(micro / 1_000_000),
    )  # fmt: skip


def _failures() -> dict[str, dict[str, int]]:
    since = timezone.now() - ERRORS_OVER
    failed = Generation.objects.filter(state=Generation.State.FAILED, finished_at__gte=since)
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for tool, outcome, count in (
        failed.values_list("tool", "outcome").annotate(Count("pk")).order_by("tool", "outcome")
    ):
        found[tool][outcome] = count
    return found


def _usd_of_a_credit() -> Decimal:
    """What a credit brings at least: the largest plan's price by its credits."""
    prices = [plan.price_usd / plan.credits for plan in Plan.objects.filter(on_sale=True)]
    return min(prices, default=Decimal())


def _cents(usd: Decimal) -> Decimal:
    return usd.quantize(Decimal("0.01"))


def _percentiles(seconds: list[float]) -> tuple[float | None, float | None]:
    if len(seconds) < 2:
        only = seconds[0] if seconds else None
        return only, only
    tenths = quantiles(seconds, n=10, method="inclusive")
    return tenths[4], tenths[8]


def _queues() -> dict[str, int] | None:
    """Messages in each queue, of a broker that is Redis."""
    if not settings.CELERY_BROKER_URL.startswith("redis"):
        return None
    names = [str(queue.name) for queue in settings.CELERY_TASK_QUEUES]
    try:
        with redis.Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=0.25) as client:
            return {name: int(client.llen(name)) for name in names}
    except redis.RedisError:
        return None


def _signs() -> heartbeats.Heartbeats | None:
    try:
        return heartbeats.read()
    except redis.RedisError:
        return None
