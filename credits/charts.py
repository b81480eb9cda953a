"""The chart of use by day, as rectangles for an inline SVG: arithmetic only, no colours or text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from credits.usage import UsageReport, top

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
class Chart:
    """Bars on a canvas of `width` by `HEIGHT` units, and the tools of the legend in order.

    `highest` is the number of credits that the full height stands for.
    """

    days: tuple[date, ...]
    bars: tuple[Bar, ...]
    legend: tuple[str, ...]
    highest: int
    width: int
    height: int = HEIGHT
    bar_width: int = BAR_WIDTH


def by_day(report: UsageReport, first: date, last: date) -> Chart:
    """Gross use from `first` to `last`, stacked by tool: the five most used and the others."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    legend = [tool.name for tool in top(report.tools, SERIES)]
    # A spend that names no tool keeps its own colour: the others, as one, have no name either.
    named = {name: series for series, name in reversed([*enumerate(legend)])}
    used = {day.day: day for day in report.days}
    highest = max((used[day].used for day in days if day in used), default=0)
    bars: list[Bar] = []
    for index, day in enumerate(days):
        if day in used and highest:
            sums: dict[int, int] = {}
            for tool in used[day].tools:
                series = named.get(tool.name, SERIES)
                sums[series] = sums.get(series, 0) + tool.credits
            bars += _stack(day, index * DAY_WIDTH + 1, sums, legend, highest)
    return Chart(tuple(days), tuple(bars), tuple(legend), highest, len(days) * DAY_WIDTH)


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
