"""Forms with which staff correct balances. Each carries a key, so a second press changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from credits.admin.server_keys import ServerKeyField
from credits.arguments import MAX_CREDITS
from credits.models import Account, Plan, RestorationCase
from credits.models.corrections import Correction
from credits.outcomes import cases
from credits.outcomes.corrections import Wanted
from credits.queries import Balance, balance_of


class _Reason(forms.CharField):
    def __init__(self) -> None:
        super().__init__(
            label=_("Reason"),
            max_length=2000,
            widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
            help_text=_("Required. The merchant reads it beside the entry."),
        )


class _CorrectionForm(forms.Form):
    """What every correction is asked: a reason code, the words beside the entry, a key of ours."""

    code = forms.ChoiceField(label=_("Kind of reason"), choices=Correction.Code.choices)
    reason = _Reason()
    key = ServerKeyField()

    def __init__(self, account: Account, now: datetime, *args: Any, **kwargs: Any) -> None:
        self.account, self.now = account, now
        super().__init__(*args, **kwargs)

    @property
    def balance(self) -> Balance:
        """The balance before the correction."""
        return balance_of(self.account, self.now)

    def _wanted(self, credits: int, **what: Any) -> Wanted:
        data = self.cleaned_data
        return Wanted(
            self.account.pk, data["key"], data["code"], data["reason"].strip(), credits, **what
        )


class AdjustmentForm(_CorrectionForm):
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
    field_order = ["bucket", "credits", "code", "reason", "key"]

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
    def wanted(self) -> Wanted:
        """The adjustment."""
        return self._wanted(self.cleaned_data["credits"], bucket=self.cleaned_data["bucket"])

    def _held(self, bucket: str) -> int:
        return self.balance.plan if bucket == "plan" else self.balance.package


class GrantForm(_CorrectionForm):
    """A plan granted by staff; it renews by itself in calendar months."""

    plan = forms.ModelChoiceField(Plan.objects.order_by("position"), label=_("Plan"))
    anchor = forms.SplitDateTimeField(
        label=_("Counted from"), help_text=_("Its day and time are the account's billing date.")
    )
    field_order = ["plan", "anchor", "code", "reason", "key"]

    def __init__(self, account: Account, now: datetime, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"anchor": now.replace(microsecond=0)})
        super().__init__(account, now, *args, **kwargs)

    def clean_anchor(self) -> datetime:
        """An instant that has come."""
        anchor: datetime = self.cleaned_data["anchor"]
        if anchor > self.now:
            raise ValidationError(gettext("A staff plan is counted from an instant that has come."))
        return anchor

    @property
    def wanted(self) -> Wanted:
        """The grant, with the credits that the plan has now."""
        plan: Plan = self.cleaned_data["plan"]
        return self._wanted(plan.credits, plan=plan, anchor=self.cleaned_data["anchor"])


class DecisionForm(forms.Form):
    """Approve or decline a restoration case."""

    reason = _Reason()

    def save(
        self, case: RestorationCase, staff: Any, *, approved: bool, now: datetime
    ) -> RestorationCase:
        """Decide the case. Raises what `cases.approve` and `decline` raise."""
        decide = cases.approve if approved else cases.decline
        return decide(case, staff, self.cleaned_data["reason"], now)
