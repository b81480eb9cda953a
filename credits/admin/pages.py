"""The staff admin of credits. Balances change through the ledger's own verbs, never by editing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from credits import ledger, staff_acts
from credits.admin.forms import DecisionForm
from credits.admin.previewed import PreviewedAdmin, counted
from credits.admin.read_only import ReadElsewhere, ReadOnlyAdmin
from credits.admin.recorded import called, name_of, staff_id
from credits.models import (
    Account,
    AlertRecipient,
    DailyUsage,
    LedgerEntry,
    LedgerPass,
    LowCreditAlert,
    Notice,
    OutcomeRule,
    Package,
    Plan,
    RestorationCase,
)
from credits.outcomes import cases
from credits.reports import actors, for_staff
from credits.staff_acts import StaffAct
from ecomvance_app import clock


class _OnSale(PreviewedAdmin):
    """What is no longer sold is taken off sale, not deleted: accounts and charges refer to it.

    They do so by its handle, which therefore stays what it was first.
    """

    list_display = ["name", "handle", "price_usd", "credits", "on_sale", "position"]
    ordering = ["position"]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A price is zero or more."""
        if db_field.name == "price_usd":
            kwargs["min_value"] = 0
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The handle is chosen once."""
        return [] if obj is None else ["handle"]

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Any = None
    ) -> dict[str, Sequence[str]]:
        """A new one's handle is proposed from its name."""
        return {"handle": ["name"]} if obj is None else {}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Plan)
class PlanAdmin(_OnSale):
    """Plans on sale. What was granted before keeps the figures it was granted by."""

    def touched(self, changed: Plan, fields: list[str]) -> list[str]:
        """Those on the plan keep what they have; whoever comes later sees the new figures."""
        held = Account.objects.filter(plan=changed.pk) if changed.pk else Account.objects.none()
        found = [
            _("Accounts that hold this plan: %(accounts)s. They keep what they were granted.")
            % {"accounts": counted(held)},
        ]
        if {"price_usd", "credits"} & set(fields):
            found.append(_("Whoever subscribes from now on gets the new price and credits."))
        if "on_sale" in fields and not changed.on_sale:
            found.append(_("Nobody can choose it any more. Running subscriptions go on."))
        return found


@admin.register(Package)
class PackageAdmin(_OnSale):
    """Packages on sale."""

    def touched(self, changed: Package, fields: list[str]) -> list[str]:
        """What was bought stays as it was sold."""
        return [
            _("What was bought keeps its price and credits. The next purchase has the new ones."),
            *([] if changed.on_sale else [_("Nobody can buy it any more.")]),
        ]


