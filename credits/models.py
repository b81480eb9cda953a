"""Accounts, their ledger, and what operators configure. Balances are written by `ledger` alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from credits.arguments import MAX_CREDITS
from credits.periods import PeriodKind, PlanBucket
from credits.staff_acts import StaffAct, StaffWords  # noqa: F401 - Django finds models here.
from credits.staff_models import Correction, Incident, IncidentRun  # noqa: F401 - and these.

# What one ledger entry can grant.
GRANTABLE = [MinValueValidator(1), MaxValueValidator(MAX_CREDITS)]


class Plan(models.Model):
    """A subscription plan on sale: credits per billing cycle. Edited by operators.

    Accounts and entries keep the figures they were granted by; a change here touches neither.
    """

    handle = models.SlugField(unique=True)
    name = models.CharField(max_length=60)
    price_usd = models.DecimalField(max_digits=8, decimal_places=2)
    credits = models.PositiveIntegerField(
        help_text=_("Credits per billing cycle."), validators=GRANTABLE
    )
    on_sale = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Package(models.Model):
    """A one-time purchase on sale: credits that never expire. Edited by operators."""

    handle = models.SlugField(unique=True)
    name = models.CharField(max_length=60)
    price_usd = models.DecimalField(max_digits=8, decimal_places=2)
    credits = models.PositiveIntegerField(validators=GRANTABLE)
    on_sale = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


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


class LedgerClosedError(TypeError):
    """Somebody other than `credits.ledger` tried to write ledger entries."""

    def __init__(self) -> None:
        super().__init__("Ledger entries are written by credits.ledger and never changed.")


class LedgerEntryQuerySet(models.QuerySet["LedgerEntry"]):
    """Reads as any other; of the writes only `append`, which `credits.ledger` calls."""

    def append(self, entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
        """Insert new entries in one statement. For `credits.ledger` only."""
        return super().bulk_create(list(entries))

    def _refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise LedgerClosedError

    create = get_or_create = update_or_create = _refuse
    bulk_create = bulk_update = update = delete = _refuse


class LedgerEntry(models.Model):
    """One change of one balance; rows are never changed or deleted, by the database's own word.

    Holds opaque ids and codes only: names and free text live in tables that can be erased.
    """

    class Kind(models.TextChoices):
        TRIAL_GRANT = "trial_grant", _("Trial credits")
        PLAN_GRANT = "plan_grant", _("Plan credits")
        EXPIRE = "expire", _("Expired")
        SPEND = "spend", _("Used")
        PACKAGE = "package", _("Package purchased")
        RESTORE = "restore", _("Restored")
        ADJUST = "adjust", _("Balance adjust")

    # What a charge brings; an account has few of these, however much it spends.
    FROM_CHARGES: ClassVar = [Kind.PLAN_GRANT, Kind.PACKAGE, Kind.ADJUST]

    account = models.ForeignKey(Account, models.PROTECT, related_name="entries", db_index=False)
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=Kind)
    plan_delta = models.BigIntegerField()
    package_delta = models.BigIntegerField()
    plan_after = models.PositiveBigIntegerField()
    package_after = models.PositiveBigIntegerField()
    key = models.CharField(max_length=200)
    tool = models.CharField(max_length=60, blank=True)
    reference = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=100, blank=True)
    plan = models.CharField(max_length=50, blank=True)
    allocation = models.IntegerField(default=0)
    period_start = models.DateTimeField(null=True)
    period_end = models.DateTimeField(null=True)
    restores = models.OneToOneField("self", models.PROTECT, null=True, related_name="restoration")
    lapsed = models.BigIntegerField(default=0)
    day = models.DateField()
    created_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    objects = LedgerEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("ledger entries")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "sequence"], name="entry_sequence"),
            models.UniqueConstraint(fields=["account", "key"], name="entry_key"),
            models.CheckConstraint(
                condition=~Q(plan_delta=0, package_delta=0), name="entry_changes_something"
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=["trial_grant", "plan_grant"], plan_delta__gt=0, package_delta=0
                )
                | Q(kind="expire", plan_delta__lt=0, package_delta=0)
                | Q(kind="spend", plan_delta__lte=0, package_delta__lte=0)
                | Q(kind="package", plan_delta=0, package_delta__gt=0)
                | Q(
                    kind="restore",
                    plan_delta__gte=0,
                    package_delta__gte=0,
                    restores__isnull=False,
                )
                | Q(kind="adjust", plan_delta=0)
                | Q(kind="adjust", package_delta=0),
                name="entry_deltas_match_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind="restore") | Q(restores__isnull=True),
                name="entry_only_restorations_restore",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "day", "sequence"], name="entry_day"),
            models.Index(
                fields=["account", "period_end"],
                name="entry_period_grants",
                condition=Q(kind="plan_grant"),
            ),
            # A spend is not in it and costs nothing more.
            models.Index(
                fields=["account", "reference"],
                name="entry_charges",
                condition=Q(kind__in=["plan_grant", "package", "adjust"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}/{self.sequence} {self.kind} {self.credits:+d}"

    def save(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise LedgerClosedError

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise LedgerClosedError

    @property
    def credits(self) -> int:
        """The whole change, both buckets together."""
        return self.plan_delta + self.package_delta


class EntryNote(models.Model):
    """The free text beside an entry (why staff adjusted), kept apart because it can be erased."""

    entry = models.OneToOneField(LedgerEntry, models.PROTECT, related_name="note")
    text = models.TextField()

    def __str__(self) -> str:
        return self.text


class DailyUsage(models.Model):
    """Sums of entries by local day, kind, tool and actor, written in the entries' own transaction.

    Reports read these few rows instead of a month of entries; they add up to the entries exactly.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="daily_usage", db_index=False)
    day = models.DateField()
    kind = models.CharField(max_length=12, choices=LedgerEntry.Kind)
    tool = models.CharField(max_length=60, blank=True)
    actor = models.CharField(max_length=100, blank=True)
    entries = models.IntegerField()
    plan_delta = models.BigIntegerField()
    package_delta = models.BigIntegerField()

    class Meta:
        verbose_name_plural = _("daily usage")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "day", "kind", "tool", "actor"], name="daily_usage_line"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.day} {self.kind} {self.tool}"


