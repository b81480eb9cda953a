"""Ledger entries, append-only, and what is kept beside them: words, the sums of days, passes of the check."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from credits.models.accounts import Account


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
