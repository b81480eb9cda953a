"""What staff set of the product's limits."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class LimitSetting(models.Model):
    """Staff's word on one limit; without a row the environment's or the product's own holds."""

    class Name(models.TextChoices):
        ASSIST_QUESTIONS = "assist_questions", _("Questions to the assistant, an account and day")
        FREE_RUNS = "free_runs", _("Free sandbox runs, an account and day")

    name = models.CharField(max_length=40, choices=Name.choices, unique=True)
    value = models.PositiveIntegerField()
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
