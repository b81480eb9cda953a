"""How engines do, tool by tool: what runs it, how long runs take, how they fail. For staff."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles

from django.utils import timezone

from generations.catalog import TOOLS
from generations.engines import routing
from generations.models import EngineHealth, Generation
from generations.runs.outages import health

LOOKED_BACK = timedelta(days=30)
# The latest runs of a tool are enough to say how long it takes.
_MOST_RUNS = 5000


@dataclass(frozen=True, slots=True)
class Standing:
    """One tool. `wanted` is the engine that it should go to; seconds are of delivered runs.

    `fault` says what an operator has to do; empty when the tool runs, or when no engine for it is
    asked for.
    """

    tool: str
    name: str
    wanted: str
    model: str
    label: str
    available: bool
    reason: str
    fault: str
    runs: int
    p50: float | None
    p90: float | None
    failures: dict[str, int]
    last_error: str
    last_error_at: datetime | None
    paused_at: datetime | None


def read(now: datetime | None = None) -> list[Standing]:
    """Every tool of the catalogue, in its order."""
    now = timezone.now() if now is None else now
    seconds, failures = _recent(now - LOOKED_BACK)
    healths = {(h.engine, h.tool): h for h in EngineHealth.objects.all()}
    routes = health.routes()
    found = []
    for slug, tool in TOOLS.items():
        route, wanted = routes[slug], routing.engine_name(slug)
        told = healths.get((wanted, slug))
        half, most = _percentiles(seconds[slug])
        found.append(
            Standing(
                tool=slug,
                name=tool.name,
                wanted=wanted,
                model=route.model,
                label=route.label or "",
                available=route.unavailable_reason is None,
                reason=route.unavailable_reason or "",
                fault=_fault(slug, told),
                runs=len(seconds[slug]),
                p50=half,
                p90=most,
                failures=dict(failures[slug]),
                last_error=told.last_error if told else "",
                last_error_at=told.last_error_at if told else None,
                paused_at=told.paused_at if told else None,
            )
        )
    return found


def _fault(slug: str, told: EngineHealth | None) -> str:
    if told and told.paused_at and told.fault:
        return told.fault
    return routing.what_to_set(slug) if _is_asked_for(slug) else ""


def _is_asked_for(slug: str) -> bool:
    """Whether the tool has an engine, or the operator has named one for it."""
    return routing.is_routed(slug) or routing.is_chosen(slug)


def _recent(since: datetime) -> tuple[dict[str, list[float]], dict[str, Counter[str]]]:
    seconds: dict[str, list[float]] = defaultdict(list)
    failures: dict[str, Counter[str]] = defaultdict(Counter)
    ended = Generation.objects.filter(finished_at__gte=since, started_at__isnull=False)
    rows = ended.order_by("-finished_at").values_list(
        "tool", "state", "outcome", "started_at", "finished_at"
    )
    for tool, state, outcome, started, finished in rows[:_MOST_RUNS]:
        if state == Generation.State.SUCCEEDED and started and finished:
            seconds[tool].append((finished - started).total_seconds())
        elif state == Generation.State.FAILED:
            failures[tool][outcome] += 1
    return seconds, failures


def _percentiles(seconds: list[float]) -> tuple[float | None, float | None]:
    if len(seconds) < 2:
        only = seconds[0] if seconds else None
        return only, only
    tenths = quantiles(seconds, n=10, method="inclusive")
    return tenths[4], tenths[8]
