from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from shopify_auth.encryption import EncryptedTextField


class OfflineToken(models.Model):
    """A store's offline access token with its refresh token, both encrypted.

    Written by `offline_tokens` alone, under the claim: whoever has set `claim` may ask Shopify for
    a new pair, and nobody holds a row lock while it answers. Times are real time.
    """

    class State(models.TextChoices):
        MISSING = "missing", _("Not obtained yet")
        ACTIVE = "active", _("Active")
        NEEDS_REOPEN = "needs_reopen", _("Merchant must open the app")

    shop = models.OneToOneField("shopify_auth.Shop", models.CASCADE, related_name="offline_token")
    state = models.CharField(max_length=12, choices=State, default=State.MISSING)
    access_token = EncryptedTextField(blank=True)
    refresh_token = EncryptedTextField(blank=True)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Empty for a token that does not expire.")
    )
    refresh_expires_at = models.DateTimeField(null=True, blank=True)
    refreshed_at = models.DateTimeField(null=True, blank=True)
    claim = models.CharField(max_length=32, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.shop}: {self.state}"

    def is_usable(self, at: datetime) -> bool:
        """Whether Shopify should still accept the access token at this instant."""
        return bool(self.access_token) and (self.expires_at is None or self.expires_at > at)
