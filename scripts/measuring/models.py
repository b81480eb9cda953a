"""Tables of the naive ledger that `ledger.spend` is measured against; in benchmarks only."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

PLENTY = 900_000_000


class NaiveAccount(models.Model):
    """A balance column and nothing else."""

    balance = models.BigIntegerField(default=PLENTY)

    objects: ClassVar[models.Manager[NaiveAccount]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.pk}: {self.balance}"


class NaiveEntry(models.Model):
    """A history of changes, without key, sequence or trigger."""

    account = models.ForeignKey(NaiveAccount, models.PROTECT, related_name="entries")
    amount = models.BigIntegerField()
    balance_after = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager[NaiveEntry]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.account}: {self.amount:+d}"
