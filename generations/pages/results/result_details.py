"""What a run's page tells beside the result: its settings, its course, until when it is kept."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from generations import catalog
from generations.models import Generation
from generations.options import Option
from generations.pages.results import truth_words
from generations.results import again, problems, retention
from generations.words.fitting import clipped

# A present description is a page of its own; its beginning tells which one it is.
_MOST_SHOWN = 300


def read(generation: Generation) -> dict[str, Any]:
    """The template's context for it."""
    return {
        "again_price": again.price(generation) if generation.is_final else None,
        "again_key": uuid.uuid4().hex,
        "chosen": _settings(generation),
        "timeline": timeline(generation),
        "kept_until": retention.kept_until(generation),
        "problem": problems.find_open(generation),
        "truth": truth_words.read(generation.truth),
    }


def _settings(generation: Generation) -> list[tuple[str, str]]:
    """What was asked for besides the picture, as the tool's page called it."""
    asked: list[tuple[str, str]] = []
    if generation.resolution:
        asked.append((_("Resolution"), generation.resolution))
    if generation.seconds:
        asked.append((_("Length"), _("%(seconds)s s") % {"seconds": generation.seconds}))
    if generation.prompt:
        is_data = catalog.TOOLS[generation.tool].sources.product_data
        name = _("Details of the product") if is_data else _("Prompt")
        asked.append((name, generation.prompt))
    for option in catalog.TOOLS[generation.tool].options:
        value = generation.options.get(option.name)
        if value not in (None, ""):
            asked.append((str(option.title), clipped(_shown(option, value), _MOST_SHOWN)))
    return asked


def _shown(option: Option, value: object) -> str:
    if option.kind == "boolean":
        return _("Yes") if value else _("No")
    titles = {choice.value: str(choice.title) for choice in option.choices}
    return titles.get(str(value), str(value))


def timeline(generation: Generation) -> list[tuple[str, datetime]]:
    """What happened to a run and when, oldest first."""
    restoration = getattr(generation.spend, "restoration", None) if generation.spend else None
    happened = [
        (_("Asked for"), generation.created_at),
        (_("Work began"), generation.started_at),
        (str(generation.get_state_display()), generation.finished_at),
        (_("Credits restored"), restoration.created_at if restoration else None),
        (_("You were told that it expires"), generation.expiry_told_at),
        (_("Images deleted, as kept no longer"), generation.emptied_at),
    ]
    known = [(words, at) for words, at in happened if at is not None]
    if not generation.is_final:
        known = [(words, at) for words, at in known if at != generation.finished_at]
    return sorted(known, key=lambda one: one[1])
