"""Reads of one account's balance. They show what time has brought and write nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from credits import alerts, periods
from credits.models import Account, LedgerEntry
from credits.period_ends import PeriodEnd, Renewal, period_end, read_renewal
from credits.periods import PeriodKind
from credits.refusals import UnknownAccount, check_now


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds at one instant, in whole credits.

    `resets_at` is the end of the running period: of the trial day, the billing cycle or the
    remainder; None when none runs or a renewal is not confirmed yet. `version` is the sequence of
    the last entry written; whoever shows balances takes a message of an equal or newer version.
    `renewal` says whether another paid period is expected; only `read_balance` asks.
    """

    plan: int
    package: int
    resets_at: datetime | None
    version: int
    allocation: int
    kind: PeriodKind
    trial_day: int | None
    renewal_pending: bool
    low_at: int
    renewal: Renewal = "expected"

    @property
    def total(self) -> int:
        """Both buckets together."""
        return self.plan + self.package

    @property
    def low(self) -> bool:
        """Whether the total is at the low-credit threshold or below it."""
        return self.total <= self.low_at

    @property
    def trial_days(self) -> int:
        """How many days a trial has."""
        return periods.TRIAL_PERIODS

    @property
    def at_end(self) -> PeriodEnd | None:
        """What happens to the plan credits at `resets_at`; None when no period runs."""
        if self.resets_at is None:
            return None
        return period_end(self.kind, self.trial_day, self.renewal)


def get_balance(account_id: int, now: datetime | None = None) -> Balance:
    """The balance at `now`, which may lie ahead: a preview of what time alone will bring.

    Raises UnknownAccount (a ValueError). An instant before the last entry counts as that entry's.
    """
    account = Account.objects.filter(pk=account_id).first()
    if account is None:
        raise UnknownAccount(f"There is no account {account_id!r}")
    return balance_of(account, check_now(now))


def balance_of(account: Account, now: datetime) -> Balance:
    """The balance of an account row that has been read already."""
    now = max(now, account.last_entry_at or now)
    bucket, _ = periods.advance(account.bucket, now)
    running = bucket.is_running(now)
    trial_day = None
    if bucket.kind == "trial" and bucket.anchor is not None:
        trial_day = periods.trial_day(bucket.anchor, now)
    return Balance(
        plan=bucket.credits,
        package=account.package_balance,
        resets_at=bucket.end if running else None,
        version=account.version,
        allocation=bucket.allocation,
        kind=bucket.kind,
        trial_day=trial_day,
        renewal_pending=bucket.kind == "paid" and not running,
        low_at=alerts.threshold(account.low_threshold, bucket.allocation),
    )


def read_balance(account: Account, now: datetime) -> Balance:
    """The balance as pages show it: with what is known about the next paid period.

    A plan that has ended waits for no renewal, which the ledger alone cannot know.
    """
    balance = balance_of(account, now)
    renewal = read_renewal(account)
    if renewal == "ended" and balance.renewal_pending:
        balance = replace(balance, renewal_pending=False, allocation=0)
    return replace(balance, renewal=renewal)


def balance_at(account_id: int, instant: datetime) -> tuple[int, int]:
    """Plan and package credits as they stood right after the last entry up to `instant`."""
    # An entry's day is at most a day ahead of its instant in UTC, whatever the zone was then, so
    # the index on days finds the neighbourhood of the instant at once.
    latest_day = periods.local_day(instant, "UTC") + timedelta(days=1)
    entry = (
        LedgerEntry.objects.filter(
            account_id=account_id, day__lte=latest_day, created_at__lte=instant
        )
        .order_by("-day", "-sequence")
        .first()
    )
    return (entry.plan_after, entry.package_after) if entry else (0, 0)
