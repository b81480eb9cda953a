"""How the engines stand: switches, faults, prices and days; and consents to their providers."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class EngineSwitch(models.Model):
    """Staff's word on an engine, or on one tool of it: on or off, and the most it may cost in a day."""

    engine = models.CharField(max_length=40)
    tool = models.CharField(
        max_length=40, blank=True, help_text=_("A tool's slug; empty for all tools of the engine.")
    )
    is_on = models.BooleanField(_("on"), default=True)
    daily_cap = models.DecimalField(
        _("most in a day, USD"), max_digits=10, decimal_places=2, null=True, blank=True
    )
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["engine", "tool"], name="one_switch_of_an_engine_tool")
        ]
        verbose_name = _("engine switch")
        verbose_name_plural = _("engine switches")

    def __str__(self) -> str:
        return f"{self.engine} {self.tool or '*'}"


class EngineRoute(models.Model):
    """Staff's word on which engine runs a tool; it stands over the setting TOOL_ENGINES."""

    tool = models.CharField(max_length=40, unique=True, help_text=_("A tool's slug."))
    engine = models.CharField(max_length=40)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("engine of a tool")
        verbose_name_plural = _("engines of tools")

    def __str__(self) -> str:
        return f"{self.tool} → {self.engine}"


class EngineHealth(models.Model):
    """How an engine does with a tool: failures in a row, the last error, and whether it is paused."""

    engine = models.CharField(max_length=40)
    tool = models.CharField(max_length=40)
    failures = models.PositiveIntegerField(default=0, help_text=_("Outages in a row."))
    accounts = models.JSONField(default=list, help_text=_("The accounts that met them."))
    last_error = models.CharField(max_length=500, blank=True)
    last_error_at = models.DateTimeField(null=True)
    fault = models.CharField(
        max_length=500, blank=True, help_text=_("What staff have to mend; empty for an outage.")
    )
    paused_at = models.DateTimeField(null=True)
    probe_at = models.DateTimeField(null=True)
    probes = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["engine", "tool"], name="one_health_of_an_engine_tool")
        ]
        verbose_name = _("engine health")
        verbose_name_plural = _("engine health")

    def __str__(self) -> str:
        return f"{self.engine} {self.tool}"


class StaffNotice(models.Model):
    """What staff must hear of at once: a tool that stopped itself, work that may have been billed."""

    about = models.CharField(max_length=120, help_text=_("Told once a day for the same."))
    text = models.CharField(max_length=700)
    made_at = models.DateTimeField(default=timezone.now, db_index=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("staff notice")
        verbose_name_plural = _("staff notices")

    def __str__(self) -> str:
        return self.text


class UsagePrice(models.Model):
    """What one unit of a provider's usage costs the operator; for margin and caps, never for credits."""

    engine = models.CharField(max_length=40)
    model = models.CharField(max_length=60)
    unit = models.CharField(max_length=40, help_text=_("A name in the usage that runs keep."))
    micro_usd = models.DecimalField(
        _("millionths of a USD"), max_digits=14, decimal_places=4, help_text=_("For one unit.")
    )
    as_of = models.DateField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["engine", "model", "unit"], name="one_price_of_a_unit")
        ]
        verbose_name = _("usage price")

    def __str__(self) -> str:
        return f"{self.engine} {self.model} {self.unit}"


class EngineDay(models.Model):
    """What an engine's runs of one UTC day cost the operator, in millionths of a USD."""

    engine = models.CharField(max_length=40)
    day = models.DateField()
    spent = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["engine", "day"], name="one_day_of_an_engine")
        ]

    def __str__(self) -> str:
        return f"{self.engine} {self.day}"


class ProviderConsent(models.Model):
    """That an account's pictures may go to a provider: which text was accepted, by whom and when."""

    account = models.ForeignKey("credits.Account", models.PROTECT, related_name="consents")
    provider = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    accepted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "provider", "version"], name="one_consent_to_a_text"
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.provider} {self.version}"
