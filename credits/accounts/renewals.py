"""What happens to plan credits when the running period ends: one answer for every page and mail.

The ledger knows the period. Whether another follows a paid one is known to whoever sells plans,
which is asked through the setting RENEWAL_SOURCE (a dotted path of a function that takes the
account and answers a `Renewal`), because credits must not know Shopify.
"""

from __future__ import annotations

from typing import Literal, cast

from django.conf import settings
from django.utils.module_loading import import_string

from credits import periods
from credits.models import Account
from credits.periods import TRIAL_PERIODS, PeriodKind

Renewal = Literal["expected", "ended", "unpaid"]
PeriodEnd = Literal["refill", "trial_end", "reset", "expire", "plan_end"]


def period_end(kind: PeriodKind, trial_day: int | None, renewal: Renewal = "expected") -> PeriodEnd:
    """What the end of a running period brings.

    A trial day is refilled but for the last, a plan is reset while its renewal is expected, a
    cancelled one ends, and a remainder or the credits of an unpaid plan expire.
    """
    if kind == "trial":
        return "trial_end" if trial_day == TRIAL_PERIODS else "refill"
    if kind == "remainder" or (kind == "paid" and renewal == "unpaid"):
        return "expire"
    return "plan_end" if kind == "paid" and renewal == "ended" else "reset"


def read_renewal(account: Account) -> Renewal:
    """Whether another period follows the account's running one; only a paid plan depends on it."""
    if account.period_kind != Account.Period.PAID:
        return "expected"
    return cast("Renewal", import_string(settings.RENEWAL_SOURCE)(account))


def read_period_end(account: Account) -> PeriodEnd | None:
    """What the end of the account's period as last written brings; None once it is booked."""
    bucket = account.bucket
    if bucket.settled:
        return None
    trial_day = None
    if bucket.kind == "trial" and bucket.anchor is not None and bucket.start is not None:
        trial_day = periods.trial_day(bucket.anchor, bucket.start)
    return period_end(bucket.kind, trial_day, read_renewal(account))
