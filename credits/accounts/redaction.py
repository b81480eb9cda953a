"""Forgetting who an account belongs to: names, addresses and free text go, the ledger stays.

Source: Shopify's documentation, "Privacy law compliance"; decisions on redaction.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import Model, QuerySet

from credits import staff_acts
from credits.models import Account, AlertRecipient, EntryNote, Notice, RestorationCase
from credits.models.corrections import Correction
from credits.staff_acts import StaffWords

# A decided case keeps that there was a reason, not what staff wrote about people.
ERASED_TEXT = "(erased)"
# Stands in what was written where a person's name or address was.
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


def redact_person(names: Collection[str], account_ids: Collection[int]) -> None:
    """Erase one person's addresses from all mails' recipients, and their names from what was written.

    `names` are their names and addresses. Looked through are these accounts' mails, the notes beside
    their entries, and what staff wrote of them.
    """
    for name in names:
        if "@" in name:
            AlertRecipient.objects.filter(email__iexact=name).delete()
    longest_first = sorted(filter(str.strip, names), key=len, reverse=True)
    if not longest_first:
        return
    # Addresses in any spelling, names as written and as words: "Al" does not go out of "Also".
    words = [f"(?i:{re.escape(n)})" if "@" in n else re.escape(n) for n in longest_first]
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)")
    written: list[tuple[QuerySet[Any], tuple[str, ...]]] = [
        (Notice.objects.filter(account_id__in=account_ids), ("text", "subject")),
        (EntryNote.objects.filter(entry__account_id__in=account_ids), ("text",)),
        (RestorationCase.objects.filter(account_id__in=account_ids), ("reason",)),
        (Correction.objects.filter(account_id__in=account_ids), ("words",)),
        (StaffWords.objects.filter(act__account_id__in=account_ids), ("text",)),
    ]
    for rows, columns in written:
        for row in rows.iterator():
            _redact(row, columns, pattern)


def _redact(row: Model, columns: Sequence[str], pattern: re.Pattern[str]) -> None:
    """Save the row where a name stood in one of its columns."""
    changed = []
    for column in columns:
        text = getattr(row, column)
        most = row._meta.get_field(column).max_length  # type: ignore[union-attr]  # A column's own.
        without = pattern.sub(_SOMEBODY, text)[:most]
        if without != text:
            setattr(row, column, without)
            changed.append(column)
    if changed:
        row.save(update_fields=changed)
