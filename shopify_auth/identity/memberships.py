"""Which account somebody on the web works in: the last one, of those they are a member of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, IntegerField, Value, When

from shopify_auth.models import Membership, Person

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def current(person: AbstractBaseUser | AnonymousUser) -> Membership | None:
    """The membership in the account they chose last, else in the one they joined first."""
    if not isinstance(person, Person):
        return None
    found = Membership.objects.select_related("account").filter(person=person)
    chosen = Case(
        When(account_id=person.last_account_id or 0, then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    return found.order_by(chosen, "joined_at", "pk").first()
