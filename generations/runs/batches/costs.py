"""What so many items of a batch would cost an account now, and how many of them it can pay for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from credits import queries


@dataclass(frozen=True, slots=True)
class Cost:
    """`plan` and `package` are the parts that would be taken; `runnable` items can be paid for now."""

    each: int
    count: int
    plan: int
    package: int
    available: int
    runnable: int

    @property
    def credits(self) -> int:
        """The whole price."""
        return self.each * self.count

    @property
    def after(self) -> int:
        """What would be left; never below zero."""
        return max(0, self.available - self.credits)

    @property
    def short_by(self) -> int:
        """How many credits are missing."""
        return max(0, self.credits - self.available)


def cost(account_id: int, each: int, count: int, now: datetime) -> Cost:
    """The cost of `count` items at `each` credits, out of the balance as it is at `now`."""
    balance = queries.get_balance(account_id, now)
    plan = min(each * count, balance.plan)
    runnable = min(count, balance.total // each) if each else count
    return Cost(
        each, count, plan, min(each * count - plan, balance.package), balance.total, runnable
    )
