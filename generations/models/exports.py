"""All of an account's data in one file, made by a worker and kept for a day."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class DataExport(models.Model):
    """One zip of an account's ledger, runs and files. `file` is there until `expires_at`.

    `tried_at` is when a worker last began; one that has died is found by it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Being made")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Expired")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey("credits.Account", models.PROTECT, related_name="data_exports")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    file = models.CharField(max_length=200, blank=True)
    size = models.PositiveBigIntegerField(null=True, help_text=_("Bytes."))
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account"], name="data_export_one_waits", condition=Q(state="waiting")
            ),
            models.CheckConstraint(
                condition=(Q(state="ready", expires_at__isnull=False) & ~Q(file=""))
                | (~Q(state="ready") & Q(file="")),
                name="data_export_has_its_file",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-created_at"], name="data_export_list"),
            models.Index(
                fields=["state"],
                name="data_export_open",
                condition=Q(state__in=["waiting", "ready"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.created_at:%Y-%m-%d} {self.state}"
