from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class WebhookDelivery(models.Model):
    """One webhook, stored once per X-Shopify-Webhook-Id and handled by a worker.

    `handled_at` is set on success only; until then the row is due again at `due_at`. Topic, domain
    and ids come from headers that nobody signed; only the body, and so `subject`, is Shopify's word.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook_id = models.CharField(max_length=100, unique=True)
    event_id = models.CharField(max_length=100, blank=True)
    topic = models.CharField(max_length=80)
    shop_domain = models.CharField(max_length=255, blank=True, help_text=_("From the header."))
    subject = models.CharField(
        max_length=255, blank=True, help_text=_("The store as the signed body names it.")
    )
    body = models.TextField(
        blank=True,
        help_text=_("Kept only when it did not fit its topic; emptied by redaction and with age."),
    )
    received_at = models.DateTimeField()
    triggered_at = models.CharField(max_length=40, blank=True)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    claim = models.CharField(max_length=32, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    handled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=200, blank=True)
    shop = models.ForeignKey(
        "shopify_auth.Shop",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="webhook_deliveries",
    )

    class Meta:
        verbose_name_plural = "webhook deliveries"
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"], name="webhook_unhandled", condition=Q(handled_at__isnull=True)
            ),
            models.Index(fields=["received_at"], name="webhook_received"),
            models.Index(
                fields=["subject"],
                name="webhook_unhandled_subject",
                condition=Q(handled_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.webhook_id}"
