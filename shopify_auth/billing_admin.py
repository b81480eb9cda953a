"""The staff admin of charges. Staff ask Shopify again; nobody edits what was bought."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from ecomvance_app import clock
from shopify_auth import billing
from shopify_auth.errors import ShopifyError
from shopify_auth.models import (
    BillingCheck,
    BillingDifference,
    Purchase,
    Shop,
    Subscription,
)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Generic for type checkers alone.
    """Staff look and never touch."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class _ComparableAdmin(ReadOnlyAdmin):
    """Rows of a store, with the button that compares the store's charges with Shopify's."""

    actions = ["compare"]
    list_select_related = ["shop"]

    @admin.action(description=gettext_lazy("Compare with Shopify now"), permissions=["compare"])
    def compare(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        """Do at once what the schedule does later; what was wrong is put right."""
        shops = Shop.objects.filter(pk__in=chosen.values("shop_id"))
        compare_shops(self, request, shops)

    def has_compare_permission(self, request: HttpRequest) -> bool:
        """Comparing grants what a merchant has paid for, so it takes the right to change checks."""
        return request.user.has_perm("shopify_auth.change_billingcheck")


def compare_shops(model_admin: ReadOnlyAdmin, request: HttpRequest, shops: Iterable[Shop]) -> None:
    """Bring each store in line and tell staff what came of it."""
    for shop in shops:
        try:
            changes = billing.bring_in_line(shop)
        except ShopifyError as error:
            model_admin.message_user(request, f"{shop}: {error}", messages.ERROR)
            continue
        count = len(changes.corrected)
        text = ngettext("%d charge was put right.", "%d charges were put right.", count)
        model_admin.message_user(request, f"{shop}: {text % count}", messages.SUCCESS)


@admin.register(Subscription)
class SubscriptionAdmin(_ComparableAdmin):
    """Plans as they were sold, and where they stand."""

    list_display = ["name", "shop", "status", "price", "credits", "granted_until", "created_at"]
    list_filter = ["status", "handle", "test"]
    search_fields = ["gid", "receipt", "shop__domain", "shop__name"]
    ordering = ["-created_at"]
    exclude = ["reference", "confirmation_url"]


@admin.register(Purchase)
class PurchaseAdmin(_ComparableAdmin):
    """Packages as they were sold, and whether their credits were granted."""

    list_display = ["name", "shop", "status", "price", "credits", "granted_at", "created_at"]
    list_filter = ["status", "handle", "test"]
    search_fields = ["gid", "receipt", "shop__domain", "shop__name"]
    ordering = ["-created_at"]
    exclude = ["reference", "confirmation_url"]


@admin.register(BillingCheck)
class BillingCheckAdmin(_ComparableAdmin):
    """When each store was compared last, why it could not be, and when it is due again."""

    list_display = ["shop", "checked_at", "due_at", "failures", "error"]
    list_filter = [("due_at", admin.EmptyFieldListFilter), "failures"]
    search_fields = ["shop__domain", "shop__name"]
    ordering = ["-failures", "due_at"]


@admin.register(BillingDifference)
class BillingDifferenceAdmin(_ComparableAdmin):
    """What staff should look at."""

    list_display = ["noticed_at", "shop", "kind", "gid", "detail", "resolved_at"]
    list_filter = ["kind", ("resolved_at", admin.EmptyFieldListFilter)]
    search_fields = ["gid", "shop__domain", "shop__name"]
    ordering = ["-noticed_at"]
    actions = ["compare", "resolve"]

    @admin.action(description=gettext_lazy("Mark as dealt with"), permissions=["compare"])
    def resolve(self, request: HttpRequest, chosen: QuerySet[BillingDifference]) -> None:
        """Take the chosen ones off the list of what is open."""
        count = chosen.filter(resolved_at=None).update(resolved_at=clock.now())
        text = ngettext("%d difference is dealt with.", "%d differences are dealt with.", count)
        self.message_user(request, text % count, messages.SUCCESS)
