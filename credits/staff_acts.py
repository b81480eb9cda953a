"""The record of what staff did: one row for each act, only ever added.

A row holds ids and codes. What people wrote goes into a table of its own, so that it can be erased
while the act stays. Whoever acts records it in the transaction of the act itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class StaffAct(models.Model):
    """One act. `subject` and `subject_id` name what it was done to, as "app.model" and its key."""

    at = models.DateTimeField(help_text=_("Real time."))
    staff_id = models.BigIntegerField(
        null=True, blank=True, help_text=_("Empty for a command run on the server.")
    )
    act = models.CharField(max_length=60)
    subject = models.CharField(max_length=80)
    subject_id = models.CharField(max_length=64)
    account_id = models.BigIntegerField(null=True, blank=True)
    changed = models.JSONField(default=list, help_text=_("Names of fields, never what is in them."))

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["subject", "subject_id"], name="staff_act_subject"),
            models.Index(fields=["account_id"], name="staff_act_account"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.subject} {self.subject_id}"


class StaffWords(models.Model):
    """What somebody wrote beside an act. Erased when the account or the person is forgotten."""

    act = models.OneToOneField(StaffAct, models.PROTECT, related_name="words")
    text = models.TextField()

    def __str__(self) -> str:
        return self.text


def record(
    staff_id: int | None,
    act: str,
    subject: models.Model,
    *,
    account_id: int | None = None,
    changed: Sequence[str] = (),
    words: str = "",
) -> StaffAct:
    """Write an act down; `staff_id` is None for a command run on the server."""
    written = StaffAct.objects.create(
        at=timezone.now(),
        staff_id=staff_id,
        act=act,
        subject=subject._meta.label_lower,
        subject_id=str(subject.pk),
        account_id=account_id,
        changed=list(changed),
    )
    if words.strip():
        StaffWords.objects.create(act=written, text=words.strip())
    return written


def record_all(
    staff_id: int | None, act: str, subjects: Iterable[models.Model], *, words: str = ""
) -> None:
    """Write the same act down for each of several subjects."""
    for subject in subjects:
        record(staff_id, act, subject, words=words)


def is_recorded(act: str, subject: models.Model) -> bool:
    """Whether this act on this subject was written down before."""
    acts = StaffAct.objects.filter(subject=subject._meta.label_lower, subject_id=str(subject.pk))
    return acts.filter(act=act).exists()


def forget_words(account_id: int | None = None, people: Sequence[int] = ()) -> int:
    """Erase what was written beside acts on an account or on people; returns how much it was."""
    about_people = Q(
        act__subject="shopify_auth.person", act__subject_id__in=[str(pk) for pk in people]
    )
    about = about_people if account_id is None else about_people | Q(act__account_id=account_id)
    return StaffWords.objects.filter(about).delete()[0]
