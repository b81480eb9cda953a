"""Which engine runs which tool. There is never a silent step from one engine to another.

What staff name for a tool has the last word, then the setting `TOOL_ENGINES`. Without either a tool
goes to Google where its credentials are set and Google can do it, except the three that stay on this
machine: Google's models return no transparency and may repaint a product and its
label. Source: decisions on engines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from generations.catalog import TOOLS
from generations.engines import choices, registry
from generations.engines.base import Engine, Label, PlatformError

STAYS_LOCAL = frozenset({"background-removal", "ai-shadowing", "image-enhance"})
_TITLES = {"local": gettext_lazy("Our server"), "google": gettext_lazy("Google")}


@dataclass(frozen=True, slots=True)
class Route:
    """What runs a tool now; `engine` is empty where there is nothing to run it.

    `unavailable_reason` is a sentence for the merchant, None when the tool can be started.
    """

    engine: str
    model: str = ""
    label: Label | None = None
    unavailable_reason: str | None = None


def route(tool_slug: str, chosen: Mapping[str, str] | None = None) -> Route:
    """Where a run of this tool would go now; `chosen` as `choices.engines` reads it."""
    name = engine_name(tool_slug, chosen)
    engine = registry.find(name, tool_slug)
    if engine is None:
        return Route("", unavailable_reason=_missing(tool_slug, name))
    reason = engine.unavailable_reason(tool_slug)
    return Route("" if reason else name, engine.model(tool_slug), engine.label(tool_slug), reason)


def engine_name(tool_slug: str, chosen: Mapping[str, str] | None = None) -> str:
    """The engine that the operator, or else the default, names for this tool."""
    named = (choices.engines() if chosen is None else chosen).get(tool_slug)
    return named or default_engine(tool_slug)


def default_engine(tool_slug: str) -> str:
    """The engine of a tool for which the operator names none."""
    has_google = tool_slug in registry.GOOGLE and tool_slug not in STAYS_LOCAL
    return "google" if has_google and has_google_credentials() else "local"


def has_google_credentials() -> bool:
    """Whether the operator has set a key or a project of Google's."""
    return bool(settings.GEMINI_API_KEY or settings.GOOGLE_CLOUD_PROJECT)


def unavailable_reason(tool_slug: str) -> str | None:
    """Why the tool cannot be started now, as a sentence for the merchant; None when it can."""
    return route(tool_slug).unavailable_reason


def is_routed(tool_slug: str) -> bool:
    """Whether there is an engine for the tool at all; it may still be unable to run now."""
    return registry.find(engine_name(tool_slug), tool_slug) is not None


def is_chosen(tool_slug: str) -> bool:
    """Whether the operator has named an engine for the tool."""
    return tool_slug in choices.engines()


def get_engine(tool_slug: str, name: str = "") -> Engine:
    """The engine that runs the tool, or the one of that name; PlatformError when it cannot run now."""
    engine = registry.find(name or engine_name(tool_slug), tool_slug)
    reason = engine.unavailable_reason(tool_slug) if engine else unavailable_reason(tool_slug)
    if engine is None or reason:
        raise PlatformError(reason or _missing(tool_slug, name))
    return engine


def deadline_seconds(tool_slug: str, engine: str) -> float:
    """How long one run may take, in seconds: of this tool, else as the engine's runs of its kind."""
    for name in (f"{tool_slug}:{engine or 'local'}", f"{TOOLS[tool_slug].output}:{engine}", engine):
        if name in settings.RUN_DEADLINES:
            return float(settings.RUN_DEADLINES[name])
    return float(settings.RUN_DEADLINES["local"])


def engine_title(name: str) -> str:
    """What merchants call the engine that a run names; empty while the run names none."""
    return str(_TITLES.get(name, name))


def what_to_set(tool_slug: str, name: str = "") -> str:
    """What the operator has to set so that the tool runs, with the engine of that name; empty when it does."""
    name = name or engine_name(tool_slug)
    if route(tool_slug, {tool_slug: name}).engine:
        return ""
    if name == "google" and not has_google_credentials():
        return "Set GEMINI_API_KEY, or GOOGLE_CLOUD_PROJECT with credentials of Google Cloud."
    engine = registry.find(name, tool_slug)
    if engine is not None:
        return "See the log for what is missing."
    if tool_slug in registry.GOOGLE and name != "google":
        return f"Set GEMINI_API_KEY and TOOL_ENGINES={tool_slug}=google."
    return f"No engine named {name} runs {tool_slug}: name another one."


def _missing(tool_slug: str, name: str) -> str:
    if tool_slug in registry.GOOGLE or tool_slug in registry.LOCAL:
        return _("This tool is switched off for now. Our staff can switch it on.")
    return _("This tool comes later.")
