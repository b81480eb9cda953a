"""The staff admin of charges. Staff ask Shopify again; nobody edits what was bought."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from credits import staff_acts
from credits.admin.read_only import ReadOnlyAdmin
from credits.admin.recorded import staff_id
from ecomvance_app import clock
from shopify_auth.admin_api.errors import ShopifyError
from shopify_auth.billing import clawbacks, reconcile
from shopify_auth.models import (
    BillingCheck,
    BillingDifference,
    Purchase,
    Shop,
    Subscription,
)


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
        staff_acts.record(staff_id(request), "charges compared", shop, account_id=shop.account_id)
        try:
            changes = reconcile.reconcile_charges(shop)
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


class ClawbackForm(forms.Form):
    """Why a purchase's credits are taken back."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=gettext_lazy("Required. The merchant reads it beside the entry."),
    )


@admin.register(Purchase)
class PurchaseAdmin(_ComparableAdmin):
    """Packages as they were sold, whether their credits were granted, and taken back."""

    list_display = [
        "name", "shop", "status", "price", "credits", "granted_at", "clawed_back_at", "created_at",
    ]  # fmt: skip
    list_filter = ["status", "handle", "test", ("clawed_back_at", admin.EmptyFieldListFilter)]
    search_fields = ["gid", "receipt", "shop__domain", "shop__name"]
    ordering = ["-created_at"]
    exclude = ["reference", "confirmation_url"]

    def get_urls(self) -> list[URLPattern]:
        """Adds the claw-back."""
        claw_back = self.admin_site.admin_view(self.claw_back)
        return [
            path("<int:purchase_id>/claw-back/", claw_back, name="shopify_auth_purchase_claw_back"),
            *super().get_urls(),
        ]

    def claw_back(self, request: HttpRequest, purchase_id: int) -> HttpResponse:
        """Take a purchase's credits back after Shopify has reversed the charge."""
        if request.user.pk is None or not request.user.has_perm("shopify_auth.change_purchase"):
            raise PermissionDenied
        purchase = get_object_or_404(Purchase, pk=purchase_id)
        back = HttpResponseRedirect(
            reverse("admin:shopify_auth_purchase_change", args=[purchase_id])
        )
        form = ClawbackForm(request.POST or None)
        try:
            preview = clawbacks.preview(purchase)
            if request.method == "POST" and form.is_valid():
                done = self._take_back(request, purchase, form.cleaned_data["reason"])
                text = _("%(taken)d credits were taken back; %(used)d had been used before.")
                words = text % {"taken": done.taken, "used": done.used}
                self.message_user(request, words, messages.SUCCESS)
                return back
        except clawbacks.ClawbackRefused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return back
        context = self.admin_site.each_context(request) | {
            "title": _("Take credits back"),
            "purchase": purchase,
            "preview": preview,
            "form": form,
            "opts": self.opts,
        }
        return render(request, "admin/shopify_auth/purchase/claw_back.html", context)

    def _take_back(
        self, request: HttpRequest, purchase: Purchase, reason: str
    ) -> clawbacks.Clawback:
        with transaction.atomic():
            done = clawbacks.take_back(purchase, staff_id(request), reason, clock.now())
            staff_acts.record(
                staff_id(request), "purchase clawed back", purchase,
                account_id=done.account.pk, words=reason,
            )  # fmt: skip
        return done


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
        with transaction.atomic():
            opened = list(chosen.select_for_update(of=("self",)).filter(resolved_at=None))
            staff_acts.record_all(staff_id(request), "difference dealt with", opened)
            count = BillingDifference.objects.filter(pk__in=[row.pk for row in opened]).update(
                resolved_at=clock.now()
            )
        text = ngettext("%d difference is dealt with.", "%d differences are dealt with.", count)
        self.message_user(request, text % count, messages.SUCCESS)
