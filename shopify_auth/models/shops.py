from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Shop(models.Model):
    """A Shopify store and the account it draws on. One row per domain, for life."""

    class State(models.TextChoices):
        INSTALLED = "installed", _("Installed")
        UNINSTALLED = "uninstalled", _("Uninstalled")
        REDACTED = "redacted", _("Redacted")

    domain = models.CharField(max_length=255, unique=True)
    account = models.ForeignKey("credits.Account", models.PROTECT, related_name="shops")
    state = models.CharField(max_length=12, choices=State, default=State.INSTALLED)
    name = models.CharField(max_length=200, blank=True)
    installed_at = models.DateTimeField()
    uninstalled_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.domain
