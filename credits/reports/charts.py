"""The chart of use by day, as shapes for an inline SVG: arithmetic only, no colours or text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from credits import periods
from credits.models import LedgerEntry
from credits.periods import TRIAL_CREDITS
from credits.reports.usage import UsageReport, top

Kind = LedgerEntry.Kind

DAY_WIDTH = 10
BAR_WIDTH = 8
HEIGHT = 100
SERIES = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """One tool's part of one day; `series` says which colour of the legend it has."""

    day: date
    tool: str
    credits: int
    series: int
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A day on which plan credits were granted: an upright line before its bar."""

    day: date
    x: int


@dataclass(frozen=True, slots=True)
class Limit:
    """What the trial gives a day: a level line over its days."""

    credits: int
    start: int
    end: int
    y: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars on a canvas of `width` by `HEIGHT` units, and the tools of the legend in order.

    `highest` is the number of credits that the full height stands for: those of the busiest day,
    and where the trial's days are shown at least what it gives a day.
    """

    days: tuple[date, ...]
    bars: tuple[Bar, ...]
    legend: tuple[str, ...]
    resets: tuple[Mark, ...]
    limit: Limit | None
    highest: int
    width: int
    height: int = HEIGHT
    bar_width: int = BAR_WIDTH


def by_day(report: UsageReport, first: date, last: date) -> Chart:
    """Gross use from `first` to `last`, stacked by tool: the five most used and the others."""
    days = periods.days_between(first, periods.days_later(last, 1))
    legend = [tool.name for tool in top(report.tools, SERIES)]
    # A spend that names no tool keeps its own colour: the others, as one, have no name either.
    named = {name: series for series, name in reversed([*enumerate(legend)])}
    used = {day.day: day for day in report.days}
    trial_days, reset_days = _granted(report, Kind.TRIAL_GRANT), _granted(report, Kind.PLAN_GRANT)
    trial = [index for index, day in enumerate(days) if day in trial_days]
    highest = max((used[day].used for day in days if day in used), default=0)
    highest = max(highest, TRIAL_CREDITS if trial else 0)
    bars: list[Bar] = []
    for index, day in enumerate(days):
        if day in used and highest:
            sums: dict[int, int] = {}
            for tool in used[day].tools:
                series = named.get(tool.name, SERIES)
                sums[series] = sums.get(series, 0) + tool.credits
            bars += _stack(day, index * DAY_WIDTH + 1, sums, legend, highest)
    resets = [Mark(day, n * DAY_WIDTH) for n, day in enumerate(days) if day in reset_days]
    return Chart(
        days=tuple(days),
        bars=tuple(bars),
        legend=tuple(legend),
        resets=tuple(resets),
        limit=_limit(trial, highest) if trial else None,
        highest=highest,
        width=len(days) * DAY_WIDTH,
    )


def _granted(report: UsageReport, kind: str) -> set[date]:
    return {line.day for line in report.lines if line.kind == kind}


def _limit(trial: Sequence[int], highest: int) -> Limit:
    y = round(HEIGHT - HEIGHT * TRIAL_CREDITS / highest, 2)
    return Limit(TRIAL_CREDITS, trial[0] * DAY_WIDTH, (trial[-1] + 1) * DAY_WIDTH, y)


def _stack(
    day: date, x: int, sums: dict[int, int], legend: Sequence[str], highest: int
) -> list[Bar]:
    bars: list[Bar] = []
    top_edge = float(HEIGHT)
    for series, credits in sorted(sums.items()):
        height = round(HEIGHT * credits / highest, 2)
        top_edge = round(top_edge - height, 2)
        bars.append(Bar(day, legend[series], credits, series, x, max(0.0, top_edge), height))
    return bars
