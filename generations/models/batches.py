"""Batches: many products with one look, each an item that becomes a run when it is charged."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Batch(models.Model):
    """1 to 50 items of one tool with the same settings.

    `price` is what one item costs, as it was at `priced_at`. With `three_first` the items behind the
    first three wait for the merchant's word, whose last one came at `resumed_at`. Which state a
    batch is in follows from its items (`generations.runs.batches.progress`).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey("credits.Account", models.PROTECT, related_name="batches")
    key = models.CharField(
        max_length=64, help_text=_("A digest of the idempotency key; its text is not kept.")
    )
    tool = models.CharField(max_length=40)
    resolution = models.CharField(max_length=2, blank=True)
    prompt = models.TextField(blank=True)
    options = models.JSONField(default=dict, blank=True)
    three_first = models.BooleanField(default=False)
    total = models.PositiveSmallIntegerField()
    price = models.PositiveIntegerField()
    priced_at = models.DateTimeField()
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    surface = models.CharField(max_length=10)
    mail_when_done = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    resumed_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True, help_text=_("When its end was told."))

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "key"], name="batch_key"),
            models.CheckConstraint(
                condition=Q(paused_at__isnull=True) | Q(cancelled_at__isnull=True),
                name="batch_paused_or_cancelled",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-created_at", "-id"], name="batch_history"),
            models.Index(
                fields=["created_at"],
                name="batch_open",
                condition=Q(cancelled_at__isnull=True),
            ),
        ]
        verbose_name = _("batch")
        verbose_name_plural = _("batches")

    def __str__(self) -> str:
        return f"{self.total} x {self.tool} {self.id}"


class BatchItem(models.Model):
    """One product or upload of a batch. `run` is its newest run, once it was charged.

    Until then its clean picture is kept here; with the charge the file becomes the run's.
    """

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField(help_text=_("From 1 on."))
    product_id = models.CharField(max_length=100, blank=True)
    photo_id = models.CharField(max_length=100, blank=True)
    title = models.CharField(max_length=255, blank=True)
    name = models.CharField(max_length=255, blank=True)
    file = models.CharField(max_length=200, blank=True)
    preview = models.CharField(max_length=200, blank=True)
    media_type = models.CharField(max_length=40, blank=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    size = models.PositiveIntegerField(null=True, help_text=_("Bytes."))
    sha256 = models.CharField(max_length=64, blank=True)
    request_digest = models.CharField(max_length=70)
    run = models.OneToOneField(
        "generations.Generation", models.PROTECT, null=True, related_name="batch_item"
    )
    charges = models.PositiveSmallIntegerField(default=0, help_text=_("Runs made so far."))

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["batch", "position"], name="batch_item_place"),
            models.CheckConstraint(
                condition=Q(run__isnull=True, charges=0) | Q(run__isnull=False, charges__gt=0),
                name="batch_item_run_when_charged",
            ),
        ]

    def __str__(self) -> str:
        return f"item {self.position} of {self.batch_id}"


class BatchCharge(models.Model):
    """An idempotency key that has charged items of a batch after it was made: resumed or tried again."""

    class Verb(models.TextChoices):
        RESUME = "resume", _("Resumed")
        RETRY = "retry", _("Tried again")

    account = models.ForeignKey("credits.Account", models.PROTECT, related_name="+")
    key = models.CharField(
        max_length=64, help_text=_("A digest of the idempotency key; its text is not kept.")
    )
    batch = models.ForeignKey(Batch, models.CASCADE, related_name="later_charges")
    verb = models.CharField(max_length=6, choices=Verb)
    count = models.PositiveSmallIntegerField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "key"], name="batch_charge_key")
        ]

    def __str__(self) -> str:
        return f"{self.verb} of {self.batch_id}"
