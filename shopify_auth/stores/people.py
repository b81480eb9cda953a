"""The erasure of one person, by staff: everything that names them goes, their accounts stay."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Q

from credits import staff_acts
from credits.accounts import redaction
from shopify_auth.models import Invitation, Membership, Person, Shop


def erase(person: Person) -> None:
    """Delete a person and what names them elsewhere: invitations, mail addresses, mails, staff's words.

    Found are the names and addresses that they have or had, as they were written, in what belongs to
    their accounts. What they made stays with its account and says no longer by whom.
    """
    with transaction.atomic():
        names = {person.name, person.email or "", person.emptied_email, *person.former_names}
        addresses = (Q(email__iexact=name) for name in names if "@" in name)
        invited = Invitation.objects.filter(reduce(or_, addresses, Q(pk=None)))
        accounts = {
            *Membership.objects.filter(person=person).values_list("account_id", flat=True),
            *invited.values_list("account_id", flat=True),
            *Shop.objects.filter(staff__person=person, account__isnull=False).values_list(
                "account_id", flat=True
            ),
        }
        redaction.redact_person(names, accounts)
        invited.delete()
        staff_acts.forget_words(people=[person.pk])
        person.delete()
