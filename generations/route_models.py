"""Which engine staff have named for a tool."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


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
