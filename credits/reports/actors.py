"""Who caused entries, in words for staff: merchants' people and colleagues by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _


def names(actors: Iterable[str]) -> dict[str, str]:
    """The name of each actor, as `user:1`, `staff:2` and `system` are written; one query."""
    wanted = set(actors)
    ids = {number for actor in wanted if (number := _number(actor)) is not None}
    people = get_user_model().objects.in_bulk(ids)
    return {actor: _name(actor, people) for actor in wanted}


def _name(actor: str, people: Mapping[int, object]) -> str:
    number = _number(actor)
    if number is None:
        return _("Automatic")
    name = str(people.get(number) or _("somebody who was erased"))
    return _("%(name)s of our staff") % {"name": name} if actor.startswith("staff:") else name


def _number(actor: str) -> int | None:
    kind, _colon, number = actor.partition(":")
    return int(number) if kind in {"user", "staff"} and number.isdecimal() else None
