"""Which engine runs which tool. There is never a silent step from one engine to another."""

from __future__ import annotations

from django.utils.translation import gettext as _

from generations.engines.base import Engine, PlatformError
from generations.engines.local import BackgroundRemoval

_ROUTES: dict[str, Engine] = {"background-removal": BackgroundRemoval()}


def unavailable_reason(tool_slug: str) -> str | None:
    """Why the tool cannot be started now, as a sentence for the merchant; None when it can."""
    engine = _ROUTES.get(tool_slug)
    if engine is None:
        return _("This tool comes later. It cannot be started or charged yet.")
    return engine.unavailable_reason()


def get_engine(tool_slug: str) -> Engine:
    """The engine that runs the tool; PlatformError when there is none that can run now."""
    reason = unavailable_reason(tool_slug)
    if reason:
        raise PlatformError(reason)
    return _ROUTES[tool_slug]
