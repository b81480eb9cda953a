"""Forms with which staff correct balances. Each carries a key, so a second press changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from credits import ledger
from credits.admin.server_keys import ServerKeyField
from credits.arguments import MAX_CREDITS
from credits.models import Account, LedgerEntry, Plan, RestorationCase
from credits.outcomes import cases
from credits.queries import Balance, balance_of


class _Reason(forms.CharField):
    def __init__(self) -> None:
        super().__init__(
            label=_("Reason"),
            max_length=2000,
            widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
            help_text=_("Required. The merchant reads it beside the entry."),
        )


class AdjustmentForm(forms.Form):
    """Plus or minus credits in one bucket."""

    bucket = forms.ChoiceField(
        label=_("Bucket"), choices=[("plan", _("Plan")), ("package", _("Package"))]
    )
    credits = forms.IntegerField(
        label=_("Credits"),
        min_value=-MAX_CREDITS,
        max_value=MAX_CREDITS,
        help_text=_("Plus gives, minus takes. A bucket never falls below zero."),
    )
    reason = _Reason()
    key = ServerKeyField()

    def __init__(self, account: Account, now: datetime, *args: Any, **kwargs: Any) -> None:
        self.account, self.now = account, now
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        """Refuse zero, and what would take a bucket below zero."""
        data = super().clean() or {}
        credits, bucket = data.get("credits"), data.get("bucket")
        if credits is None or not bucket:
            return data
        if credits == 0:
            raise ValidationError(gettext("An adjustment changes something: plus or minus."))
        held = self._held(bucket)
        if held + credits < 0:
            raise ValidationError(
                gettext("The %(bucket)s bucket holds %(held)d credits; at most that can be taken.")
                % {"bucket": bucket, "held": held}
            )
        return data

    @property
    def balance(self) -> Balance:
        """The balance before the adjustment."""
        return balance_of(self.account, self.now)

    @property
    def preview(self) -> tuple[int, int]:
        """Plan and package credits as they will be."""
        plan, package = self.balance.plan, self.balance.package
        if self.cleaned_data["bucket"] == "plan":
            return plan + self.cleaned_data["credits"], package
        return plan, package + self.cleaned_data["credits"]

    def save(self, staff_id: int) -> LedgerEntry:
        """Write the adjustment, once for this form."""
        data = self.cleaned_data
        return ledger.adjust(
            self.account.pk,
            data["bucket"],
            data["credits"],
            key=data["key"],
            actor=f"staff:{staff_id}",
            reason=data["reason"],
            now=self.now,
        )

    def _held(self, bucket: str) -> int:
        return self.balance.plan if bucket == "plan" else self.balance.package


class GrantForm(forms.Form):
    """A plan granted by staff; it renews by itself in calendar months."""

    plan = forms.ModelChoiceField(Plan.objects.order_by("position"), label=_("Plan"))
    anchor = forms.SplitDateTimeField(
        label=_("Counted from"), help_text=_("Its day and time are the account's billing date.")
    )
    reason = _Reason()
    key = ServerKeyField()

    def __init__(self, account: Account, now: datetime, *args: Any, **kwargs: Any) -> None:
        self.account, self.now = account, now
        kwargs.setdefault("initial", {"anchor": now.replace(microsecond=0)})
        super().__init__(*args, **kwargs)

    def clean_anchor(self) -> datetime:
        """An instant that has come."""
        anchor: datetime = self.cleaned_data["anchor"]
        if anchor > self.now:
            raise ValidationError(gettext("A staff plan is counted from an instant that has come."))
        return anchor

    def save(self, staff_id: int) -> LedgerEntry:
        """Grant the plan, once for this form."""
        data = self.cleaned_data
        return ledger.grant_plan(
            self.account.pk,
            data["plan"],
            anchor=data["anchor"],
            key=data["key"],
            actor=f"staff:{staff_id}",
            reason=data["reason"],
            now=self.now,
        )


class DecisionForm(forms.Form):
    """Approve or decline a restoration case."""

    reason = _Reason()

    def save(
        self, case: RestorationCase, staff: Any, *, approved: bool, now: datetime
    ) -> RestorationCase:
        """Decide the case. Raises what `cases.approve` and `decline` raise."""
        decide = cases.approve if approved else cases.decline
        return decide(case, staff, self.cleaned_data["reason"], now)
