"""What staff see and set of engines: switches, daily caps, usage prices, and how each tool does."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from credits.admin.read_only import ReadOnlyAdmin
from credits.admin.recorded import RecordedAdmin
from generations import engine_standing
from generations.models import EngineDay, EngineHealth, EngineSwitch, StaffNotice, UsagePrice


@admin.register(EngineSwitch)
class EngineSwitchAdmin(RecordedAdmin):
    """An engine, or one tool of it, on or off, and the most it may cost in a day."""

    list_display = ("engine", "tool", "is_on", "daily_cap", "note")


@admin.register(UsagePrice)
class UsagePriceAdmin(RecordedAdmin):
    """What providers charge the operator. It decides margins and caps, never credits."""

    list_display = ("engine", "model", "unit", "micro_usd", "as_of")


@admin.register(EngineDay)
class EngineDayAdmin(ReadOnlyAdmin):
    """What an engine cost in a day, in millionths of a USD."""

    list_display = ("day", "engine", "spent")
    ordering = ("-day", "engine")


@admin.register(StaffNotice)
class StaffNoticeAdmin(ReadOnlyAdmin):
    """What staff were told by mail, the latest first."""

    list_display = ("made_at", "text", "mailed_at")
    ordering = ("-made_at",)


@admin.register(EngineHealth)
class EngineHealthAdmin(ReadOnlyAdmin):
    """Every tool with its engine, above the list of those that had failures."""

    list_display = (
        "engine",
        "tool",
        "failures",
        "paused_at",
        "fault",
        "last_error_at",
        "last_error",
    )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"standings": engine_standing.read()} | (extra_context or {})
        return super().changelist_view(request, context)
