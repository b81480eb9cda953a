"""What staff see and set of engines: switches, daily caps, usage prices, and how each tool does."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from credits import staff_acts
from credits.admin.read_only import ReadOnlyAdmin
from credits.admin.recorded import RecordedAdmin, staff_id
from generations import engine_standing
from generations.models import (
    EngineDay,
    EngineHealth,
    EngineSwitch,
    ProblemReport,
    StaffNotice,
    UsagePrice,
)
from generations.runs import problems


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


@admin.register(ProblemReport)
class ProblemReportAdmin(ReadOnlyAdmin):
    """What merchants report of their runs; staff close what they have looked into."""

    list_display = ("reported_at", "account", "generation", "reported_by", "words", "closed_at")
    list_filter = (("closed_at", admin.EmptyFieldListFilter),)
    list_select_related = ("account", "generation", "reported_by")
    ordering = ("-reported_at",)
    actions = ("close",)

    @admin.action(description=_("Close: somebody has looked into it"), permissions=["close"])
    def close(self, request: HttpRequest, reports: QuerySet[ProblemReport]) -> None:
        """Close the chosen reports; each is an act in the record."""
        for report in reports.filter(closed_at=None):
            problems.close(report.pk, staff_id(request))
            staff_acts.record(
                staff_id(request), "report closed", report, account_id=report.account_id
            )

    def has_close_permission(self, request: HttpRequest) -> bool:
        """Whoever closes takes it off everybody's list."""
        return request.user.has_perm("generations.change_problemreport")
