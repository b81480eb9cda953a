"""What staff look at and never change by hand."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from credits.admin.recorded import RecordedAdmin


class ReadOnlyAdmin(RecordedAdmin):
    """Staff look and never touch; what they may do is an action or a page of its own."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadElsewhere(ReadOnlyAdmin):
    """A row that staff read on a page of their own room, whose address takes its id."""

    page = ""

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Lead to the page. PermissionDenied for a post, 404 for what is no id."""
        if request.method != "GET":
            raise PermissionDenied
        if not object_id.isdecimal():
            raise Http404
        return HttpResponseRedirect(reverse(self.page, args=[object_id]))
