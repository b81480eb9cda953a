"""The staff's page of the low-credit default."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Q
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from credits import periods
from credits.accounts import low_default
from credits.admin.previewed import PreviewedAdmin, counted
from credits.models import LowCreditDefault, Plan


@admin.register(LowCreditDefault)
class LowCreditDefaultAdmin(PreviewedAdmin):
    """One row for all accounts that have not chosen a threshold."""

    list_display = ["__str__", "share", "least", "is_spread"]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list of one is the one."""
        default = LowCreditDefault.objects.order_by("pk").first()
        if default is None or not self.has_view_or_change_permission(request):
            return super().changelist_view(request, extra_context)
        page = reverse("admin:credits_lowcreditdefault_change", args=[default.pk])
        return HttpResponseRedirect(page)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one already."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is changed back, which accounts follow too."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], *rest: Any) -> None:
        """Saved with the note that the accounts have to follow."""
        if form.changed_data:
            low_default.begin(obj)
        super().save_model(request, obj, form, *rest)

    def touched(self, changed: LowCreditDefault, fields: list[str]) -> list[str]:
        """How many accounts, what it is for each plan, and who counts as low by it."""
        moved = low_default.moved(changed)
        words = _("Accounts whose threshold changes: %(accounts)s. Who chose one keeps it.")
        found = [words % {"accounts": counted(moved)}]
        sentences: list[tuple[str, Q]] = [
            (_("Of them, low from then on: %(accounts)s."), low_default.newly_low()),
            (_("Of them, no longer low: %(accounts)s."), low_default.no_longer_low()),
        ]
        found += [words % {"accounts": counted(moved.filter(them))} for words, them in sentences]
        found += self._by_plan(changed)
        return [*found, _("Nobody is mailed by the change, only by a later spend that crosses it.")]

    def _by_plan(self, changed: LowCreditDefault) -> list[str]:
        """A sentence for the trial and for each plan whose threshold differs."""
        before = low_default.read()
        offers = [(_("Free trial"), periods.TRIAL_CREDITS)]
        offers += list(Plan.objects.order_by("position").values_list("name", "credits"))
        words = _("%(plan)s, %(credits)s credits: low at %(after)s instead of %(before)s.")
        return [
            words
            % {
                "plan": name,
                "credits": intcomma(allocation),
                "after": intcomma(changed.threshold(allocation)),
                "before": intcomma(before.threshold(allocation)),
            }
            for name, allocation in offers
            if changed.threshold(allocation) != before.threshold(allocation)
        ]
