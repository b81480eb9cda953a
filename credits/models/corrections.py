"""What staff's larger acts leave behind: corrections with their reason, incidents and what they gave.

Django finds these models through `credits.models`.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Correction(models.Model):
    """An adjustment or a granted plan, as staff asked for it; above the limit it waits for a second person.

    `words` can be erased. `entry` is what came of it.
    """

    class Kind(models.TextChoices):
        ADJUST = "adjust", _("Balance adjust")
        GRANT = "grant", _("Granted plan")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits for a second person")
        WRITTEN = "written", _("Written")
        DECLINED = "declined", _("Declined")

    class Code(models.TextChoices):
        GOODWILL = "goodwill", _("Goodwill")
        OUR_ERROR = "our_error", _("An error of ours")
        BILLING = "billing", _("Put right after billing")
        PARTNER = "partner", _("Partner or press")
        MISUSE = "misuse", _("Misuse")
        TEST = "test", _("Test")

    account = models.ForeignKey("credits.Account", models.PROTECT, related_name="corrections")
    kind = models.CharField(max_length=6, choices=Kind)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    code = models.CharField(max_length=10, choices=Code)
    words = models.TextField(blank=True)
    bucket = models.CharField(max_length=7, blank=True)
    credits = models.BigIntegerField(help_text=_("Of a granted plan: its credits per period."))
    plan = models.ForeignKey(
        "credits.Plan", models.PROTECT, null=True, blank=True, related_name="+"
    )
    anchor = models.DateTimeField(null=True, blank=True)
    key = models.CharField(max_length=200, unique=True)
    asked_by = models.BigIntegerField()
    asked_at = models.DateTimeField()
    decided_by = models.BigIntegerField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    entry = models.ForeignKey(
        "credits.LedgerEntry", models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state="written", entry__isnull=False)
                | (~Q(state="written") & Q(entry__isnull=True)),
                name="correction_written_with_its_entry",
            ),
            models.CheckConstraint(
                condition=~Q(decided_by=models.F("asked_by")),
                name="correction_decided_by_a_second_person",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["asked_at"], name="correction_waiting", condition=Q(state="waiting")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.credits:+d}, account {self.account_id}"


class Incident(models.Model):
    """A failure of many runs that staff make good at once. Times are those at which runs ended.

    Empty `tool` or `engine` means all. `outcomes` are the kinds of failure that it covers.
    """

    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    tool = models.CharField(max_length=40, blank=True)
    engine = models.CharField(max_length=40, blank=True)
    outcomes = models.JSONField(default=list)
    words = models.CharField(
        max_length=300, help_text=_("Why, as it stands beside each entry. Merchants read it.")
    )
    made_by = models.BigIntegerField()
    made_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    key = models.CharField(max_length=200, unique=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(began_at__lt=models.F("ended_at")), name="incident_has_a_length"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M} to {self.ended_at:%H:%M}"


class IncidentRun(models.Model):
    """What an incident gave back for one run: once for ever, whatever incidents come later."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="runs")
    account = models.ForeignKey("credits.Account", models.PROTECT, related_name="incident_runs")
    spend = models.OneToOneField("credits.LedgerEntry", models.PROTECT, related_name="incident_run")
    entry = models.OneToOneField("credits.LedgerEntry", models.PROTECT, related_name="+")
    credits = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account", "-at"], name="incident_run_of_account"),
        ]

    def __str__(self) -> str:
        return f"{self.credits} for entry {self.spend_id}"
