"""What merchants report of their runs, for staff to look into."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ProblemReport(models.Model):
    """A merchant's word that something is wrong with a run, one that is open for each run.

    `facts` holds what staff would otherwise have to ask for: how the run stood at that moment, what it
    was asked for, its files, and where it was reported from. `words` is empty when nothing was typed.
    """

    account = models.ForeignKey("credits.Account", models.PROTECT, related_name="problem_reports")
    generation = models.ForeignKey(
        "generations.Generation", models.PROTECT, related_name="problem_reports"
    )
    reported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    words = models.TextField(blank=True)
    facts = models.JSONField(default=dict)
    reported_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["generation"],
                condition=Q(closed_at__isnull=True),
                name="one_open_problem_of_a_run",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["reported_at"], name="problem_open", condition=Q(closed_at__isnull=True)
            ),
        ]
        verbose_name = _("problem report")
        verbose_name_plural = _("problem reports")

    def __str__(self) -> str:
        return f"Problem with run {self.generation_id}"
