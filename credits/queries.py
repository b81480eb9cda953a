"""Reads of one account's balance, now, ahead or at a past instant; none of them writes anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet

from credits import periods
from credits.accounts import alerts
from credits.accounts.renewals import PeriodEnd, Renewal, period_end, read_renewal
from credits.arguments import check_account_id, check_instant, check_now
from credits.models import Account, LedgerEntry
from credits.periods import PeriodKind
from credits.refusals import UnknownAccount


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
    return balance_of(_find(account_id), check_now(now))


def balance_of(account: Account, now: datetime) -> Balance:
    """The balance of an account row that has been read already."""
    now = max(now, account.last_entry_at or now)
    bucket, _ = periods.advance(account.bucket, now)
    running = bucket.is_running(now)
    low_at, trial_day = account.low_at, None
    if bucket.allocation != account.allocation:
        low_at = alerts.threshold(account.low_threshold, bucket.allocation)
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
        low_at=low_at,
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
    """Plan and package credits at `instant`: as the last entry up to it left them.

    From the account's last entry on, what time has brought since counts too, as in `get_balance`.
    Raises UnknownAccount, and ValueError for an instant that is naive.
    """
    account, instant = _find(account_id), check_instant("instant", instant)
    if account.last_entry_at is None or instant >= account.last_entry_at:
        balance = balance_of(account, instant)
        return balance.plan, balance.package
    # The index on days finds the neighbourhood of the instant at once.
    entries = LedgerEntry.objects.filter(
        account_id=account.pk, day__lte=periods.latest_day_of(instant), created_at__lte=instant
    )
    return balance_after(entries)


def balance_after(entries: QuerySet[LedgerEntry]) -> tuple[int, int]:
    """Plan and package credits after the last of these entries of one account; 0 and 0 for none."""
    entry = last_entry(entries)
    return (entry.plan_after, entry.package_after) if entry else (0, 0)


def last_entry(entries: QuerySet[LedgerEntry]) -> LedgerEntry | None:
    """The last of these entries of one account, found by the index on days."""
    return entries.order_by("-day", "-sequence").first()


def _find(account_id: int) -> Account:
    account = Account.objects.filter(pk=check_account_id(account_id)).first()
    if account is None:
        raise UnknownAccount(f"There is no account {account_id!r}")
    return account
