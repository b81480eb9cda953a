"""Whatever happens to an account, its pages say what its entries say, counted one by one.

The counting here shares nothing with the product: it walks the entries and adds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.test.html import Element
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from credits.models import LedgerEntry
from shopify_auth.models import Membership
from tests.credits.ledger.random_life import OPENINGS, Life, events
from tests.merchants import make_person
from tests.page_reading import attribute, every, figures, one, read_page, words

pytestmark = pytest.mark.django_db
people = count(1)
BUCKETS = {"plan": "plan_delta", "package": "package_delta"}
COLOURS = 6


@dataclass(frozen=True)
class Books:
    """Some entries that follow each other, and all that came before them."""

    before: list[LedgerEntry]
    entries: list[LedgerEntry]
    zone: str

    def total(self, kinds: str = "", bucket: str = "") -> int:
        """What entries of these kinds changed, in one bucket or both."""
        chosen = [e for e in self.entries if not kinds or e.kind in kinds.split()]
        return sum(_change(entry, bucket) for entry in chosen)

    def opening(self, bucket: str = "") -> int:
        return sum(_change(entry, bucket) for entry in self.before)

    def closing(self, bucket: str = "") -> int:
        return self.opening(bucket) + self.total(bucket=bucket)

    def spends(self) -> list[LedgerEntry]:
        return [entry for entry in self.entries if entry.kind == "spend"]

    def days(self) -> dict[date, Books]:
        """The same, day by day in the account's zone."""
        by_day: dict[date, list[LedgerEntry]] = defaultdict(list)
        for entry in self.entries:
            by_day[entry.created_at.astimezone(ZoneInfo(self.zone)).date()].append(entry)
        return {day: Books([], entries, self.zone) for day, entries in by_day.items()}

    def used_by(self, name: Callable[[LedgerEntry], str]) -> list[tuple[str, int, int]]:
        """(name, runs, credits), most credits first, then by name."""
        runs, used = Counter[str](), Counter[str]()
        for entry in self.spends():
            runs[name(entry)] += 1
            used[name(entry)] -= _change(entry)
        return [(n, runs[n], used[n]) for n in sorted(used, key=lambda n: (-used[n], n))]


def _change(entry: LedgerEntry, bucket: str = "") -> int:
    if bucket:
        return int(getattr(entry, BUCKETS[bucket]))
    return entry.plan_delta + entry.package_delta


def _folded(ranked: list[tuple[str, int, int]], named: int) -> list[tuple[str, int, int]]:
    """The first few by name and the rest as one, unless the rest is a single one."""
    if len(ranked) <= named + 1:
        return ranked
    rest = ranked[named:]
    return [*ranked[:named], ("", sum(r for _, r, _ in rest), sum(c for _, _, c in rest))]


# --- Spans of time, as the page offers them ------------------------------------------------------


def spans(life: Life) -> dict[str, tuple[Books, date, date]]:
    """Each month and billing period: its entries, and the first and last day of its chart."""
    zone = life.account.time_zone
    entries = list(LedgerEntry.objects.filter(account=life.account).order_by("sequence"))
    days = [entry.created_at.astimezone(ZoneInfo(zone)).date() for entry in entries]
    today = life.now.astimezone(ZoneInfo(zone)).date()
    found = {}
    first = life.account.opened_at.astimezone(ZoneInfo(zone)).date().replace(day=1)
    while first <= today:
        after = (first + timedelta(days=31)).replace(day=1)
        start = sum(day < first for day in days)
        end = sum(day < after for day in days)
        books = Books(entries[:start], entries[start:end], zone)
        found[f"{first:%Y-%m}"] = (books, first, min(after - timedelta(days=1), today))
        first = after
    return found | _periods(entries, zone, today)


def _periods(
    entries: list[LedgerEntry], zone: str, today: date
) -> dict[str, tuple[Books, date, date]]:
    grants = [n for n, entry in enumerate(entries) if entry.kind == "plan_grant"]
    firsts = [
        n
        for n, earlier in zip(grants, [None, *grants], strict=False)
        if earlier is None or entries[n].period_end != entries[earlier].period_end
    ]
    found = {}
    for n, following in zip(firsts, [*firsts[1:], None], strict=False):
        start, end = entries[n].period_start, entries[n].period_end
        assert start is not None
        assert end is not None
        stop = n
        limit = len(entries) if following is None else following
        while stop < limit and entries[stop].created_at < end:
            stop += 1
        # What was left is taken by the entry that follows, however late it was written.
        stop += stop < limit and entries[stop].kind == "expire"
        replaced = None if following is None else entries[following].period_start
        ended = min(end, replaced) if replaced else end
        first, last = (moment.astimezone(ZoneInfo(zone)).date() for moment in (start, ended))
        books = Books(entries[:n], entries[n:stop], zone)
        found[f"period-{entries[n].sequence}"] = (books, first, max(first, min(last, today)))
    return found


