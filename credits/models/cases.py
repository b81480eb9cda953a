"""What becomes of credits when a run ends, and the cases that staff decide."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from credits.models.accounts import Account
from credits.models.entries import LedgerEntry


class OutcomeRule(models.Model):
    """What becomes of the credits for each way a run can end. Seeded from the product document.

    Source: "Credit Restoration Eligibility". An operator may set platform errors to `automatic`.
    """

    class Policy(models.TextChoices):
        CONSUMED = "consumed", _("Credits are used")
        CASE = "case", _("Staff decide")
        AUTOMATIC = "automatic", _("Restored at once")
        RETURNED = "returned", _("Given back: no processing had begun")
        KEPT = "kept", _("Not restored")

    outcome = models.CharField(max_length=30, unique=True)
    policy = models.CharField(max_length=10, choices=Policy)
    rule = models.CharField(max_length=200, help_text=_("The document's row, shown to merchants."))

    def __str__(self) -> str:
        return self.outcome


class RestorationCase(models.Model):
    """A platform error that took credits: staff approve or decline the restoration, once."""

    class State(models.TextChoices):
        OPEN = "open", _("Waiting for a decision")
        APPROVED = "approved", _("Restored")
        DECLINED = "declined", _("Declined")

    account = models.ForeignKey(Account, models.PROTECT, related_name="restoration_cases")
    spend = models.OneToOneField(LedgerEntry, models.PROTECT, related_name="case")
    outcome = models.CharField(max_length=30)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    opened_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reason = models.TextField(blank=True)
    restoration = models.OneToOneField(
        LedgerEntry, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state="open", decided_at__isnull=True)
                | (~Q(state="open") & Q(decided_at__isnull=False) & ~Q(reason="")),
                name="case_decision_has_time_and_reason",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["opened_at"], name="case_open", condition=Q(state="open")),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} of entry {self.spend_id}: {self.state}"
