"""Names for the opaque actors that ledger entries keep: people can be erased, entries cannot."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

_PERSON = "user:"


def person_names(actors: Collection[str]) -> dict[str, str]:
    """A name for each actor, in one query: a person, someone erased, our staff, or the system."""
    ids = {int(actor[len(_PERSON) :]) for actor in actors if _is_person(actor)}
    people = get_user_model().objects.in_bulk(ids)
    return {actor: _name(actor, people) for actor in actors}


def _is_person(actor: str) -> bool:
    return actor.startswith(_PERSON) and actor[len(_PERSON) :].isdecimal()


def _name(actor: str, people: Mapping[int, object]) -> str:
    if _is_person(actor):
        person = people.get(int(actor[len(_PERSON) :]))
        return str(person) if person is not None else _("Former staff")
    if actor.startswith("staff:"):
        return _("ecomVance staff")
    return _("Automatic")
