"""Which engines the operator names: rows of staff over the setting TOOL_ENGINES."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from credits.request_memory import remembered
from generations.models import EngineRoute


def engines() -> Mapping[str, str]:
    """The engine that is named for each tool; tools of which nobody says anything are absent."""
    named: dict[str, str] = settings.TOOL_ENGINES
    return named | remembered("engine routes", _read)


def _read() -> dict[str, str]:
    return dict(EngineRoute.objects.values_list("tool", "engine"))
