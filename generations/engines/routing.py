"""Which engine runs which tool. There is never a silent step from one engine to another."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from generations.engines.base import Engine, PlatformError
from generations.engines.local.background_removal import BackgroundRemoval

_ROUTES: dict[str, Engine] = {"background-removal": BackgroundRemoval()}
_TITLES = {"local": gettext_lazy("Our server")}


def unavailable_reason(tool_slug: str) -> str | None:
    """Why the tool cannot be started now, as a sentence for the merchant; None when it can."""
    engine = _ROUTES.get(tool_slug)
    if engine is None:
        return _("This tool comes later. It cannot be started or charged yet.")
    return engine.unavailable_reason()


def is_routed(tool_slug: str) -> bool:
    """Whether there is an engine for the tool at all; it may still be unable to run now."""
    return tool_slug in _ROUTES


def get_engine(tool_slug: str) -> Engine:
    """The engine that runs the tool; PlatformError when there is none that can run now."""
    reason = unavailable_reason(tool_slug)
    if reason:
        raise PlatformError(reason)
    return _ROUTES[tool_slug]


def engine_title(name: str) -> str:
    """What merchants call the engine that a run names; empty while the run names none."""
    return str(_TITLES.get(name, name))
