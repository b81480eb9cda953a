"""What staff see and set of engines: switches, daily caps, usage prices, and how each tool does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from credits import staff_acts
from credits.admin.previewed import PreviewedAdmin, counted
from credits.admin.read_only import ReadOnlyAdmin
from credits.admin.recorded import staff_id
from generations import engine_standing
from generations.catalog import TOOLS
from generations.models import (
    EngineDay,
    EngineHealth,
    EngineSwitch,
    Generation,
    ProblemReport,
    StaffNotice,
    UsagePrice,
)
from generations.results import problems

ENGINES = ("local", "google")


class EngineSwitchForm(forms.ModelForm):  # type: ignore[type-arg]  # Generic for type checkers.
    """An engine and a tool that there are, and a cap that is an amount."""

    class Meta:
        model = EngineSwitch
        fields = ("engine", "tool", "is_on", "daily_cap", "note")

    def clean_engine(self) -> str:
        """One of the engines by name."""
        name: str = self.cleaned_data["engine"]
        if name not in ENGINES:
            words = gettext("There are these engines: %(names)s.")
            raise ValidationError(words % {"names": ", ".join(ENGINES)})
        return name

    def clean_tool(self) -> str:
        """A tool's slug, or nothing for all of them."""
        slug: str = self.cleaned_data["tool"]
        if slug and slug not in TOOLS:
            raise ValidationError(gettext("There is no such tool; leave it empty for all tools."))
        return slug

    def clean_daily_cap(self) -> Decimal | None:
        """Nothing, or an amount of zero or more."""
        return _not_negative(self.cleaned_data["daily_cap"])


class UsagePriceForm(forms.ModelForm):  # type: ignore[type-arg]  # Generic for type checkers.
    """A price that is an amount."""

    class Meta:
        model = UsagePrice
        fields = ("engine", "model", "unit", "micro_usd", "as_of")

    def clean_micro_usd(self) -> Decimal | None:
        """Zero or more."""
        return _not_negative(self.cleaned_data["micro_usd"])


def _not_negative(amount: Decimal | None) -> Decimal | None:
    if amount is not None and amount < 0:
        raise ValidationError(gettext("An amount is zero or more."))
    return amount


@admin.register(EngineSwitch)
class EngineSwitchAdmin(PreviewedAdmin):
    """An engine, or one tool of it, on or off, and the most it may cost in a day."""

    form = EngineSwitchForm
    list_display = ("engine", "tool", "is_on", "daily_cap", "note")

    def touched(self, changed: EngineSwitch, fields: list[str]) -> list[str]:
        """Which tools, and what waits for them."""
        runs = Generation.objects.filter(state=Generation.State.QUEUED, engine=changed.engine)
        if changed.tool:
            runs = runs.filter(tool=changed.tool)
        what = TOOLS[changed.tool].name if changed.tool else gettext("every tool of the engine")
        found = [gettext("It is for %(what)s, for every account.") % {"what": what}]
        if not changed.is_on:
            words = gettext("No new run starts there; %(runs)s that wait are worked off.")
            found.append(words % {"runs": counted(runs)})
        if "daily_cap" in fields:
            found.append(gettext("The cap counts what today's runs have cost already."))
        return found


@admin.register(UsagePrice)
class UsagePriceAdmin(PreviewedAdmin):
    """What providers charge the operator. It decides margins and caps, never credits."""

    form = UsagePriceForm
    list_display = ("engine", "model", "unit", "micro_usd", "as_of")

    def touched(self, changed: UsagePrice, fields: list[str]) -> list[str]:
        """No merchant; margins and caps."""
        return [
            gettext(
                "No merchant pays more or less. Margins and daily caps count by it from now on."
            )
        ]


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
