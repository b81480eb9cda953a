"""Where credits went: by day, tool and person, and the statement of a month or billing period.

Every figure comes from the ledger: from the daily sums that are written in the entries' own
transaction, and from the balances that the entries carry. A report costs the same few queries
whatever the number of runs. Days are days in the account's time zone, fixed when an entry was
booked. Changes that are due but not written yet are not part of a report; pages settle first.

Source: product document, "Usage History" and "Monthly Summary".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from credits import periods
from credits.models import DailyUsage, LedgerEntry
from credits.queries import balance_after

Kind = LedgerEntry.Kind


@dataclass(frozen=True, slots=True)
class Line:
    """The entries of one day that share kind, tool and actor, summed."""

    day: date
    kind: str
    tool: str
    actor: str
    entries: int
    plan_delta: int
    package_delta: int

    @property
    def credits(self) -> int:
        """The change of both buckets together; negative when credits went."""
        return self.plan_delta + self.package_delta


@dataclass(frozen=True, slots=True)
class Share:
    """What one tool or one person used. `percent` of all shares of a report adds up to 100."""

    name: str
    runs: int
    credits: int
    percent: int


@dataclass(frozen=True, slots=True)
class DayReport:
    """One day: each tool's runs and credits, what was corrected, and the net.

    `restored` and `adjusted` are changes of the balance: what was given back is positive.
    """

    day: date
    tools: tuple[Share, ...]
    restored: int
    adjusted: int
    granted: int
    bought: int
    expired: int

    @property
    def is_use(self) -> bool:
        """Whether anything was used or corrected; a day may also only bring or expire credits."""
        return bool(self.tools or self.restored or self.adjusted)

    @property
    def used(self) -> int:
        """Credits that runs took, before corrections."""
        return sum(tool.credits for tool in self.tools)

    @property
    def correction(self) -> int:
        """The line below the tools: given back lowers the day's use, taken raises it."""
        return -(self.restored + self.adjusted)

    @property
    def net(self) -> int:
        """The day's use after corrections; negative when more came back than went."""
        return self.used + self.correction


@dataclass(frozen=True, slots=True)
class Statement:
    """One bucket over a span: opening + in + corrections - used - expired = closing.

    `added` is what plan grants or bought packages brought; `used` and `expired` are positive.
    `closing` is the balance that the span's last entry carries, not the sum of the others.
    """

    opening: int
    added: int
    restored: int
    adjusted: int
    used: int
    expired: int
    closing: int

    @property
    def allocated(self) -> int:
        """The document's first figure: what there was to use."""
        return self.opening + self.added

    @property
    def corrected(self) -> int:
        """Restorations and adjustments together."""
        return self.restored + self.adjusted

    @property
    def is_plain(self) -> bool:
        """Whether the document's "allocated → used → remaining" adds up: nothing else happened."""
        return not (self.restored or self.adjusted or self.expired)

    @property
    def computed(self) -> int:
        """The closing balance as the other figures make it."""
        return self.allocated + self.corrected - self.used - self.expired

    @property
    def adds_up(self) -> bool:
        """Whether the sums meet the balance that the ledger carries."""
        return self.computed == self.closing


@dataclass(frozen=True)
class UsageReport:
    """What happened to an account's credits over a span of its entries."""

    lines: tuple[Line, ...]
    opening: tuple[int, int]
    closing: tuple[int, int]

    @cached_property
    def plan(self) -> Statement:
        """The statement of the plan credits."""
        return self._statement(0, [line.plan_delta for line in self.lines])

    @cached_property
    def package(self) -> Statement:
        """The statement of the package credits."""
        return self._statement(1, [line.package_delta for line in self.lines])

    @cached_property
    def total(self) -> Statement:
        """Both buckets together, as the visible check shows them."""
        pairs = zip(_figures(self.plan), _figures(self.package), strict=True)
        return Statement(*(plan + package for plan, package in pairs))

    @cached_property
    def days(self) -> list[DayReport]:
        """Every day on which something happened, newest first."""
        by_day: dict[date, list[Line]] = {}
        for line in self.lines:
            by_day.setdefault(line.day, []).append(line)
        return [_day_report(day, by_day[day]) for day in sorted(by_day, reverse=True)]

    @cached_property
    def tools(self) -> list[Share]:
        """Most used tools first, by gross credits spent."""
        return shares((line.tool, line) for line in self._spends)

    @cached_property
    def people(self) -> list[Share]:
        """Who used how much, by the actor that the entries name."""
        return shares((line.actor, line) for line in self._spends)

    @property
    def used(self) -> int:
        """Gross credits that runs took."""
        return -sum(line.credits for line in self._spends)

    @property
    def net(self) -> int:
        """Credits used after restorations and adjustments."""
        return self.used - self.total.corrected

    @property
    def runs(self) -> int:
        """How many times credits were spent."""
        return sum(line.entries for line in self._spends)

    @property
    def _spends(self) -> Iterable[Line]:
        return (line for line in self.lines if line.kind == Kind.SPEND)

    def _statement(self, bucket: int, deltas: Sequence[int]) -> Statement:
        sums: Counter[str] = Counter()
        for line, delta in zip(self.lines, deltas, strict=True):
            sums[line.kind] += delta
        return Statement(
            opening=self.opening[bucket],
            added=sums[Kind.TRIAL_GRANT] + sums[Kind.PLAN_GRANT] + sums[Kind.PACKAGE],
            restored=sums[Kind.RESTORE],
            adjusted=sums[Kind.ADJUST],
            used=-sums[Kind.SPEND],
            expired=-sums[Kind.EXPIRE],
            closing=self.closing[bucket],
        )