# --- The pages -----------------------------------------------------------------------------------


@settings(
    max_examples=8,
    deadline=None,
    # Making a failing story shorter would load pages for minutes; the figures tell enough.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(zone=st.sampled_from(sorted(OPENINGS)), story=st.lists(events, min_size=5, max_size=40))
@example(
    zone="Pacific/Kiritimati",
    story=[
        ("period", "starter", 20), ("package", 2000),
        *[("spend", 100 + n, tool, "user:1") for n, tool in enumerate(
            ["background-removal", "image-enhance", "product-placement", "ai-shadowing",
             "veo-t2v", "description-generator", "product-try-on", ""])],
        ("restore", 0), ("adjust", "plan", -300), ("wait", 30), ("spend", 900, "veo-t2v", ""),
        ("adjust", "package", 77), ("wait", 24 * 25), ("spend", 20, "background-removal", "user:1"),
    ],
)  # fmt: skip
def test_every_page_is_the_sum_of_the_entries(db, zone, story):
    life = Life(zone)
    for event in story:
        life.play(event)
    with time_machine.travel(life.now, tick=False):
        client = Client()
        person = make_person(f"Olivia-{next(people)}")
        Membership.objects.create(person=person, account=life.account)
        client.force_login(person)

        usage = read_page(client.get("/dashboard/usage"))
        expected = spans(life)
        offered = [attribute(option, "value") for option in every(one(usage, id="span"), "option")]
        assert sorted(offered) == sorted(expected)
        for value, (books, first, last) in expected.items():
            page = read_page(client.get(f"/dashboard/usage?span={value}"))
            check_sums(page, books)
            check_statement(page, books)
            check_days(page, books)
            check_shares(page, books)
            check_chart(page, books, first, last)
        check_ledger(client, life)


def check_sums(page: Element, books: Books) -> None:
    """The totals on top and the line that proves them."""
    used = -books.total("spend")
    back = books.total("restore adjust")
    values = [figures(stat)[0] for stat in every(page, "p", "stat__value")]
    held = sum(_change(e) for e in LedgerEntry.objects.filter(account_id=account_of(books)))
    assert values == [used, back, used - back, held]
    line = one(page, id="check")
    added = books.total("trial_grant plan_grant package")
    corrections = [books.total("restore"), abs(books.total("adjust"))]
    sums = [books.opening(), added, *(corrections if any(corrections) else [])]
    sums += [used, -books.total("expire")]
    assert figures(line) == [*sums, books.closing()]
    assert not list(every(line, class_="tone-critical"))


def account_of(books: Books) -> int:
    return next(entry.account_id for entry in [*books.before, *books.entries])


def check_statement(page: Element, books: Books) -> None:
    """Each bucket's lines, from its opening to what remains."""
    lists = list(every(one(page, "section", **{"aria-labelledby": "summary"}), "dl"))
    for bucket, listed in zip(BUCKETS, lists, strict=True):
        shown = [figures(value)[0] for value in every(listed, "dd")]
        corrections = [books.total(kind, bucket) for kind in ("restore", "adjust")]
        expired = [books.total("expire", bucket)] if bucket == "plan" else []
        assert shown == [
            books.opening(bucket),
            books.total("trial_grant plan_grant package", bucket),
            *(correction for correction in corrections if correction),
            books.total("spend", bucket),
            *expired,
            books.closing(bucket),
        ]


def check_days(page: Element, books: Books) -> None:
    """Each day's tools, corrections and net; a day on which nothing was used may be left out."""
    shown = {
        date.fromisoformat(attribute(section, "id").removeprefix("day-")): section
        for section in every(page, "section", "usage-day")
    }
    assert list(shown) == sorted(shown, reverse=True)
    days = books.days()
    of_use = {day for day, of in days.items() if of.total("spend") or of.total("restore adjust")}
    assert of_use <= set(shown) <= set(days)
    for day, section in shown.items():
        of_day = days[day]
        correction = -of_day.total("restore adjust")
        assert figures(one(section, "strong")) == [-of_day.total("spend") + correction]
        rows = [
            (words(one(row, "dt")), figures(one(row, "dd"))[0])
            for row in every(section, "div")
            if list(every(row, "dd"))
        ]
        tools = [(int(name.split("×")[1]), n) for name, n in rows if "×" in name]
        assert tools == [(runs, used) for _, runs, used in of_day.used_by(lambda e: e.tool)]
        assert sum(n for name, n in rows if "×" not in name) == correction


def check_shares(page: Element, books: Books) -> None:
    """Most used tools and people; percents are of the gross use and add up to 100."""
    used = -books.total("spend")
    tools = one(page, "section", **{"aria-labelledby": "most-used"})
    expected = _folded(books.used_by(lambda e: e.tool), 3)
    details = [figures(line)[-2:] for line in every(tools, "div", "progress-line")]
    assert [credits for _percent, credits in details] == [credits for _, _, credits in expected]
    check_percents([(percent, credits) for percent, credits in details], used)
    by_person = list(every(page, "section", **{"aria-labelledby": "by-person"}))
    rows = [
        [figures(cell)[0] for cell in every(row, "td")]
        for section in by_person
        for row in every(one(section, "tbody"), "tr")
    ]
    assert [row[:2] for row in rows] == [[r, c] for _, r, c in books.used_by(lambda e: e.actor)]
    check_percents([(percent, credits) for _runs, credits, percent in rows], used)


def check_percents(shown: list[tuple[int, int]], used: int) -> None:
    assert sum(percent for percent, _ in shown) == (100 if used else 0)
    # Several small shares are rounded one by one before they are shown as one.
    assert all(abs(percent - 100 * credits / used) < COLOURS for percent, credits in shown)


def check_chart(page: Element, books: Books, first: date, last: date) -> None:
    """Bars stand on their day, on each other, and are as high as their credits."""
    charts = list(every(page, "svg", "chart__bars"))
    assert len(charts) == bool(books.spends())
    for chart in charts:
        used = {day: -of.total("spend") for day, of in books.days().items() if of.spends()}
        check_columns(chart, used, first, last)
        # Beside trial days the scale reaches what the trial gives a day.
        full = max(*used.values(), 100 if books.total("trial_grant") else 0)
        assert figures(next(every(one(page, "figure"), "p", "caption")))[0] == full
        assert len(list(every(chart, "line", "chart__limit"))) == bool(books.total("trial_grant"))
        granted = [day for day, of in books.days().items() if of.total("plan_grant")]
        assert len(list(every(chart, "line", "chart__reset"))) == len(granted)
        by_series = Counter[str]()
        for bar in bars(chart):
            by_series[bar["series"]] += bar["credits"]
        expected = _folded(books.used_by(lambda e: e.tool), COLOURS - 1)
        assert by_series == {f"series-{n}": used for n, (_, _, used) in enumerate(expected)}
        rows = [row for row in every(one(page, "details"), "tr") if list(every(row, "td"))]
        shown = [figures(list(every(row, "td"))[-1]) for row in rows]
        assert shown == [[used[day]] for day in sorted(used, reverse=True)]


def check_columns(chart: Element, used: dict[date, int], first: date, last: date) -> None:
    """One column for each day of use, at the day's place, made of the day's parts."""
    width, height = (float(n) for n in attribute(chart, "viewbox").split()[2:])
    columns: dict[float, list[dict[str, Any]]] = defaultdict(list)
    for bar in bars(chart):
        columns[bar["x"]].append(bar)
    step = width / ((last - first).days + 1)
    tallest = max(sum(bar["height"] for bar in column) for column in columns.values())
    assert tallest <= height + 0.05
    unit = tallest / max(used.values())
    for day, x in zip(sorted(used), sorted(columns), strict=True):
        place = (day - first).days * step
        assert place <= x < place + step
        assert sum(bar["credits"] for bar in columns[x]) == used[day]
        edge = height
        for bar in columns[x]:
            edge -= bar["height"]
            assert bar["height"] == pytest.approx(unit * bar["credits"], abs=0.03)
            assert bar["y"] == pytest.approx(max(edge, 0), abs=0.03)


def bars(chart: Element) -> Iterable[dict[str, Any]]:
    for rect in every(chart, "rect"):
        series = attribute(rect, "class")
        if series.startswith("series-"):
            edges = {name: float(attribute(rect, name)) for name in ("x", "y", "height")}
            yield edges | {"series": series, "credits": figures(one(rect, "title"))[-1]}


def check_ledger(client: Client, life: Life) -> None:
    """From the newest entry to the first: its number, its changes and the running balance."""
    shown: list[list[int]] = []
    address = "/dashboard/usage/ledger"
    while address:
        page = read_page(client.get(address))
        for row in every(one(page, "tbody"), "tr"):
            cells = [figures(cell)[-1] for cell in every(row, "td", "number")]
            shown.append([abs(figures(one(row, "span", "caption"))[0]), *cells])
        older = [attribute(a, "href") for a in every(page, "a")]
        address = next((href for href in older if "before=" in href), "")
    expected, held = [], 0
    for entry in LedgerEntry.objects.filter(account=life.account).order_by("sequence"):
        held += _change(entry)
        expected.append([entry.sequence, entry.plan_delta, entry.package_delta, held])
    assert shown == expected[::-1]
