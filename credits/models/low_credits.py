"""At how many credits an account is warned that has not chosen a threshold of its own."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

# Source: decisions on credits, "Low credits".
SHARE, LEAST = 10, 50


class LowCreditDefault(models.Model):
    """The one row of the default, edited by staff; every account keeps what it makes of its plan.

    The last four columns say how far a change has come through the accounts.
    """

    share = models.PositiveSmallIntegerField(
        _("share of the plan"),
        default=SHARE,
        validators=[MaxValueValidator(100)],
        help_text=_("Percent of the credits that the plan brings in a period, 0 to 100."),
    )
    least = models.PositiveIntegerField(
        _("at least"),
        default=LEAST,
        validators=[MaxValueValidator(100_000)],
        help_text=_("Credits, whatever the plan brings; 0 to 100,000."),
    )

    changed_at = models.DateTimeField(null=True, editable=False, help_text=_("Real time."))
    begun_at = models.DateTimeField(null=True, editable=False)
    reached = models.BigIntegerField(default=0, editable=False)
    is_spread = models.BooleanField(default=True, editable=False)

    class Meta:
        verbose_name = _("low-credit default")
        verbose_name_plural = _("low-credit default")

    def __str__(self) -> str:
        return f"{self.share} %, at least {self.least}"

    def threshold(self, allocation: int) -> int:
        """At how many credits a balance of a plan of this allocation is low."""
        return max(self.least, allocation * self.share // 100)
