"""Who is mailed about what."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from credits.models.accounts import Account
from credits.models.entries import LedgerEntry


class AlertRecipient(models.Model):
    """Who gets an account's mails, once they have agreed. Kept apart from the account: it is erased."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="alert_recipients")
    email = models.EmailField()
    enabled = models.BooleanField(default=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Until then it gets no mail but the one that asks.")
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "email"], name="alert_recipient_once"),
        ]

    def __str__(self) -> str:
        return self.email


class NoticeChoice(models.Model):
    """Whether an account wants mails of one kind. Without a row, as the table of kinds says."""

    class Kind(models.TextChoices):
        LOW = "low", _("Low credits")
        ZERO = "zero", _("No credits left")
        RUN_FAILED = "run_failed", _("Run failed")
        BATCH_DONE = "batch_done", _("Batch done")
        RENEWAL = "renewal", _("Renewal")
        CHARGE = "charge", _("Charge")
        TRIAL_END = "trial_end", _("End of the trial")
        APPROVAL = "approval", _("Approval asked for")
        EXPIRING = "expiring", _("Results that expire")

    account = models.ForeignKey(Account, models.CASCADE, related_name="notice_choices")
    kind = models.CharField(max_length=12, choices=Kind)
    is_on = models.BooleanField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "kind"], name="notice_choice_once"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.kind}: {self.is_on}"


class Notice(models.Model):
    """One mail to an account's addresses, once for its kind and key. Its words can be erased."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=12, choices=NoticeChoice.Kind)
    key = models.CharField(max_length=100, help_text=_("What it tells of, by an id of ours."))
    subject = models.CharField(max_length=200)
    text = models.TextField()
    path = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "kind", "key"], name="notice_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["created_at"], name="notice_unmailed", condition=Q(mailed_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.kind} {self.key}"


class LowCreditAlert(models.Model):
    """One crossing of the low-credit threshold, written in the transaction that crossed it."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="low_credit_alerts")
    entry = models.OneToOneField(LedgerEntry, models.PROTECT, related_name="+")
    threshold = models.PositiveIntegerField()
    remaining = models.PositiveBigIntegerField()
    created_at = models.DateTimeField()
    to_mail = models.BooleanField(help_text=_("The first crossing of its period."))
    mailed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.account_id}: {self.remaining} of {self.threshold}"
