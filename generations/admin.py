"""What staff see and set of engines: switches, daily caps, usage prices, and how each tool does."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from credits import staff_acts
from credits.admin.previewed import PreviewedAdmin, counted
from credits.admin.read_only import ReadOnlyAdmin
from credits.admin.recorded import staff_id
from generations import engine_standing, limits
from generations.catalog import TOOLS
from generations.engines import routing
from generations.models import (
    EngineDay,
    EngineHealth,
    EngineRoute,
    EngineSwitch,
    Generation,
    LimitSetting,
    ProblemReport,
    StaffNotice,
    UsagePrice,
)
from generations.results import problems

ENGINES = ("local", "google")
_RUNS_LOOKED_AT = 5000


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


class EngineRouteForm(forms.ModelForm):  # type: ignore[type-arg]  # Generic for type checkers.
    """A tool, and an engine that can run it here and now."""

    tool = forms.ChoiceField(choices=[(slug, tool.name) for slug, tool in TOOLS.items()])
    engine = forms.ChoiceField(choices=[(name, name) for name in ENGINES])

    class Meta:
        model = EngineRoute
        fields = ("tool", "engine", "note")

    def clean(self) -> dict[str, Any]:
        """Refused where the tool could not be started there: nobody may switch it off by a route."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        tool, engine = cleaned.get("tool"), cleaned.get("engine")
        missing = routing.what_to_set(tool, engine) if tool and engine else ""
        if missing:
            words = gettext("%(tool)s cannot go to %(engine)s here. %(missing)s")
            names = {"tool": TOOLS[str(tool)].name, "engine": routing.engine_title(str(engine))}
            raise ValidationError(words % (names | {"missing": missing}))
        return cleaned


class LimitSettingForm(forms.ModelForm):  # type: ignore[type-arg]  # Generic for type checkers.
    """A limit within its range."""

    class Meta:
        model = LimitSetting
        fields = ("name", "value", "note")

    def clean(self) -> dict[str, Any]:
        """Refused outside the range of the limit."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        name, value = cleaned.get("name"), cleaned.get("value")
        if name and value is not None:
            least, most = limits.RANGES[name]
            if not least <= value <= most:
                words = gettext("This limit lies between %(least)s and %(most)s.")
                raise ValidationError(words % {"least": least, "most": most})
        return cleaned


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
            words = gettext("No new run starts there. Runs that wait and are worked off: %(runs)s.")
            found.append(words % {"runs": counted(runs)})
        if "daily_cap" in fields:
            found.append(gettext("The cap counts what today's runs have cost already."))
        return found


@admin.register(EngineRoute)
class EngineRouteAdmin(PreviewedAdmin):
    """Which engine runs a tool, over the setting TOOL_ENGINES."""

    form = EngineRouteForm
    list_display = ("tool", "engine", "note")
    ordering = ("tool",)

    def touched(self, changed: EngineRoute, fields: list[str]) -> list[str]:
        """From where to where new runs go, what they cost, and what waits."""
        before, tool = routing.route(changed.tool), TOOLS[changed.tool]
        after = routing.route(changed.tool, {changed.tool: changed.engine})
        titles = [routing.engine_title(name) for name in (before.engine, after.engine)]
        words = gettext(
            "New runs of %(tool)s go to %(after)s instead of %(before)s, for everybody."
        )
        same = gettext("New runs of %(tool)s go to %(after)s as before, for everybody.")
        names = {"tool": tool.name, "before": titles[0] or gettext("nowhere"), "after": titles[1]}
        found = [(same if titles[0] == titles[1] else words) % names]
        if before.label != after.label:
            labels = {"before": before.label or gettext("none"), "after": after.label}
            found.append(gettext("Its label changes from %(before)s to %(after)s.") % labels)
            if "sandbox" in (before.label, after.label):
                found.append(gettext("A sandbox render is free; any other run costs its price."))
        words = gettext("Accounts that had a result of it in 30 days: %(accounts)s.")
        found.append(words % {"accounts": _users(changed.tool)})
        waiting = Generation.objects.filter(state=Generation.State.QUEUED, tool=changed.tool)
        words = gettext("Runs that wait and keep the engine that was promised: %(runs)s.")
        return [*found, words % {"runs": counted(waiting)}]


def _users(tool: str) -> str:
    """How many accounts had a result of late, among the newest runs."""
    runs = Generation.objects.filter(
        tool=tool,
        state=Generation.State.SUCCEEDED,
        created_at__gte=timezone.now() - timedelta(days=30),
    )
    accounts = list(
        runs.order_by("-created_at").values_list("account_id", flat=True)[:_RUNS_LOOKED_AT]
    )
    return f"{len(set(accounts))}{'+' if len(accounts) == _RUNS_LOOKED_AT else ''}"


@admin.register(LimitSetting)
class LimitSettingAdmin(PreviewedAdmin):
    """Limits for every account, over the environment's."""

    form = LimitSettingForm
    list_display = ("name", "value", "note")
    ordering = ("name",)

    def touched(self, changed: LimitSetting, fields: list[str]) -> list[str]:
        """Every account, from the next question or run on."""
        words = gettext(
            "For every account the limit is %(after)s a day instead of %(before)s, from now on; what "
            "was used today counts."
        )
        return [words % {"after": changed.value, "before": limits.value(changed.name)}]


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
