"""`/metrics` for Prometheus, by a token of its own. Figures are read when they are asked for."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ecomvance_app.http import public, unauthorized
from ecomvance_app.watching import operations


@public
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """404 without `METRICS_TOKEN`; 401 for whoever does not send it as a bearer token."""
    if not settings.METRICS_TOKEN:
        raise Http404
    sent = request.headers.get("Authorization", "")
    if not secrets.compare_digest(sent.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
        return unauthorized()
    registry = CollectorRegistry()
    registry.register(_Figures(operations.read()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Figures(Collector):
    def __init__(self, figures: operations.Figures) -> None:
        self.figures = figures

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every figure as a gauge."""
        yield from self._work()
        yield from self._tools()
        yield from self._signs()

    def _work(self) -> Iterator[GaugeMetricFamily]:
        figures = self.figures
        waiting = {
            **{f"runs_{state}": row for state, row in figures.runs.items()},
            "webhooks": figures.inbox,
            "restoration_cases": figures.open_cases,
        }
        yield _gauge(
            "waiting", "What waits, counted to a thousand.", "what",
            {name: row.count for name, row in waiting.items()},
        )  # fmt: skip
        yield _gauge(
            "oldest_seconds", "How long the oldest has waited.", "what",
            {name: row.seconds for name, row in waiting.items()},
        )  # fmt: skip
        yield _gauge("queue_messages", "Messages at the broker.", "queue", figures.queues or {})
        failed = figures.failed_webhooks
        yield GaugeMetricFamily("ecomvance_failed_webhooks", "Tried and not handled.", failed)
        if figures.ledger is not None:
            found = figures.ledger.found
            yield GaugeMetricFamily("ecomvance_ledger_problems", "Found by the last check.", found)
            age = (timezone.now() - figures.ledger.started_at).total_seconds()
            yield GaugeMetricFamily("ecomvance_ledger_check_seconds", "Age of that check.", age)

    def _tools(self) -> Iterator[GaugeMetricFamily]:
        seconds = GaugeMetricFamily(
            "ecomvance_run_seconds", "Of the latest delivered runs.", labels=["tool", "quantile"]
        )
        failures = GaugeMetricFamily(
            "ecomvance_failures_day", "Failed runs of 24 hours.", labels=["tool", "outcome"]
        )
        for tool in self.figures.tools:
            for name, value in (("0.5", tool.p50), ("0.9", tool.p90)):
                if value is not None:
                    seconds.add_metric([tool.slug, name], value)
            for outcome, count in tool.failures.items():
                failures.add_metric([tool.slug, outcome], count)
        paused = GaugeMetricFamily(
            "ecomvance_engine_paused", "Paused tools of engines.", labels=["engine", "tool"]
        )
        for row in self.figures.paused:
            paused.add_metric([row.engine, row.tool], 1)
        yield from (seconds, failures, paused)

    def _signs(self) -> Iterator[GaugeMetricFamily]:
        signs = self.figures.signs
        if signs is None:
            return
        seen = {f"worker:{name}": age for name, age in signs.workers.items()}
        if signs.beat is not None:
            seen["beat"] = signs.beat
        yield _gauge("last_sign_seconds", "Since beat and workers were seen.", "process", seen)
        yield _gauge("task_ended_seconds", "Since each sweep last ended.", "task", signs.tasks)


def _gauge(
    name: str, text: str, label: str, values: dict[str, int] | dict[str, float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"ecomvance_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
