"""One change of one account, from the lock to the last row: lock, once, compose, write.

`lock` takes the account's row; `once` also looks the idempotency key up under that lock. The
`Journal` they give composes entries in memory and `Journal.write` writes them. The first write comes
after the last refusal, so a refusal leaves nothing behind and needs no savepoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from credits import periods
from credits.accounts import alerts, news
from credits.arguments import check_account_id, check_key, check_now
from credits.models import Account, EntryNote, LedgerEntry
from credits.periods import PlanBucket
from credits.refusals import KeyConflict, UnknownAccount
from credits.signals import balance_changed

Kind = LedgerEntry.Kind


def open_transaction() -> AbstractContextManager[object]:
    """The caller's transaction where there is one: refusals come before the first write."""
    return nullcontext() if connection.in_atomic_block else transaction.atomic()


def lock(account_id: object, now: datetime) -> Journal:
    """The account's journal, its row locked to the end of the transaction."""
    found = Account.objects.select_for_update().filter(pk=check_account_id(account_id))
    account = found.first()
    if account is None:
        raise UnknownAccount(f"There is no account {account_id!r}")
    return Journal(account, now)


@contextmanager
def once(account_id: int, key: str, now: datetime | None) -> Iterator[Journal]:
    """A transaction with the account locked and the key looked up under that lock.

    The verb answers with `repeated` where the journal says that the key is `known`; else it posts
    its entry and calls `write`.
    """
    check_key(key)
    now = check_now(now)
    with open_transaction():
        journal = lock(account_id, now)
        journal.known = journal.find([key]).get(key)
        yield journal


def repeated(known: LedgerEntry, *, same: bool) -> LedgerEntry:
    """The answer to a known key: the first entry, where the `same` was asked; else KeyConflict."""
    if not same:
        raise KeyConflict(known.key)
    return known


def announce(account_id: int, version: int) -> None:
    """Tell whoever listens, after commit, that a balance changed."""
    transaction.on_commit(
        partial(balance_changed.send_robust, sender=None, account_id=account_id, version=version)
    )