class OutcomeRule(models.Model):
    """What becomes of the credits for each way a run can end. Seeded from the product document.

    Source: "Credit Restoration Eligibility". An operator may set platform errors to `automatic`.
    """

    class Policy(models.TextChoices):
        CONSUMED = "consumed", _("Credits are used")
        CASE = "case", _("Staff decide")
        AUTOMATIC = "automatic", _("Restored at once")
        RETURNED = "returned", _("Given back: no processing had begun")
        KEPT = "kept", _("Not restored")

    outcome = models.CharField(max_length=30, unique=True)
    policy = models.CharField(max_length=10, choices=Policy)
    rule = models.CharField(max_length=200, help_text=_("The document's row, shown to merchants."))

    def __str__(self) -> str:
        return self.outcome


class RestorationCase(models.Model):
    """A platform error that took credits: staff approve or decline the restoration, once."""

    class State(models.TextChoices):
        OPEN = "open", _("Waiting for a decision")
        APPROVED = "approved", _("Restored")
        DECLINED = "declined", _("Declined")

    account = models.ForeignKey(Account, models.PROTECT, related_name="restoration_cases")
    spend = models.OneToOneField(LedgerEntry, models.PROTECT, related_name="case")
    outcome = models.CharField(max_length=30)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    opened_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reason = models.TextField(blank=True)
    restoration = models.OneToOneField(
        LedgerEntry, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state="open", decided_at__isnull=True)
                | (~Q(state="open") & Q(decided_at__isnull=False) & ~Q(reason="")),
                name="case_decision_has_time_and_reason",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["opened_at"], name="case_open", condition=Q(state="open")),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} of entry {self.spend_id}: {self.state}"


class AlertRecipient(models.Model):
    """Who gets an account's mails, once they have agreed. Kept apart from the account: it is erased."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="alert_recipients")
    email = models.EmailField()
    enabled = models.BooleanField(default=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Until then it gets no mail but the one that asks.")
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "email"], name="alert_recipient_once"),
        ]

    def __str__(self) -> str:
        return self.email


class NoticeChoice(models.Model):
    """Whether an account wants mails of one kind. Without a row, as the table of kinds says."""

    class Kind(models.TextChoices):
        LOW = "low", _("Low credits")
        ZERO = "zero", _("No credits left")
        RUN_FAILED = "run_failed", _("Run failed")
        BATCH_DONE = "batch_done", _("Batch done")
        RENEWAL = "renewal", _("Renewal")
        CHARGE = "charge", _("Charge")
        TRIAL_END = "trial_end", _("End of the trial")
        APPROVAL = "approval", _("Approval asked for")
        EXPIRING = "expiring", _("Results that expire")

    account = models.ForeignKey(Account, models.CASCADE, related_name="notice_choices")
    kind = models.CharField(max_length=12, choices=Kind)
    is_on = models.BooleanField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "kind"], name="notice_choice_once"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.kind}: {self.is_on}"


class Notice(models.Model):
    """One mail to an account's addresses, once for its kind and key. Its words can be erased."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=12, choices=NoticeChoice.Kind)
    key = models.CharField(max_length=100, help_text=_("What it tells of, by an id of ours."))
    subject = models.CharField(max_length=200)
    text = models.TextField()
    path = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "kind", "key"], name="notice_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["created_at"], name="notice_unmailed", condition=Q(mailed_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.kind} {self.key}"


class LowCreditAlert(models.Model):
    """One crossing of the low-credit threshold, written in the transaction that crossed it."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="low_credit_alerts")
    entry = models.OneToOneField(LedgerEntry, models.PROTECT, related_name="+")
    threshold = models.PositiveIntegerField()
    remaining = models.PositiveBigIntegerField()
    created_at = models.DateTimeField()
    to_mail = models.BooleanField(help_text=_("The first crossing of its period."))
    mailed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.account_id}: {self.remaining} of {self.threshold}"


class LedgerPass(models.Model):
    """One walk of the nightly check through all accounts, in the order of their ids."""

    started_at = models.DateTimeField()
    moved_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    checked_to = models.BigIntegerField(
        default=0, help_text=_("The last account that was checked.")
    )
    entries = models.PositiveBigIntegerField(default=0, help_text=_("Entries recomputed so far."))
    found = models.PositiveIntegerField(default=0, help_text=_("Problems that were found."))

    class Meta:
        verbose_name_plural = "ledger passes"

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}: {self.found}"