@admin.register(OutcomeRule)
class OutcomeRuleAdmin(PreviewedAdmin):
    """The outcome table. Only platform errors have a choice: staff decide, or restored at once."""

    list_display = ["outcome", "policy", "rule"]
    ordering = ["pk"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def touched(self, changed: OutcomeRule, fields: list[str]) -> list[str]:
        """Runs that end from now on; what is open stays open."""
        waiting = RestorationCase.objects.filter(state=RestorationCase.State.OPEN)
        found = [
            _("Every account's runs that end so from now on follow it: %(policy)s.")
            % {"policy": changed.get_policy_display()}
        ]
        if "policy" in fields:
            left = counted(waiting.filter(outcome=changed.outcome))
            found.append(_("Open cases that stay open for staff: %(cases)s.") % {"cases": left})
        if "rule" in fields:
            found.append(_("Merchants read the new sentence beside old runs too."))
        return found

    def get_readonly_fields(
        self, request: HttpRequest, obj: OutcomeRule | None = None
    ) -> list[str]:
        """The document fixes every policy but one."""
        discretionary = obj is not None and obj.outcome == "platform_error"
        return ["outcome"] if discretionary else ["outcome", "policy"]

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the two policies that a platform error may have."""
        if db_field.name == "policy":
            policies = (OutcomeRule.Policy.CASE, OutcomeRule.Policy.AUTOMATIC)
            kwargs["choices"] = [(policy.value, policy.label) for policy in policies]
        return super().formfield_for_choice_field(db_field, request, **kwargs)


class _NamesActors(ReadOnlyAdmin):
    """A list whose actors are read as names."""

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The page of the list, which is shown and never saved."""
        shown = super().get_changelist_instance(request)
        named = actors.names(row.actor for row in shown.result_list)
        for row in shown.result_list:
            row.actor = named[row.actor]
        return shown


@admin.register(LedgerEntry)
class LedgerEntryAdmin(_NamesActors):
    """Every entry with the balance after it."""

    list_display = [
        "account", "sequence", "created_at", "kind", "plan_delta", "package_delta", "plan_after",
        "package_after", "total_after", "tool", "actor", "reason",
    ]  # fmt: skip
    list_filter = ["kind"]
    list_select_related = ["account", "note"]
    search_fields = ["=account__id", "=key", "=reference"]
    ordering = ["-pk"]

    @admin.display(description="Balance")
    def total_after(self, entry: LedgerEntry) -> int:
        """Both buckets after the entry."""
        return entry.plan_after + entry.package_after

    @admin.display(description="Reason")
    def reason(self, entry: LedgerEntry) -> str:
        """The note beside the entry."""
        note = getattr(entry, "note", None)
        return note.text if note else ""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """An account's page links to its entries."""
        return lookup == "account__id__exact" or super().lookup_allowed(lookup, value, request)


@admin.register(RestorationCase)
class RestorationCaseAdmin(ReadElsewhere):
    """The queue of platform errors, oldest first; each is approved or declined once."""

    # A case is judged where its pictures are.
    page = "admin:staff_case"

    list_display = [
        "pk",
        "account",
        "outcome",
        "credits",
        "state",
        "opened_at",
        "decided_by",
    ]
    list_display_links = ["pk", "account"]
    list_filter = ["state"]
    list_select_related = ["account", "spend", "decided_by"]
    readonly_fields = ["credits"]
    ordering = ["-state", "opened_at"]

    @admin.display(description="Credits")
    def credits(self, case: RestorationCase) -> str:
        """What the run cost, by bucket."""
        spend = case.spend
        return _("%(total)d (plan %(plan)d, package %(package)d)") % {
            "total": -spend.credits, "plan": -spend.plan_delta, "package": -spend.package_delta,
        }  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[RestorationCase]:
        """Cases with what their pages show."""
        return super().get_queryset(request).select_related("account", "spend")

    def get_urls(self) -> list[URLPattern]:
        """Adds the decision."""
        decide = self.admin_site.admin_view(self.decide)
        return [
            path("<int:case_id>/decide/", decide, name="credits_restorationcase_decide"),
            *super().get_urls(),
        ]

    def decide(self, request: HttpRequest, case_id: int) -> HttpResponse:
        """Approve or decline a case with a reason."""
        if not request.user.has_perm("credits.change_restorationcase"):
            raise PermissionDenied
        case = self.get_queryset(request).filter(pk=case_id).first()
        if case is None:
            raise Http404
        form = DecisionForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and self._decided(request, form, case):
            return HttpResponseRedirect(reverse("admin:staff_cases"))
        context = self.admin_site.each_context(request) | {
            "title": _("Decide restoration case"),
            "case": case,
            "credits": self.credits(case),
            "form": form,
            "opts": self.opts,
        }
        return render(request, "admin/credits/restorationcase/decide.html", context)

    def _decided(self, request: HttpRequest, form: DecisionForm, case: RestorationCase) -> bool:
        approved = "approve" in request.POST
        try:
            with transaction.atomic():
                # Under its lock: of two colleagues at the same instant one decides, the other reads.
                held = RestorationCase.objects.select_for_update(of=("self",)).get(pk=case.pk)
                was_open = held.state == RestorationCase.State.OPEN
                decided = form.save(case, request.user, approved=approved, now=clock.now())
                if was_open:
                    staff_acts.record(
                        staff_id(request), f"case {decided.state}", case,
                        account_id=case.account_id, words=form.cleaned_data["reason"],
                    )  # fmt: skip
        except ledger.NothingToRestore:
            words = _("No bucket can take any of it any more. Decline, or adjust the balance.")
            form.add_error(None, words)
            return False
        except cases.CaseDecided as error:
            form.add_error(None, str(error))
            return False
        messages.success(request, f"{decided.get_state_display()}: {decided}")
        return True


@admin.register(DailyUsage)
class DailyUsageAdmin(_NamesActors):
    """The daily sums that reports read."""

    list_display = [
        "account", "day", "kind", "tool", "actor", "entries", "plan_delta", "package_delta",
    ]  # fmt: skip
    list_filter = ["kind"]
    list_select_related = ["account"]
    search_fields = ["=account__id"]
    ordering = ["-day", "account"]


@admin.register(LowCreditAlert)
class LowCreditAlertAdmin(ReadOnlyAdmin):
    """Crossings of the low-credit threshold, and when the mail about them left."""

    list_display = [
        "account", "threshold", "remaining", "created_at", "to_mail", "mailed_at",
    ]  # fmt: skip
    list_select_related = ["account"]
    search_fields = ["=account__id"]
    ordering = ["-pk"]


@admin.register(AlertRecipient)
class AlertRecipientAdmin(ReadOnlyAdmin):
    """Who gets an account's low-credit mail; merchants choose it in their settings."""

    list_display = ["account", "email", "enabled", "confirmed_at"]
    list_select_related = ["account"]
    search_fields = ["=account__id", "email"]


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """What accounts were told by mail, and when it left."""

    list_display = ["account", "kind", "subject", "created_at", "mailed_at"]
    list_filter = ["kind"]
    list_select_related = ["account"]
    search_fields = ["=account__id"]
    ordering = ["-pk"]


@admin.register(StaffAct)
class StaffActAdmin(ReadOnlyAdmin):
    """The record of every act of staff, newest first."""

    list_display = ["at", "who", "act", "what", "account", "reason"]
    list_filter = ["act", "subject"]
    list_select_related = ["words"]
    search_fields = ["=staff_id", "=subject_id", "=account_id"]
    ordering = ["-pk"]

    def get_urls(self) -> list[URLPattern]:
        """Adds the export."""
        export = self.admin_site.admin_view(self.export)
        return [path("export.csv", export, name="credits_staffact_export"), *super().get_urls()]

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """The whole record as CSV, oldest first; that it was taken is an act too."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        newest = StaffAct.objects.order_by("-pk").first() or StaffAct(pk=0)
        staff_acts.record(staff_id(request), "record exported", newest)
        answer = StreamingHttpResponse(
            for_staff.record_csv(), content_type="text/csv; charset=utf-8"
        )
        answer["Content-Disposition"] = 'attachment; filename="staff-acts.csv"'
        return answer

    def get_queryset(self, request: HttpRequest) -> QuerySet[StaffAct]:
        """With the name of who acted, while they are there."""
        acts: QuerySet[StaffAct] = super().get_queryset(request)
        return acts.annotate(staff_name=name_of("staff_id"))

    @admin.display(description="Who")
    def who(self, act: StaffAct) -> str:
        """By name, or by number where there is none."""
        if act.staff_id is None:
            return _("A command on the server")
        return called(getattr(act, "staff_name", None), act.staff_id)

    @admin.display(description="To what")
    def what(self, act: StaffAct) -> str:
        """The table's name and the row's number."""
        try:
            named = apps.get_model(act.subject)._meta.verbose_name
        except LookupError:  # A table that there was once.
            named = act.subject
        return f"{named} {act.subject_id}"

    @admin.display(description="Account")
    def account(self, act: StaffAct) -> str:
        """The way to its story."""
        if act.account_id is None:
            return ""
        page = reverse("admin:staff_account", args=[act.account_id])
        return format_html('<a href="{}">{}</a>', page, act.account_id)

    @admin.display(description="Words")
    def reason(self, act: StaffAct) -> str:
        """What was written beside the act, unless it was erased."""
        words = getattr(act, "words", None)
        return words.text if words else ""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """The history of an object leads here."""
        return lookup in {"subject", "subject_id"} or super().lookup_allowed(lookup, value, request)


@admin.register(LedgerPass)
class LedgerPassAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "checked_to", "entries", "found", "finished_at")
