"""An account: whose credits they are, and how its plan period stands."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from credits.models.offers import Plan
from credits.periods import PeriodKind, PlanBucket


class Account(models.Model):
    """One merchant's credits. Its two balances are a cache of its entries, kept in step by `ledger`.

    No column that a spend changes has an index, so PostgreSQL updates the row in place. The
    balances alone are unsigned columns, which the database checks: none ever falls below zero. A
    check of any other column would be compiled and run again for every spend.
    """

    class Period(models.TextChoices):
        NONE = "none", _("No plan")
        TRIAL = "trial", _("Free trial")
        PAID = "paid", _("Subscription")
        STAFF = "staff", _("Granted plan")
        REMAINDER = "remainder", _("Remainder")

    name = models.CharField(max_length=200, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    time_zone_chosen = models.BooleanField(
        default=False, help_text=_("By the merchant: the store's own zone is not followed then.")
    )
    store_time_zone = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text=_("The store's own zone as last read, for when it is followed again."),
    )
    opened_at = models.DateTimeField()

    plan_balance = models.PositiveBigIntegerField(default=0)
    package_balance = models.PositiveBigIntegerField(default=0)
    version = models.BigIntegerField(default=0, help_text=_("Sequence of the last entry."))
    last_entry_at = models.DateTimeField(null=True)
    last_entry_day = models.DateField(null=True)

    period_kind = models.CharField(max_length=10, choices=Period, default=Period.NONE)
    plan = models.ForeignKey(Plan, models.PROTECT, null=True, blank=True, related_name="+")
    allocation = models.IntegerField(default=0)
    anchor = models.DateTimeField(null=True, blank=True)
    period_start = models.DateTimeField(null=True, blank=True)
    period_end = models.DateTimeField(null=True, blank=True)
    period_sequence = models.BigIntegerField(
        default=0, help_text=_("First entry of the running period.")
    )
    due_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the period's end has to be booked.")
    )

    retired_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("When its owner came to a store's account: its trial days stop."),
    )
    ask_above = models.IntegerField(
        null=True,
        blank=True,
        help_text=_("What costs more credits than this needs an owner's word; empty for no limit."),
    )

    low_threshold = models.IntegerField(null=True, blank=True)
    low_at = models.IntegerField(default=50)
    low_mailed_period = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(period_start__isnull=True, period_end__isnull=True)
                | Q(period_start__lt=F("period_end")),
                name="account_period_has_a_length",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="account_due", condition=Q(due_at__isnull=False)),
        ]
        permissions: ClassVar = [
            ("grant_plan", "Can grant a plan"),
            ("see_as_merchant", "Can see what a merchant sees"),
        ]

    def __str__(self) -> str:
        return self.name or f"Account {self.pk}"

    @property
    def bucket(self) -> PlanBucket:
        """The plan credits as last written; `periods.advance` says what they are now."""
        kind: PeriodKind = self.period_kind  # type: ignore[assignment]
        return PlanBucket(
            kind=kind,
            credits=self.plan_balance,
            allocation=self.allocation,
            # A retired workspace's trial ends with its running day.
            anchor=self.anchor if self.retired_at is None else None,
            start=self.period_start,
            end=self.period_end,
            settled=self.due_at is None,
        )
