"""Pages of the staff admin whose every change is an act in the record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from credits import staff_acts
from credits.admin.paging import CappedPaginator


def staff_id(request: HttpRequest) -> int:
    """Who of the staff is asking; PermissionDenied for nobody."""
    if request.user.pk is None:
        raise PermissionDenied
    return int(request.user.pk)


def name_of(column: str) -> Subquery:
    """The name of whoever's number stands in a column, for `annotate`; empty once they are gone."""
    people = get_user_model().objects.filter(pk=OuterRef(column))
    return Subquery(people.values("name")[:1])


def called(name: str | None, number: int) -> str:
    """Somebody of the staff by name, or by number where there is no name."""
    return name or _("Person %(number)s") % {"number": number}


class RecordedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Generic for type checkers alone.
    """Writes acts in place of Django's log, which would keep names for ever."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    list_per_page = 50

    def construct_change_message(
        self, request: HttpRequest, form: forms.Form, formsets: Any, add: Any = None
    ) -> list[Any]:
        """The names of the fields that changed, and the rows of other tables."""
        return [*form.changed_data, *_changed_rows(formsets or [])]

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """An object was added by hand."""
        return self._record(request, "added", obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """An object was changed by hand."""
        return self._record(request, "changed", obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Objects are about to be deleted by hand."""
        staff_acts.record_all(staff_id(request), "deleted", queryset)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """The acts on this object, in the record."""
        subject = {"subject": self.model._meta.label_lower, "subject_id": object_id}
        return HttpResponseRedirect(
            f"{reverse('admin:credits_staffact_changelist')}?{urlencode(subject)}"
        )

    def _record(self, request: HttpRequest, act: str, subject: Model, changed: Any) -> Any:
        names: Sequence[str] = changed if isinstance(changed, list) else []
        return staff_acts.record(staff_id(request), act, subject, changed=names)


def _changed_rows(formsets: Sequence[Any]) -> list[str]:
    rows: list[str] = []
    for formset in formsets:
        name = formset.model._meta.model_name
        rows += [f"{name} added" for _row in formset.new_objects]
        rows += [f"{name} {row.pk}: {', '.join(names)}" for row, names in formset.changed_objects]
        rows += [f"{name} {row.pk} deleted" for row in formset.deleted_objects]
    return rows
