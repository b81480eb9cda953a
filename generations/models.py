"""Runs of tools: what was asked for, what it cost, what came out."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Generation(models.Model):
    """One run. Its price, spend and request are fixed when it is asked for."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    class Outcome(models.TextChoices):
        NONE = "", _("Not known yet")
        DELIVERED = "delivered", _("Delivered")
        PLATFORM_ERROR = "platform_error", _("Platform error")
        PROVIDER_ERROR = "provider_error", _("AI provider failure")
        CONTENT_POLICY = "content_policy", _("Content policy")
        TIMEOUT = "timeout", _("Timeout")
        USER_CANCELLED = "user_cancelled", _("Cancelled during processing")
        CANCELLED_IN_QUEUE = "cancelled_in_queue", _("Cancelled before it began")
        INVALID_INPUT = "invalid_input", _("Invalid input")

    FINAL: ClassVar = (State.SUCCEEDED, State.FAILED, State.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey("credits.Account", models.PROTECT, related_name="generations")
    key = models.CharField(max_length=150)
    request_digest = models.CharField(max_length=64)
    tool = models.CharField(max_length=40)
    resolution = models.CharField(max_length=2, blank=True)
    seconds = models.PositiveSmallIntegerField(null=True)
    prompt = models.TextField(blank=True)
    product_id = models.CharField(max_length=100, blank=True)
    product_title = models.CharField(max_length=255, blank=True)
    price = models.PositiveIntegerField()
    spend = models.OneToOneField(
        "credits.LedgerEntry", models.PROTECT, null=True, related_name="generation"
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="generations"
    )
    surface = models.CharField(max_length=10)

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True)
    error = models.CharField(max_length=500, blank=True)
    engine = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=60, blank=True)
    label = models.CharField(max_length=10, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    enqueued_at = models.DateTimeField()
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "key"], name="generation_key"),
            models.CheckConstraint(
                condition=Q(spend__isnull=False) | Q(price=0), name="generation_paid_by_a_spend"
            ),
            models.CheckConstraint(
                condition=Q(state="succeeded", outcome="delivered")
                | Q(
                    state="failed",
                    outcome__in=[
                        "platform_error",
                        "provider_error",
                        "content_policy",
                        "timeout",
                        "invalid_input",
                    ],
                )
                | Q(state="cancelled", outcome__in=["user_cancelled", "cancelled_in_queue"])
                | Q(state__in=["queued", "running"], outcome=""),
                name="generation_outcome_matches_state",
            ),
            models.CheckConstraint(
                condition=Q(state="running", lease_until__isnull=False)
                | (~Q(state="running") & Q(lease_until__isnull=True)),
                name="generation_runs_under_a_lease",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-created_at", "-id"], name="generation_history"),
            models.Index(
                fields=["state"],
                name="generation_unfinished",
                condition=Q(state__in=["queued", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.id}"

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in self.FINAL

    @property
    def message(self) -> str:
        """What went wrong, in the language of whoever reads; empty when nothing did."""
        return gettext(self.error) if self.error else ""

    @property
    def plan_part(self) -> int:
        """What of the price plan credits paid. Reads the spend, so select it along."""
        return -self.spend.plan_delta if self.spend else 0

    @property
    def restored(self) -> int:
        """Credits of it that came back. Reads the spend's restoration, so select it along."""
        restoration = getattr(self.spend, "restoration", None) if self.spend else None
        return restoration.credits if restoration is not None else 0

    @property
    def package_part(self) -> int:
        """What of the price package credits paid. Reads the spend, so select it along."""
        return -self.spend.package_delta if self.spend else 0


class Picture(models.Model):
    """A stored picture of a run: what went in, or what came out."""

    class Role(models.TextChoices):
        INPUT = "input", _("Original")
        OUTPUT = "output", _("Result")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    generation = models.ForeignKey(Generation, models.CASCADE, related_name="pictures")
    role = models.CharField(max_length=6, choices=Role)
    position = models.PositiveSmallIntegerField(default=0)
    file = models.CharField(max_length=200)
    preview = models.CharField(max_length=200)
    media_type = models.CharField(max_length=40)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text=_("Bytes."))
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["generation", "role", "position"], name="picture_place"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.position} of {self.generation_id}"