class Journal:
    """An account as it stands at `now`, and the entries that bring its row there.

    What time has brought (`periods.advance`) is worked out at once and posted before anything
    else; the balances seen here are always the ones after it.
    """

    def __init__(self, account: Account, now: datetime) -> None:
        self.account = account
        self.now = max(now, account.last_entry_at or now)
        self.package = account.package_balance
        self.bucket, self._dues = periods.advance(account.bucket, self.now)
        self.entries: list[LedgerEntry] = []
        self.known: LedgerEntry | None = None  # What used the key before; set by `once`.
        self._period_sequence = account.period_sequence
        self._settled = False
        self._before = self.available

    @property
    def available(self) -> int:
        """What both buckets hold together."""
        return self.bucket.credits + self.package

    @property
    def is_running(self) -> bool:
        """Whether a plan period is running."""
        return self.bucket.is_running(self.now)

    def is_current(self, entry: LedgerEntry) -> bool:
        """Whether the entry belongs to the plan period that is running."""
        first = self.account.period_sequence
        return self.is_running and not self._dues and entry.sequence >= first

    def find(self, keys: list[str]) -> dict[str, LedgerEntry]:
        """The entries of the account that used these keys."""
        entries = LedgerEntry.objects.filter(account_id=self.account.pk, key__in=keys)
        return {entry.key: entry for entry in entries}

    def granted_until(self, period_end: datetime | None) -> list[LedgerEntry]:
        """The plan grants of one period end, oldest first: those written, then those about to be."""
        written = LedgerEntry.objects.filter(
            account_id=self.account.pk, kind=Kind.PLAN_GRANT, period_end=period_end
        ).order_by("sequence")
        posted = (entry for entry in self.entries if entry.kind == Kind.PLAN_GRANT)
        return [*written, *(entry for entry in posted if entry.period_end == period_end)]

    def settle(self, *, grants: bool = True) -> None:
        """Post the expiries and grants that time has brought; a second call posts nothing.

        Without `grants` the next period stays due: its grant comes with the first real write.
        """
        if self._settled:
            return
        self._settled = True
        reached, self.bucket = self.bucket, self.account.bucket
        for due in self._dues:
            if due.kind == "grant" and not grants:
                self.bucket = replace(self.account.bucket, credits=0)
                return
            if due.kind == "expire":
                self._append(Kind.EXPIRE, -due.credits, 0, self._expiry_key(), at=due.at)
                self.bucket = due.bucket
            else:
                self._change_bucket(replace(due.bucket, credits=0))
                key = f"auto:{due.bucket.kind}:{due.at.isoformat()}"
                self._grant(due.bucket, key, at=due.at)
        if reached != self.bucket:
            self._change_bucket(reached)

    def post(
        self, kind: str, plan_delta: int, package_delta: int, key: str, **fields: Any
    ) -> LedgerEntry:
        """Post one entry, after whatever was due before it."""
        self.settle()
        return self._append(kind, plan_delta, package_delta, key, **fields)

    def open_period(
        self, bucket: PlanBucket, key: str, granted: int = 0, **fields: Any
    ) -> LedgerEntry:
        """Let the running plan credits expire and grant the allocation of a new period.

        `granted` is what this period end has been granted before; only the rest is added.
        """
        self.settle()
        if self.bucket.credits:
            self._append(Kind.EXPIRE, -self.bucket.credits, 0, self._expiry_key())
        self._change_bucket(replace(bucket, credits=0, settled=False))
        return self._grant(bucket, key, granted, **fields)

    def raise_allocation(
        self, bucket: PlanBucket, key: str, granted: int, **fields: Any
    ) -> LedgerEntry:
        """Add to the running period what a larger allocation exceeds the `granted` one by."""
        self.settle()
        self.bucket = replace(
            self.bucket, kind=bucket.kind, allocation=bucket.allocation, anchor=bucket.anchor
        )
        return self._grant(bucket, key, granted, **fields)

    def open_remainder(self) -> None:
        """Open a running period of its own for plan credits that come back while none runs."""
        self.settle()
        end = self.now + periods.REMAINDER_PERIOD
        self._change_bucket(PlanBucket(kind="remainder", start=self.now, end=end, settled=False))

    def write(self, *, note: str = "", may_alert: bool = False) -> None:
        """Write the posted entries, the account's cached columns and the day's sums.

        `note` is the free text beside the last entry. `may_alert` says that these entries may raise
        the low-credit alert: a spend's and an adjustment's do, a reset's never.
        """
        account, allocation = self.account, self.account.allocation
        self._apply()
        LedgerEntry.objects.append(self.entries)
        if account.allocation != allocation:
            account.low_at = alerts.threshold(account.low_threshold, account.allocation)
        if may_alert:
            self._tell_low(self.entries[-1])
        account.save(update_fields=_CACHED)
        self._add_usage()
        if note:
            EntryNote.objects.create(entry=self.entries[-1], text=note)
        if self.entries:
            announce(account.pk, account.version)

    # --- Behind them -----------------------------------------------------------------------------

    def _apply(self) -> None:
        """Set the account's cached columns to what the entries make them."""
        self.settle()
        account, bucket = self.account, self.bucket
        account.plan_balance, account.package_balance = bucket.credits, self.package
        account.version += len(self.entries)
        if self.entries:
            account.last_entry_at = self.entries[-1].created_at
            account.last_entry_day = self.entries[-1].day
        account.period_kind, account.allocation = bucket.kind, bucket.allocation
        account.anchor = bucket.anchor
        account.period_start, account.period_end = bucket.start, bucket.end
        account.due_at = None if bucket.settled else bucket.end
        account.period_sequence = self._period_sequence
        if bucket.kind not in ("paid", "staff"):
            account.plan = None

    def _tell_low(self, entry: LedgerEntry) -> None:
        """Keep a crossing of the threshold; tell of zero, unless the warning's mail says it."""
        is_told = self._crosses(self.account.low_at) and alerts.raise_alert(self.account, entry)
        if self._before > self.available == 0 and not is_told:
            news.tell_zero(self.account, entry)

    def _crosses(self, threshold: int) -> bool:
        """Whether the entries posted after the dues take the total to the threshold or below."""
        return self._before > threshold >= self.available

    def _add_usage(self) -> None:
        sums: dict[tuple[Any, ...], list[int]] = {}
        for entry in self.entries:
            line = sums.setdefault((entry.day, entry.kind, entry.tool, entry.actor), [0, 0, 0])
            line[0] += 1
            line[1] += entry.plan_delta
            line[2] += entry.package_delta
        with connection.cursor() as cursor:
            for line_key, line in sums.items():
                cursor.execute(_ADD_USAGE, [self.account.pk, *line_key, *line])

    @property
    def _next_sequence(self) -> int:
        return self.account.version + len(self.entries) + 1

    def _expiry_key(self) -> str:
        return f"auto:expire:{self._next_sequence}"

    def _change_bucket(self, bucket: PlanBucket) -> None:
        self.bucket = bucket
        self._period_sequence = self._next_sequence

    def _grant(self, bucket: PlanBucket, key: str, granted: int = 0, **fields: Any) -> LedgerEntry:
        kind = Kind.TRIAL_GRANT
        if bucket.kind != "trial":
            kind = Kind.PLAN_GRANT
            fields["plan"] = self.account.plan.handle if self.account.plan else ""
        return self._append(
            kind,
            bucket.allocation - granted,
            0,
            key,
            allocation=bucket.allocation,
            period_start=bucket.start,
            period_end=bucket.end,
            **fields,
        )

    def _append(
        self,
        kind: str,
        plan_delta: int,
        package_delta: int,
        key: str,
        at: datetime | None = None,
        **fields: Any,
    ) -> LedgerEntry:
        last_at, last_day = self.account.last_entry_at, self.account.last_entry_day
        if self.entries:
            last_at, last_day = self.entries[-1].created_at, self.entries[-1].day
        created_at = max(at or self.now, last_at or at or self.now)
        day = periods.local_day(created_at, self.account.time_zone)
        self.bucket = replace(self.bucket, credits=self.bucket.credits + plan_delta)
        self.package += package_delta
        entry = LedgerEntry(
            account_id=self.account.pk,
            sequence=self._next_sequence,
            kind=kind,
            plan_delta=plan_delta,
            package_delta=package_delta,
            plan_after=self.bucket.credits,
            package_after=self.package,
            key=key,
            # A day never goes back, also when the account moves to another time zone.
            day=max(day, last_day or day),
            created_at=created_at,
            recorded_at=timezone.now(),
            **fields,
        )
        self.entries.append(entry)
        return entry


_CACHED = [
    "plan_balance", "package_balance", "version", "last_entry_at", "last_entry_day",
    "period_kind", "plan", "allocation", "anchor", "period_start", "period_end",
    "period_sequence", "due_at", "low_at", "low_mailed_period",
]  # fmt: skip

# Adds entries to the day's sums; the same words on PostgreSQL and SQLite.
_ADD_USAGE = """
INSERT INTO credits_dailyusage
  (account_id, day, kind, tool, actor, entries, plan_delta, package_delta)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (account_id, day, kind, tool, actor) DO UPDATE SET
  entries = credits_dailyusage.entries + excluded.entries,
  plan_delta = credits_dailyusage.plan_delta + excluded.plan_delta,
  package_delta = credits_dailyusage.package_delta + excluded.package_delta
"""