def _figures(statement: Statement) -> tuple[int, ...]:
    return (
        statement.opening, statement.added, statement.restored, statement.adjusted,
        statement.used, statement.expired, statement.closing,
    )  # fmt: skip


def _day_report(day: date, lines: Sequence[Line]) -> DayReport:
    sums: Counter[str] = Counter()
    for line in lines:
        sums[line.kind] += line.credits
    return DayReport(
        day=day,
        tools=tuple(shares((line.tool, line) for line in lines if line.kind == Kind.SPEND)),
        restored=sums[Kind.RESTORE],
        adjusted=sums[Kind.ADJUST],
        granted=sums[Kind.TRIAL_GRANT] + sums[Kind.PLAN_GRANT],
        bought=sums[Kind.PACKAGE],
        expired=-sums[Kind.EXPIRE],
    )


def shares(named: Iterable[tuple[str, Line]]) -> list[Share]:
    """Sum spends by name, most credits first; whole percents that add up to exactly 100.

    Percents are rounded by the largest remainder; of equal remainders the larger share wins.
    """
    runs: Counter[str] = Counter()
    credits: Counter[str] = Counter()
    for name, line in named:
        runs[name] += line.entries
        credits[name] -= line.credits
    ordered = sorted(credits, key=lambda name: (-credits[name], name))
    percents = largest_remainder([credits[name] for name in ordered])
    return [
        Share(name, runs[name], credits[name], percent)
        for name, percent in zip(ordered, percents, strict=True)
    ]


def largest_remainder(amounts: Sequence[int]) -> list[int]:
    """Whole percents of `amounts` that add up to 100; all 0 when there is nothing to share."""
    total = sum(amounts)
    if not total:
        return [0] * len(amounts)
    percents = [100 * amount // total for amount in amounts]
    by_remainder = sorted(range(len(amounts)), key=lambda i: -(100 * amounts[i] % total))
    for i in by_remainder[: 100 - sum(percents)]:
        percents[i] += 1
    return percents


def top(ranked: Sequence[Share], count: int, rest: str = "") -> list[Share]:
    """The first `count` shares, and the others as one, named `rest`."""
    if len(ranked) <= count + 1:
        return list(ranked)
    others = ranked[count:]
    return [
        *ranked[:count],
        Share(
            rest,
            sum(other.runs for other in others),
            sum(other.credits for other in others),
            sum(other.percent for other in others),
        ),
    ]


# --- Reading -------------------------------------------------------------------------------------


def read_month(account_id: int, year: int, month: int) -> UsageReport:
    """The report of one calendar month in the account's time zone; ValueError for no month."""
    first, after = periods.month_days(year, month)
    return read_days(account_id, first, after)


def read_days(account_id: int, first: date, after: date) -> UsageReport:
    """The report of the local days from `first` up to, not including, `after`."""
    lines = DailyUsage.objects.filter(account_id=account_id, day__gte=first, day__lt=after)
    return UsageReport(
        lines=tuple(lines_of(lines.order_by("-day", "kind", "tool", "actor"))),
        opening=_balance_before(account_id, first),
        closing=_balance_before(account_id, after),
    )


def lines_of(rows: Iterable[DailyUsage]) -> Iterable[Line]:
    """Rows of the daily sums as lines of a report."""
    for row in rows:
        yield Line(
            row.day, row.kind, row.tool, row.actor, row.entries, row.plan_delta, row.package_delta
        )


def _balance_before(account_id: int, day: date) -> tuple[int, int]:
    return balance_after(LedgerEntry.objects.filter(account_id=account_id, day__lt=day))
