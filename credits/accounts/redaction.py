"""Forgetting who an account belongs to: names, addresses and free text go, the ledger stays.

Source: Shopify's documentation, "Privacy law compliance"; decisions on redaction.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q

from credits import staff_acts
from credits.models import Account, AlertRecipient, EntryNote, Notice, RestorationCase
from credits.models.corrections import Correction

# A decided case keeps that there was a reason, not what staff wrote about people.
ERASED_TEXT = "(erased)"
# Stands in a mail that was sent where a person's name or address was.
_SOMEBODY = "(somebody)"


def redact_account(account_id: int) -> dict[str, int]:
    """Erase everything that names somebody; returns how much of what. Entries are never touched."""
    recipients = AlertRecipient.objects.filter(account_id=account_id)
    notes = EntryNote.objects.filter(entry__account_id=account_id)
    decided = RestorationCase.objects.filter(account_id=account_id).exclude(reason="")
    corrected = Correction.objects.filter(account_id=account_id).exclude(words="")
    counts = {
        "mail addresses": recipients.delete()[0],
        "mails": Notice.objects.filter(account_id=account_id).delete()[0],
        "notes": notes.delete()[0],
        "reasons": decided.update(reason=ERASED_TEXT) + corrected.update(words=""),
        "words of staff": staff_acts.forget_words(account_id),
    }
    Account.objects.filter(pk=account_id).update(name="")
    return counts


def redact_person(name: str, email: str, account_ids: Collection[int]) -> None:
    """Erase one person's address from all mails' recipients, and their names from these accounts' mails."""
    if email:
        AlertRecipient.objects.filter(email__iexact=email).delete()
    notices = Notice.objects.filter(account_id__in=account_ids)
    for word in filter(None, (name, email)):
        for notice in notices.filter(Q(text__contains=word) | Q(subject__contains=word)):
            notice.text = notice.text.replace(word, _SOMEBODY)
            notice.subject = notice.subject.replace(word, _SOMEBODY)[:200]
            notice.save(update_fields=["text", "subject"])
