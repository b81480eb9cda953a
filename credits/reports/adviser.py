"""Which plan and packages would have paid for what was really used, at the lowest price.

The last three billing cycles are replayed against every plan on sale, and against none: a plan
covers each cycle up to its credits and keeps nothing, what exceeds it comes from packages, which
last over all of them. The cheapest mix is named also when it is a cheaper plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import ceil, gcd

from credits import periods
from credits.models import Account, Package, Plan
from credits.reports import usage

CYCLES = 3
# Beyond this many steps the most economical package fills up first, so that a page stays fast.
MOST_STEPS = 4000


@dataclass(frozen=True, slots=True)
class Priced:
    """A plan (credits per cycle) or a package on sale."""

    handle: str
    name: str
    price: Decimal
    credits: int


@dataclass(frozen=True, slots=True)
class Mix:
    """A plan, or none, and the packages that cover what it does not; `cost` is for all cycles."""

    plan: Priced | None
    packages: tuple[tuple[Priced, int], ...]
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Advice:
    """What was used in each cycle, oldest first, the cheapest mix for it, and the present one."""

    used: tuple[int, ...]
    best: Mix
    present: Mix | None

    @property
    def saving(self) -> Decimal:
        """What the best mix would have cost less than the present plan, over all cycles."""
        return self.present.cost - self.best.cost if self.present else Decimal(0)

    @property
    def is_fitting(self) -> bool:
        """Whether the present plan was the cheapest way already."""
        return self.present is not None and self.saving <= 0

    @property
    def cycles(self) -> int:
        """How many cycles were replayed."""
        return len(self.used)


def advise(
    used: Sequence[int],
    plans: Iterable[Priced],
    packages: Iterable[Priced],
    present: Priced | None = None,
) -> Advice | None:
    """The cheapest mix for the credits used per cycle, oldest first; None when nothing was used.

    `present` is the plan as it is paid for now. Of mixes at one price the one of the present plan
    wins, then the one with the larger plan.
    """
    if not any(used):
        return None
    packages = list(packages)
    paid = _mix(present, used, packages) if present else None
    mixes = [_mix(plan, used, packages) for plan in (*plans, None)]
    ranked = [mix for mix in (paid, *mixes) if mix is not None]
    if not ranked:
        return None
    best = min(ranked, key=lambda mix: (mix.cost, mix is not paid, -_plan_credits(mix)))
    return Advice(tuple(used), best, paid)


def _plan_credits(mix: Mix) -> int:
    return mix.plan.credits if mix.plan else 0


def _mix(plan: Priced | None, used: Sequence[int], packages: Sequence[Priced]) -> Mix | None:
    """The plan over all cycles with the cheapest packages for the rest; None if none are on sale."""
    covered = plan.credits if plan else 0
    bought = cheapest_packages(sum(max(0, amount - covered) for amount in used), packages)
    if bought is None:
        return None
    cost = (plan.price if plan else Decimal(0)) * len(used)
    cost += sum((package.price * count for package, count in bought), Decimal(0))
    return Mix(plan, tuple(bought), cost)


def cheapest_packages(needed: int, packages: Sequence[Priced]) -> list[tuple[Priced, int]] | None:
    """How many of which packages hold at least `needed` credits at the lowest price.

    None when there is nothing to buy them from. Exact up to thousands of packages.
    """
    if needed <= 0:
        return []
    if not packages:
        return None
    step = gcd(*(package.credits for package in packages))
    steps = ceil(needed / step)
    counts = dict.fromkeys(packages, 0)
    if steps > MOST_STEPS:
        bulk = min(packages, key=lambda package: package.price / package.credits)
        counts[bulk] = (steps - MOST_STEPS) * step // bulk.credits
        steps = max(0, ceil((needed - counts[bulk] * bulk.credits) / step))
    # cost[n] is the lowest price of at least n steps; choice[n] the package bought last.
    cost = [Decimal(0)] * (steps + 1)
    choice = [packages[0]] * (steps + 1)
    for n in range(1, steps + 1):
        choice[n] = min(packages, key=lambda p: p.price + cost[max(0, n - p.credits // step)])
        cost[n] = choice[n].price + cost[max(0, n - choice[n].credits // step)]
    while steps > 0:
        counts[choice[steps]] += 1
        steps -= choice[steps].credits // step
    return [(package, count) for package, count in counts.items() if count]


# --- From the ledger -----------------------------------------------------------------------------


def read_advice(account: Account, present: Priced | None, now: datetime) -> Advice | None:
    """Advice from the account's own ledger; None before the first full cycle of 30 days.

    Cycles are counted back from the start of the running period, or from today without one.
    """
    used = cycle_usage(account, now)
    if not used:
        return None
    plans = [_priced(plan) for plan in Plan.objects.filter(on_sale=True).order_by("position")]
    packages = [_priced(one) for one in Package.objects.filter(on_sale=True).order_by("position")]
    return advise(used, plans, packages, present)


def cycle_usage(account: Account, now: datetime) -> list[int]:
    """Credits used in each of the last three full cycles, less what was restored, oldest first."""
    zone = account.time_zone
    after = periods.local_day(now, zone)
    start, period_end = account.period_start, account.period_end
    # A paid period stays on the account after its end, until the next one is confirmed.
    if account.period_kind == "paid" and start and period_end and period_end > now:
        after = min(after, periods.local_day(start, zone))
    opened = periods.local_day(account.opened_at, zone)
    reports = (
        usage.read_days(account.pk, *cycle)
        for cycle in periods.cycles_between(opened, after, CYCLES)
    )
    return [max(0, report.used - report.total.restored) for report in reports]


def _priced(offer: Plan | Package) -> Priced:
    return Priced(offer.handle, offer.name, offer.price_usd, offer.credits)
