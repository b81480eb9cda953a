"""The erasure of one person, by staff: everything that names them goes, their accounts stay."""

from __future__ import annotations

from django.db import transaction

from credits import staff_acts
from credits.accounts import redaction
from shopify_auth.models import Invitation, Membership, Person, Shop


def erase(person: Person) -> None:
    """Delete a person and what names them elsewhere: invitations, mail addresses, mails, staff's words.

    What they made stays with its account and says no longer by whom.
    """
    with transaction.atomic():
        invited = Invitation.objects.filter(email__iexact=person.email or "")
        accounts = {
            *Membership.objects.filter(person=person).values_list("account_id", flat=True),
            *invited.values_list("account_id", flat=True),
            *Shop.objects.filter(staff__person=person, account__isnull=False).values_list(
                "account_id", flat=True
            ),
        }
        redaction.redact_person(person.name, person.email or "", accounts)
        invited.delete()
        staff_acts.forget_words(people=[person.pk])
        person.delete()
