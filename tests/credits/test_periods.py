"""All date arithmetic of the ledger, as pure functions: no database here."""

from __future__ import annotations

import calendar
import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credits import periods
from credits.periods import PlanBucket
from tests.credits.ledger.books import utc

DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
OPENED = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CYCLE = 30 * DAY

anywhen = st.datetimes(datetime(2024, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def midnight(day: date, zone: str) -> datetime:
    """The first instant of a local day."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def paid(credits: int = 500) -> PlanBucket:
    return PlanBucket("paid", credits, 3_000, None, OPENED, OPENED + CYCLE, settled=False)


def staff(anchor: datetime, credits: int = 500) -> PlanBucket:
    start, end = periods.month_period(anchor, anchor)
    return PlanBucket("staff", credits, 3_000, anchor, start, end, settled=False)


class TestMonths:
    @pytest.mark.parametrize("day", range(1, 32))
    def test_sixty_months_from_every_anchor_day(self, day):
        anchor = utc(2026, 1, day, 23, 59, 59)
        before = anchor
        for months in range(61):
            year, month = 2026 + months // 12, months % 12 + 1
            length = calendar.monthrange(year, month)[1]

            found = periods.add_months(anchor, months)

            assert (found.year, found.month, found.day) == (year, month, min(day, length))
            assert found.timetz() == anchor.timetz()
            assert found > before or months == 0
            before = found

    @pytest.mark.parametrize("day", range(1, 32))
    def test_the_periods_of_every_anchor_day_follow_each_other(self, day):
        anchor = utc(2027, 1, day, 12)
        start, end = periods.month_period(anchor, anchor)
        for _ in range(60):
            assert start < end
            assert periods.month_period(anchor, start) == (start, end)
            assert periods.month_period(anchor, end - INSTANT) == (start, end)
            following = periods.month_period(anchor, end)
            assert following[0] == end
            start, end = following

    @pytest.mark.parametrize(
        ("year", "february"), [(2026, 28), (2027, 28), (2028, 29), (2100, 28), (2400, 29)]
    )
    def test_the_31st_in_february_and_after(self, year, february):
        anchor = utc(year, 1, 31)

        assert periods.add_months(anchor, 1) == utc(year, 2, february)
        assert periods.add_months(anchor, 2) == utc(year, 3, 31)

    def test_a_leap_day_as_anchor(self):
        anchor = utc(2028, 2, 29)

        assert periods.add_months(anchor, 12) == utc(2029, 2, 28)
        assert periods.add_months(anchor, 48) == utc(2032, 2, 29)

    @given(anchor=anywhen, later=st.timedeltas(timedelta(), timedelta(days=3_000)))
    def test_an_instant_lies_in_its_period(self, anchor, later):
        start, end = periods.month_period(anchor, anchor + later)

        assert start <= anchor + later < end
        assert timedelta(days=28) <= end - start <= timedelta(days=31)


class TestTrial:
    def test_seven_windows_of_24_hours(self):
        windows = [
            periods.trial_day(OPENED, OPENED + hour * timedelta(hours=1)) for hour in range(192)
        ]

        assert windows == [day for day in range(1, 8) for _ in range(24)] + [None] * 24
        assert periods.trial_end(OPENED) == OPENED + 7 * DAY

    def test_the_microsecond_before_and_at_each_boundary(self):
        for day in range(1, 7):
            boundary = OPENED + day * DAY
            assert periods.trial_day(OPENED, boundary - INSTANT) == day
            assert periods.trial_day(OPENED, boundary) == day + 1
        assert periods.trial_day(OPENED, OPENED + 7 * DAY - INSTANT) == 7
        assert periods.trial_day(OPENED, OPENED + 7 * DAY) is None

    @given(later=st.timedeltas(timedelta(), timedelta(days=12)), left=st.integers(0, 100))
    def test_at_most_one_expiry_and_one_grant(self, later, left):
        bucket = replace(periods.trial_bucket(OPENED), credits=left)
        now = OPENED + later

        reached, dues = periods.advance(bucket, now)

        kinds = [due.kind for due in dues]
        expected = [] if later < DAY else ["expire"] * bool(left) + ["grant"] * (later < 7 * DAY)
        assert kinds == expected
        assert reached.credits == (left if later < DAY else 100 if later < 7 * DAY else 0)
        assert all(due.at <= now for due in dues)
        if later >= 7 * DAY:
            assert reached == PlanBucket()


class TestAdvance:
    @pytest.mark.parametrize("bucket", [PlanBucket(), replace(paid(), settled=True, credits=0)])
    def test_where_nothing_runs_nothing_comes(self, bucket):
        assert periods.advance(bucket, OPENED + 900 * DAY) == (bucket, ())

    def test_an_instant_at_the_end_belongs_to_the_next_period(self):
        assert periods.advance(paid(), OPENED + CYCLE - INSTANT) == (paid(), ())
        assert paid().is_running(OPENED + CYCLE - INSTANT)
        assert not paid().is_running(OPENED + CYCLE)

        reached, (expired,) = periods.advance(paid(), OPENED + CYCLE)

        assert (expired.kind, expired.credits, expired.at) == ("expire", 500, OPENED + CYCLE)
        assert (reached.credits, reached.settled, reached.kind) == (0, True, "paid")

    def test_a_paid_period_never_renews_by_itself(self):
        reached, dues = periods.advance(paid(), OPENED + 900 * DAY)

        assert reached.credits == 0
        assert [due.kind for due in dues] == ["expire"]

    def test_a_paid_period_without_rest_ends_without_an_entry(self):
        reached, dues = periods.advance(paid(credits=0), OPENED + CYCLE)

        assert dues == ()
        assert reached.settled

    def test_a_staff_plan_grants_the_month_that_runs(self):
        reached, (expired, granted) = periods.advance(staff(utc(2026, 1, 31)), utc(2026, 6, 15))

        assert (expired.at, expired.credits) == (utc(2026, 2, 28), 500)
        assert (granted.at, granted.credits) == (utc(2026, 5, 31), 3_000)
        assert (reached.start, reached.end) == (utc(2026, 5, 31), utc(2026, 6, 30))

    def test_a_remainder_ends_for_good(self):
        bucket = replace(paid(), kind="remainder", allocation=0)

        reached, dues = periods.advance(bucket, OPENED + CYCLE)

        assert reached == PlanBucket()
        assert [due.kind for due in dues] == ["expire"]

    @given(
        bucket=st.sampled_from(
            [periods.trial_bucket(OPENED), paid(), paid(0), staff(OPENED), PlanBucket()]
        ),
        first=st.timedeltas(timedelta(), timedelta(days=400)),
        second=st.timedeltas(timedelta(), timedelta(days=400)),
    )
    def test_two_looks_see_what_one_sees(self, bucket, first, second):
        halfway, _ = periods.advance(bucket, OPENED + first)
        at_last, _ = periods.advance(halfway, OPENED + first + second)

        assert at_last == periods.advance(bucket, OPENED + first + second)[0]
        assert periods.advance(at_last, OPENED + first + second) == (at_last, ())


ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Africa/Cairo", "Asia/Kolkata",
    "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati",
    "America/St_Johns", "Atlantic/Azores", "America/Havana", "Asia/Beirut",
]  # fmt: skip


class TestLocalDays:
    @pytest.mark.parametrize(
        ("zone", "day", "hours"),
        [
            ("Europe/Berlin", date(2026, 3, 29), 23),
            ("Europe/Berlin", date(2026, 10, 25), 25),
            ("America/New_York", date(2026, 3, 8), 23),
            ("America/New_York", date(2026, 11, 1), 25),
            ("Africa/Cairo", date(2026, 4, 24), 23),  # 00:00 does not exist.
            ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
            ("Asia/Kolkata", date(2026, 3, 29), 24),
            ("UTC", date(2028, 2, 29), 24),
        ],
    )
    def test_a_day_lasts_what_its_zone_says(self, zone, day, hours):
        start, end = midnight(day, zone), midnight(day + DAY, zone)

        assert end - start == timedelta(hours=hours)
        assert periods.local_day(start, zone) == day
        assert periods.local_day(start - INSTANT, zone) == day - DAY
        assert periods.local_day(end - INSTANT, zone) == day

    @settings(max_examples=300)
    @given(zone=st.sampled_from(ZONES), instant=anywhen)
    def test_every_instant_lies_in_its_day(self, zone, instant):
        day = periods.local_day(instant, zone)

        assert midnight(day, zone) <= instant < midnight(day + DAY, zone)
        assert day <= periods.latest_day_of(instant)
        assert day == instant.astimezone(ZoneInfo(zone)).date()

    @pytest.mark.parametrize(
        ("year", "month", "after"),
        [(2026, 2, date(2026, 3, 1)), (2028, 2, date(2028, 3, 1)), (2026, 12, date(2027, 1, 1))],
    )
    def test_the_days_of_a_month(self, year, month, after):
        assert periods.month_days(year, month) == (date(year, month, 1), after)


class TestSpans:
    @pytest.mark.parametrize(
        ("first", "last", "expected"),
        [
            (date(2026, 3, 31), date(2026, 3, 1), [(2026, 3)]),
            (date(2026, 11, 30), date(2027, 2, 1), [(2026, 11), (2026, 12), (2027, 1), (2027, 2)]),
            (date(2026, 3, 1), date(2026, 2, 28), []),
        ],
    )
    def test_months_from_one_day_to_another(self, first, last, expected):
        assert periods.months_between(first, last) == expected

    def test_days_from_one_to_another(self):
        days = periods.days_between(date(2028, 2, 28), date(2028, 3, 2))

        assert days == [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]
        assert periods.days_between(days[0], days[0]) == []
        assert periods.days_later(days[2], -2) == days[0]

    def test_whole_cycles_in_order(self):
        opened, after = date(2026, 1, 10), date(2026, 3, 12)

        assert periods.cycles_between(opened, after, 3) == [
            (date(2026, 1, 11), date(2026, 2, 10)),
            (date(2026, 2, 10), after),
        ]
        assert periods.cycles_between(opened, after, 1) == [(date(2026, 2, 10), after)]
        assert periods.cycles_between(date(2026, 2, 11), after, 3) == []

    def test_days_until_an_instant(self):
        assert periods.days_until(OPENED + DAY / 4, OPENED) == 0.25
        assert periods.days_until(OPENED, OPENED + DAY) == -1.0


def test_nobody_else_in_credits_reckons_with_dates():
    """One place for date arithmetic; the one day in SQL is the decision on the write path.

    How long a mail, a link or a line on a page waits is no billing date: `accounts` and `outcomes` say it.
    """
    folder = Path(periods.__file__).parent
    reckons = re.compile(r"timedelta|fromordinal|toordinal|monthrange|\d+ \* 86_?400")
    calendar = re.compile(r"fromordinal|toordinal|monthrange|\d+ \* 86_?400")
    sources = [path for path in folder.rglob("*.py") if "migrations" not in path.parts]

    assert len(sources) > 20
    found = [
        path.name
        for path in sources
        if (calendar if {"accounts", "outcomes"} & set(path.parts) else reckons).search(
            path.read_text()
        )
    ]
    assert found == ["periods.py"]
