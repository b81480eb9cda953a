"""What engines stand on, for staff: credentials, models, quota, weights, and how tools last failed.

Of a credential nothing is told but whether it is set. No provider is asked: `check_engines` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from generations.catalog import TOOLS
from generations.engines import routing
from generations.engines.google.engine import read_settings
from generations.engines.google.errors import MESSAGES
from generations.engines.local import weights
from generations.models import EngineDay, EngineHealth, EngineSwitch, Generation
from generations.runs.outages import health

LOOKED_BACK = timedelta(days=30)
# So many of the latest failures are read for each tool's last one.
_MOST_FAILURES = 2000
_MICRO = 1_000_000
_CREDENTIALS = ("GEMINI_API_KEY", "GOOGLE_CLOUD_PROJECT")


@dataclass(frozen=True, slots=True)
class Credential:
    """A setting that opens a provider, and whether it is set."""

    name: str
    is_set: bool


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model of Google's and what it is for; `is_used` says whether runs go to it now."""

    used_for: str
    model: str
    is_used: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """What a provider's engine has cost today, UTC, and the most that staff allow; both in USD."""

    engine: str
    spent: Decimal
    cap: Decimal | None


@dataclass(frozen=True, slots=True)
class Network:
    """A file of weights: bytes, and whether its SHA-256 is the one that belongs to its name."""

    name: str
    sha256: str
    size: int
    is_genuine: bool


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything at once; `quota_refused_at`: when a provider's quota last refused a run or an answer."""

    credentials: list[Credential]
    models: list[ModelUse]
    budgets: list[Budget]
    quota_refused_at: datetime | None
    weights: list[Network]


@dataclass(frozen=True, slots=True)
class ToolState:
    """What runs a tool now, or why nothing does, and the last failure of 30 days."""

    engine: str
    model: str
    label: str
    reason: str
    last_error: str
    last_error_at: datetime | None


def read(now: datetime | None = None) -> Setup:
    """How the engines are set up now."""
    now = timezone.now() if now is None else now
    return Setup(
        credentials=[Credential(name, bool(getattr(settings, name))) for name in _CREDENTIALS],
        models=_models(),
        budgets=_budgets(now),
        quota_refused_at=_quota_refused_at(now),
        weights=[_network(one) for one in weights.ALL],
    )


def read_tools(now: datetime | None = None) -> dict[str, ToolState]:
    """Every tool of the catalogue."""
    now = timezone.now() if now is None else now
    routes, errors = health.routes(), _last_errors(now)
    found = {}
    for slug in TOOLS:
        route = routes[slug]
        error, at = errors.get(slug, ("", None))
        found[slug] = ToolState(
            route.engine or routing.engine_name(slug), route.model, route.label or "",
            route.unavailable_reason or "", error, at,
        )  # fmt: skip
    return found


def _models() -> list[ModelUse]:
    google = read_settings()
    opened = google.has_key or google.has_cloud
    return [
        ModelUse("pictures", google.image_model, opened),
        ModelUse("texts", google.text_model, opened),
        ModelUse("videos by Google Cloud", google.veo_model, google.has_cloud),
        ModelUse("videos by API key", google.omni_model, google.has_key and not google.has_cloud),
    ]


def _budgets(now: datetime) -> list[Budget]:
    spent = dict(EngineDay.objects.filter(day=now.date()).values_list("engine", "spent"))
    caps = dict(EngineSwitch.objects.filter(tool="").values_list("engine", "daily_cap"))
    return [
        Budget(engine, Decimal(spent.get(engine, 0)) / _MICRO, caps.get(engine))
        for engine in sorted({"google", *spent, *caps} - {"local"})
    ]


def _quota_refused_at(now: datetime) -> datetime | None:
    refused = Generation.objects.filter(
        state=Generation.State.FAILED,
        finished_at__gte=now - LOOKED_BACK,
        error=MESSAGES["quota"],
    )
    at = refused.order_by("-finished_at").values_list("finished_at", flat=True).first()
    answers = EngineHealth.objects.filter(
        last_error=MESSAGES["quota"], last_error_at__gte=now - LOOKED_BACK
    )
    told = answers.order_by("-last_error_at").values_list("last_error_at", flat=True).first()
    return max(filter(None, (at, told)), default=None)


def _network(known: weights.Weights) -> Network:
    size = known.path.stat().st_size if known.path.is_file() else 0
    return Network(known.name, known.sha256, size, known.is_genuine())


def _last_errors(now: datetime) -> dict[str, tuple[str, datetime | None]]:
    failed = Generation.objects.filter(
        state=Generation.State.FAILED, finished_at__gte=now - LOOKED_BACK
    )
    rows = failed.order_by("-finished_at").values_list("tool", "error", "finished_at")
    found: dict[str, tuple[str, datetime | None]] = {}
    for tool, error, at in rows[:_MOST_FAILURES]:
        found.setdefault(tool, (error, at))
    # What is no run, such as an answer of the assistant, leaves its error here alone.
    told = EngineHealth.objects.filter(last_error_at__gte=now - LOOKED_BACK)
    for tool, error, at in told.values_list("tool", "last_error", "last_error_at"):
        found.setdefault(tool, (error, at))
    return found
