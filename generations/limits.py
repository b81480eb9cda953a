"""Limits for every account: what staff set of them, else the environment's or the product's own."""

from __future__ import annotations

from django.conf import settings

from credits.request_memory import remembered
from generations.models import LimitSetting

Name = LimitSetting.Name
# Sandbox renders cost nothing. Source: decisions on engines.
FREE_RUNS_A_DAY = 20
# The least and the most that staff may set.
RANGES: dict[str, tuple[int, int]] = {Name.ASSIST_QUESTIONS: (1, 10_000), Name.FREE_RUNS: (0, 1000)}


def default(name: str) -> int:
    """The limit where staff have set none."""
    own = {
        Name.ASSIST_QUESTIONS: settings.ASSIST_QUESTIONS_PER_DAY,
        Name.FREE_RUNS: FREE_RUNS_A_DAY,
    }
    return int(own[Name(name)])


def value(name: str) -> int:
    """The limit that holds now."""
    return remembered("limits", _read).get(name, default(name))


def _read() -> dict[str, int]:
    return dict(LimitSetting.objects.values_list("name", "value"))
