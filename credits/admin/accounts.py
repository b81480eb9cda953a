"""Accounts in the staff admin, and the corrections that staff make to them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from credits import ledger, queries
from credits.admin.forms import AdjustmentForm, GrantForm
from credits.admin.read_only import ReadElsewhere, ReadOnlyAdmin
from credits.admin.recorded import called, name_of, staff_id
from credits.models import Account
from credits.models.corrections import Correction, Incident
from credits.outcomes import corrections
from ecomvance_app import clock


@admin.register(Account)
class AccountAdmin(ReadElsewhere):
    """Accounts, their balance now, and the two corrections that staff may make."""

    # An account is read as a story, not as a row.
    page = "admin:staff_account"

    list_display = [
        "pk",
        "name",
        "plan_now",
        "package_balance",
        "period_kind",
        "opened_at",
    ]
    list_display_links = ["pk", "name"]
    list_filter = ["period_kind"]
    search_fields = ["=id", "name"]
    ordering = ["-pk"]

    @admin.display(description="Plan credits now")
    def plan_now(self, account: Account) -> int:
        """The plan credits as time has left them, which may not be written yet."""
        return queries.balance_of(account, clock.now()).plan

    def get_urls(self) -> list[URLPattern]:
        """Adds the two corrections."""
        adjust = self.admin_site.admin_view(self.adjust)
        grant = self.admin_site.admin_view(self.grant)
        return [
            path("<int:account_id>/adjust/", adjust, name="credits_account_adjust"),
            path("<int:account_id>/grant/", grant, name="credits_account_grant"),
            *super().get_urls(),
        ]

    def adjust(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Adjust a balance: first the preview of the new one, then the entry."""
        if not request.user.has_perm("credits.change_account"):
            raise PermissionDenied
        account = get_object_or_404(Account, pk=account_id)
        form = AdjustmentForm(account, clock.now(), request.POST or None)
        return self._correct(request, form, _("Adjust balance"))

    def grant(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Grant a plan that renews by itself in calendar months; preview first."""
        if not request.user.has_perm("credits.grant_plan"):
            raise PermissionDenied
        account = get_object_or_404(Account, pk=account_id)
        form = GrantForm(account, clock.now(), request.POST or None)
        return self._correct(request, form, _("Grant plan"))

    def _correct(
        self, request: HttpRequest, form: AdjustmentForm | GrantForm, title: str
    ) -> HttpResponse:
        context: dict[str, Any] = {}
        if request.method == "POST" and form.is_valid():
            try:
                if "confirm" in request.POST:
                    return self._asked(request, form)
                plan, package = corrections.preview(form.wanted, staff_id(request), form.now)
                context["preview"] = {"plan": plan, "package": package, "total": plan + package}
                context["needs_another"] = form.wanted.needs_another
            except (ledger.LedgerError, ValueError) as error:
                form.add_error(None, str(error))
        context |= self.admin_site.each_context(request) | {
            "title": title,
            "account": form.account,
            "balance": form.balance,
            "form": form,
            "opts": self.opts,
        }
        return render(request, "admin/credits/account/correct.html", context)

    def _asked(self, request: HttpRequest, form: AdjustmentForm | GrantForm) -> HttpResponse:
        row = corrections.ask(form.wanted, staff_id(request), form.now)
        if row.entry is not None:
            words = _("Entry %(entry)s was written.") % {"entry": row.entry}
            messages.success(request, words)
        else:
            messages.warning(
                request, _("It waits for a second person, who finds it on the start page.")
            )
        return HttpResponseRedirect(reverse("admin:staff_account", args=[form.account.pk]))


@admin.register(Correction)
class CorrectionAdmin(ReadOnlyAdmin):
    """Every correction, those that wait for a second person first."""

    list_display = [
        "asked_at", "state", "kind", "account", "credits", "bucket", "code", "asked", "decided",
    ]  # fmt: skip
    list_filter = ["state", "kind", "code"]
    list_select_related = ["account"]
    search_fields = ["=account__id"]
    ordering = ["-pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Correction]:
        """With the names of both colleagues."""
        rows: QuerySet[Correction] = super().get_queryset(request)
        return rows.annotate(asker=name_of("asked_by"), decider=name_of("decided_by"))

    @admin.display(description=_lazy("asked by"), ordering="asked_by")
    def asked(self, row: Correction) -> str:
        """Who asked for it."""
        return called(getattr(row, "asker", None), row.asked_by)

    @admin.display(description=_lazy("decided by"), ordering="decided_by")
    def decided(self, row: Correction) -> str:
        """Who said yes or no; nobody yet, or nobody needed to."""
        number = row.decided_by
        return "" if number is None else called(getattr(row, "decider", None), number)

    def get_urls(self) -> list[URLPattern]:
        """Adds the decision."""
        decide = self.admin_site.admin_view(self.decide)
        return [
            path("<int:correction_id>/decide/", decide, name="credits_correction_decide"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """What waits is decided; what was decided is read."""
        waits = object_id.isdecimal() and Correction.objects.filter(
            pk=object_id, state=Correction.State.WAITING
        )
        if request.method == "GET" and waits and request.user.has_perm("credits.change_correction"):
            return HttpResponseRedirect(
                reverse("admin:credits_correction_decide", args=[object_id])
            )
        return super().change_view(request, object_id, form_url, extra_context)

    def decide(self, request: HttpRequest, correction_id: int) -> HttpResponse:
        """The second person's page: what was asked for, the balance after it, yes or no."""
        if not request.user.has_perm("credits.change_correction"):
            raise PermissionDenied
        row = get_object_or_404(
            self.get_queryset(request).select_related("account", "plan"), pk=correction_id
        )
        if request.method == "POST" and self._decided(request, row):
            return HttpResponseRedirect(reverse("admin:staff_account", args=[row.account_id]))
        context = self.admin_site.each_context(request) | {
            "title": _("Correction that needs a second person"),
            "correction": row,
            "asked_by": self.asked(row),
            "account": row.account,
            "opts": self.opts,
            "is_own": row.asked_by == staff_id(request),
            "waits": row.state == Correction.State.WAITING,
            "balance": queries.balance_of(row.account, clock.now()),
        }
        return render(request, "admin/credits/correction/decide.html", context)

    def _decided(self, request: HttpRequest, row: Correction) -> bool:
        decide = corrections.approve if "approve" in request.POST else corrections.decline
        try:
            decided = decide(row.pk, staff_id(request), clock.now())
        except (ledger.LedgerError, ValueError) as error:
            messages.error(request, str(error))
            return False
        messages.success(request, f"{decided.get_state_display()}: {decided}")
        return True


@admin.register(Incident)
class IncidentAdmin(ReadElsewhere):
    """Incidents that were made good; what each gave is counted on its own page."""

    page = "admin:staff_incident"

    list_display = ["made_at", "began_at", "ended_at", "tool", "engine", "words", "done_at"]
    ordering = ["-pk"]
