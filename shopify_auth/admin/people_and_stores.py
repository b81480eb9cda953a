"""The staff admin of people, stores and webhooks. Tokens are shown nowhere, not even encrypted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from credits import staff_acts
from credits.admin.read_only import ReadOnlyAdmin
from credits.admin.recorded import RecordedAdmin, staff_id
from shopify_auth.admin_api import scopes
from shopify_auth.identity import sign_in, staff_door
from shopify_auth.models import (
    Erasure,
    Membership,
    OfflineToken,
    Person,
    Shop,
    ShopStaff,
    WebhookDelivery,
)
from shopify_auth.stores import people
from shopify_auth.webhooks import inbox


class EmptiedFilter(admin.EmptyFieldListFilter):
    """People who have no address any more, because somebody older has it in another spelling."""

    def choices(self, changelist: Any) -> Any:
        """All, or those to be dealt with."""
        words = (_("All"), _("No"), _("Yes"))
        for choice, label in zip(super().choices(changelist), words, strict=True):
            yield choice | {"display": label}


class _AccessFilter(admin.ChoicesFieldListFilter):
    """Stores by the state of their token, which is not the state of the store."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.title = gettext_lazy("access")


class _MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    """Where somebody works. People come to an account and leave it by their own doors, never here."""

    model = Membership
    extra = 0
    can_delete = False
    fields = readonly_fields = ("account", "role", "joined_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


# What makes a colleague of somebody, or gives a colleague rights.
STAFF_FIELDS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(Person)
class PersonAdmin(RecordedAdmin, UserAdmin):  # type: ignore[type-arg]
    """People of the web dashboard, stores' staff, and our own staff.

    Rights are given by superusers alone. Nobody else changes a colleague at all: whoever sets a
    superuser's address or password is that superuser.
    """

    ordering = ("-date_joined",)
    list_display = ["__str__", "email", "is_staff", "is_active", "date_joined"]
    list_filter = ["is_staff", "is_active", ("emptied_email", EmptiedFilter)]
    search_fields = ["email", "name", "emptied_email"]
    filter_horizontal = ["groups", "user_permissions"]
    inlines = [_MembershipInline]
    actions = ["mail_set_up_link"]
    fieldsets = (
        (None, {"fields": ("email", "emptied_email", "name", "password")}),
        (
            gettext_lazy("Rights"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (gettext_lazy("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ["emptied_email", "last_login", "date_joined"]
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)

    @admin.action(
        description=gettext_lazy("Reset the second factor and mail a link for a new one"),
        permissions=["set_up"],
    )
    def mail_set_up_link(self, request: HttpRequest, chosen: QuerySet[Person]) -> None:
        """For members of staff with an address; what second factor they have is gone at once."""
        colleagues = chosen.filter(is_staff=True, is_active=True).exclude(email=None)
        for person in colleagues:
            with transaction.atomic():
                staff_acts.record(staff_id(request), "second factor reset", person)
                staff_door.mail_link(person)
            text = _("A link was mailed to %(address)s.") % {"address": person.email}
            self.message_user(request, text, messages.SUCCESS)

    def has_set_up_permission(self, request: HttpRequest) -> bool:
        """Superusers alone let colleagues in."""
        return _is_superuser(request)

    def save_model(self, request: HttpRequest, obj: Person, form: Any, change: Any) -> None:
        """Save; whoever's address is changed hears of it at the old one."""
        if obj.email:
            obj.emptied_email = ""
        super().save_model(request, obj, form, change)
        old = form.initial.get("email") if change and "email" in form.changed_data else None
        if old:
            sign_in.move_address(request, obj, old)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Record; whoever's password is set hears of it."""
        if "password" in message:
            sign_in.tell_of_password(request, obj)
        return super().log_change(request, obj, message)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Rights are there to be read, but for superusers."""
        rights = [] if _is_superuser(request) else STAFF_FIELDS
        return [*super().get_readonly_fields(request, obj), *rights]

    def get_fieldsets(self, request: HttpRequest, obj: Person | None = None) -> Any:
        """Without the password, and the link that sets it, for who may not change the person."""
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        (_title, whose), *others = self.fieldsets
        fields = tuple(name for name in whose["fields"] if name != "password")
        return ((None, {"fields": fields}), *others)

    def has_change_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        """Colleagues are changed by superusers alone."""
        return _may_touch(request, obj) and super().has_change_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: Person) -> None:
        """Erase the person: what names them elsewhere goes too."""
        people.erase(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Person]) -> None:
        """Erase several, one by one."""
        for person in queryset:
            people.erase(person)

    def has_delete_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        """Several at once are deleted by superusers alone: colleagues may be among them."""
        may = _is_superuser(request) if obj is None else _may_touch(request, obj)
        return may and super().has_delete_permission(request, obj)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _may_touch(request: HttpRequest, person: Person | None) -> bool:
    is_colleague = person is not None and (person.is_staff or person.is_superuser)
    return _is_superuser(request) or not is_colleague


class _StaffInline(admin.TabularInline):  # type: ignore[type-arg]
    model = ShopStaff
    extra = 0
    can_delete = False
    fields = ("shopify_user_id", "person")
    readonly_fields = ("shopify_user_id", "person")


@admin.register(Shop)
class ShopAdmin(ReadOnlyAdmin):
    """Stores with the state of our access to them."""

    list_display = ["domain", "name", "state", "access", "permissions", "account", "installed_at"]
    list_filter = ["state", "is_development_store", ("offline_token__state", _AccessFilter)]
    list_select_related = ["account", "offline_token"]
    search_fields = ["domain", "name", "shopify_id"]
    inlines = [_StaffInline]

    @admin.display(description=gettext_lazy("access"))
    def access(self, shop: Shop) -> str:
        """Whether the store can be asked, and until when without a merchant."""
        token: OfflineToken | None = getattr(shop, "offline_token", None)
        if token is None:
            return str(OfflineToken.State.MISSING.label)
        until = token.refresh_expires_at
        label = str(OfflineToken.State(token.state).label)
        return f"{label}, {until:%Y-%m-%d}" if until else label

    @admin.display(description=gettext_lazy("permissions"))
    def permissions(self, shop: Shop) -> str:
        """The scopes that the merchant granted, and whether some are wanted that are missing."""
        granted = ", ".join(shop.scopes)
        return _("%s: more are needed") % granted if scopes.needs_consent(shop) else granted


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    """Proof of what was erased."""

    list_display = ["shop", "erased_at", "counts"]
    ordering = ["-erased_at"]


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """The inbox: what came, what came of it, and a second try."""

    list_display = ["received_at", "topic", "subject", "handled_at", "attempts", "outcome"]
    list_filter = ["topic", ("handled_at", admin.EmptyFieldListFilter), "received_at"]
    search_fields = ["webhook_id", "event_id", "subject", "shop_domain"]
    ordering = ["-received_at"]
    actions = ["replay"]

    @admin.action(description=gettext_lazy("Handle once more"), permissions=["replay"])
    def replay(self, request: HttpRequest, chosen: QuerySet[WebhookDelivery]) -> None:
        """Hand the chosen deliveries to a worker again; those that name no store stay as they are."""
        with transaction.atomic():
            staff_acts.record_all(staff_id(request), "webhook replayed", chosen.exclude(subject=""))
            count = inbox.replay(chosen)
        skipped = chosen.count() - count
        text = ngettext("%d webhook is handled again.", "%d webhooks are handled again.", count)
        messages.success(request, text % count)
        if skipped:
            messages.warning(request, _("%d name no store that is known.") % skipped)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Replaying repeats what Shopify asked for: whoever may change deliveries may do it."""
        return request.user.has_perm("shopify_auth.change_webhookdelivery")
