"""What other packages offer in the staff admin and this one does not."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from credits.admin.recorded import RecordedAdmin

# Whoever may change one of these can become superuser: by an address that resets a superuser's
# password, or by taking a superuser's second factor.
BACK_DOORS = ("account.EmailAddress", "account.EmailConfirmation", "mfa.Authenticator")


class SuperusersGroupAdmin(RecordedAdmin, GroupAdmin):
    """Groups, for superusers alone: a group's permissions are those of whoever is in it."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)


def close_back_doors() -> None:
    """Take the other packages' pages out of the staff admin, or give them to superusers alone."""
    for label in BACK_DOORS:
        app_label, name = label.split(".")
        model = apps.all_models[app_label].get(name.lower())
        if model is not None and admin.site.is_registered(model):
            admin.site.unregister(model)
    if admin.site.is_registered(Group):
        admin.site.unregister(Group)
    admin.site.register(Group, SuperusersGroupAdmin)
