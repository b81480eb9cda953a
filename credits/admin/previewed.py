"""What is configured by hand is previewed before it is saved: what changes, and whom it touches."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import unquote
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from credits.admin.recorded import RecordedAdmin

CONFIRMED = "_confirmed"
# Whoever is touched is counted to here.
MOST = 1000


class PreviewedAdmin(RecordedAdmin):
    """Adding and changing take two steps. Subclasses say in `touched` whom a change reaches."""

    def touched(self, changed: Any, fields: list[str]) -> list[str]:
        """Sentences on whom and what saving `changed` touches; none where it touches nobody."""
        return []

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        """A valid form that was not confirmed is answered with its preview."""
        if request.method == "POST" and CONFIRMED not in request.POST:
            preview = self._preview(request, object_id)
            if preview is not None:
                return preview
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _preview(self, request: HttpRequest, object_id: str | None) -> HttpResponse | None:
        """None when there is nothing to preview: no right, no object, no change, or errors."""
        before = self.get_object(request, unquote(object_id)) if object_id else None
        is_new = object_id is None
        may = (
            self.has_add_permission(request)
            if is_new
            else self.has_change_permission(request, before)
        )
        if not may or (not is_new and before is None):
            return None
        form: ModelForm[Model] = self.get_form(request, before, change=not is_new)(
            request.POST, instance=before
        )
        if not form.is_valid() or not form.changed_data:
            return None
        changes = [
            (form.fields[name].label or name, form.initial.get(name, ""), form.cleaned_data[name])
            for name in form.changed_data
        ]
        context = self.admin_site.each_context(request) | {
            "title": _("Preview of the change"),
            "opts": self.opts,
            "changed": form.instance,
            "changes": changes,
            "touched": self.touched(form.instance, list(form.changed_data)),
            "sent": [
                (name, value)
                for name in request.POST
                if name != "csrfmiddlewaretoken"
                for value in request.POST.getlist(name)
            ],
            "confirmed": CONFIRMED,
        }
        return render(request, "admin/credits/preview.html", context)


def counted(rows: Any) -> str:
    """How many rows there are, counted to a thousand."""
    count = len(rows.order_by().values_list("pk", flat=True)[:MOST])
    return f"{MOST}+" if count == MOST else str(count)
