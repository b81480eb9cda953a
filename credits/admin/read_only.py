"""What staff look at and never change by hand."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from credits.admin.recorded import RecordedAdmin


class ReadOnlyAdmin(RecordedAdmin):
    """Staff look and never touch; what they may do is an action or a page of its own."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
