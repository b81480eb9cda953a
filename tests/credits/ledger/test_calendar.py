"""Days, zones, leap years, and a scheduler that stands still."""

from __future__ import annotations

import struct
import zoneinfo
from datetime import date, datetime

import pytest

from credits import ledger, queries
from credits.models import Account, DailyUsage, LedgerEntry
from tests.credits.ledger.books import (
    CYCLE,
    DAY,
    HOUR,
    INSTANT,
    OPENED,
    assert_in_step,
    held,
    open_harbor,
    open_loom,
    open_paper,
    spend_by_general_rule,
    utc,
    written,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def atlantis(tmp_path):
    """A time zone of tomorrow: Python knows it, the database does not yet."""
    # RFC 8536, version 1: no transitions, one type, two hours ahead of UTC.
    header = b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    (tmp_path / "Atlantic").mkdir()
    (tmp_path / "Atlantic/Atlantis").write_bytes(
        header + struct.pack(">lbb", 7200, 0, 0) + b"ATL\0"
    )
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath([str(tmp_path), *before])
    yield "Atlantic/Atlantis"
    zoneinfo.reset_tzpath(before)


@pytest.mark.postgresql
def test_days_are_utcs_in_a_zone_that_the_database_does_not_know(atlantis, caplog):
    loom = ledger.open_account("Loom & Linen", now=OPENED, time_zone=atlantis)

    entry = ledger.spend(loom.pk, 10, "run", now=OPENED)

    assert (loom.time_zone, entry.day) == ("UTC", OPENED.date())
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def opened_in(zone: str, now: datetime) -> Account:
    account = ledger.open_account("Paper Moon", trial=False, now=now, time_zone=zone)
    ledger.add_package(account.pk, 10_000, key="package", now=now)
    return account


def both_forms(account: Account, key: str, now: datetime) -> set[date]:
    """The day that the one statement writes and the day that the general rule writes."""
    one = ledger.spend(account.pk, 5, f"{key}:one", now=now)
    (other,) = spend_by_general_rule(account.pk, [(5, f"{key}:other")], now=now)
    stored = LedgerEntry.objects.filter(pk__in=[one.pk, other.pk]).values_list("day", flat=True)
    return {one.day, other.day, *stored}


@pytest.mark.parametrize(
    ("zone", "start", "hours", "day"),
    [
        pytest.param("Europe/Berlin", utc(2026, 3, 28, 23), 23, date(2026, 3, 29), id="spring"),
        pytest.param("Europe/Berlin", utc(2026, 10, 24, 22), 25, date(2026, 10, 25), id="autumn"),
        pytest.param("America/New_York", utc(2026, 3, 8, 5), 23, date(2026, 3, 8), id="NY spring"),
        pytest.param("America/New_York", utc(2026, 11, 1, 4), 25, date(2026, 11, 1), id="NY autumn"),
        pytest.param("Asia/Kolkata", utc(2026, 3, 28, 18, 30), 24, date(2026, 3, 29), id="+05:30"),
        pytest.param("Pacific/Kiritimati", utc(2026, 3, 28, 10), 24, date(2026, 3, 29), id="+14"),
        pytest.param("Africa/Cairo", utc(2026, 4, 23, 22), 23, date(2026, 4, 24), id="no midnight"),
        pytest.param("UTC", utc(2028, 2, 29), 24, date(2028, 2, 29), id="leap day"),
    ],
)  # fmt: skip
def test_a_day_has_the_hours_of_the_shops_zone(zone, start, hours, day):
    account = opened_in(zone, start - 5 * DAY)
    end = start + hours * HOUR

    assert both_forms(account, "before", start - INSTANT) == {day - DAY}
    assert both_forms(account, "first", start) == {day}
    assert both_forms(account, "noon", start + 12 * HOUR) == {day}
    assert both_forms(account, "last", end - INSTANT) == {day}
    assert both_forms(account, "after", end) == {day + DAY}

    sums = DailyUsage.objects.filter(account=account, day=day, kind="spend")
    assert [(line.entries, line.package_delta) for line in sums] == [(6, -30)]
    assert_in_step(account)


def test_a_trial_day_has_24_hours_across_a_clock_change():
    berlin_saturday_noon = utc(2026, 3, 28, 11)
    loom = open_loom(berlin_saturday_noon, time_zone="Europe/Berlin")
    ledger.spend(loom.pk, 70, "day-1", now=berlin_saturday_noon)

    assert held(loom, berlin_saturday_noon + DAY - INSTANT) == (30, 0)
    assert held(loom, berlin_saturday_noon + DAY) == (100, 0)


def test_a_day_never_goes_back_when_the_shop_moves():
    account = opened_in("Pacific/Kiritimati", utc(2026, 3, 28, 9))
    assert both_forms(account, "kiritimati", utc(2026, 3, 28, 11)) == {date(2026, 3, 29)}

    Account.objects.filter(pk=account.pk).update(time_zone="Pacific/Pago_Pago")

    # 28 March there for another day; the books stay on the 29th.
    assert both_forms(account, "pago pago", utc(2026, 3, 28, 12)) == {date(2026, 3, 29)}
    assert both_forms(account, "later", utc(2026, 3, 30, 11)) == {date(2026, 3, 30)}
    assert_in_step(account)


def test_a_billing_period_ends_at_its_instant_wherever_the_shop_has_moved():
    paper = open_paper()
    end = queries.get_balance(paper.pk, now=OPENED).resets_at
    assert end is not None

    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        Account.objects.filter(pk=paper.pk).update(time_zone=zone)
        both_forms(paper, zone, OPENED + DAY)
        assert queries.get_balance(paper.pk, now=end - INSTANT).resets_at == end
        assert held(paper, end) == (0, 0)

    assert ledger.settle(paper.pk, now=end + DAY) == 1
    assert LedgerEntry.objects.get(account=paper, kind="expire").created_at == end
    assert_in_step(paper)


def test_a_balance_at_any_past_instant():
    account = opened_in("Europe/Berlin", utc(2026, 3, 1))
    instants = [utc(2026, 3, 1) + n * 7 * HOUR for n in range(1, 60)]
    for number, now in enumerate(instants):
        ledger.spend(account.pk, 10, f"run-{number}", now=now)

    assert queries.balance_at(account.pk, utc(2026, 3, 1) - INSTANT) == (0, 0)
    for number, now in enumerate(instants):
        assert queries.balance_at(account.pk, now - INSTANT) == (0, 10_000 - 10 * number)
        assert queries.balance_at(account.pk, now) == (0, 9_990 - 10 * number)


class TestStoppedScheduler:
    """Nothing runs for 40 days: the first touch still finds the truth."""

    LATER = OPENED + 40 * DAY

    def test_a_trial_is_over(self):
        loom = open_loom()
        ledger.add_package(loom.pk, 500, key="package", now=OPENED)

        assert held(loom, self.LATER) == (0, 500)
        spent = ledger.spend(loom.pk, 120, "run", now=self.LATER)

        assert (spent.plan_delta, spent.package_delta) == (0, -120)
        assert written(loom)[2:] == [("expire", -100, 0), ("spend", 0, -120)]
        assert LedgerEntry.objects.get(account=loom, kind="expire").created_at == OPENED + DAY

    def test_a_subscription_has_expired_and_the_confirmed_renewal_counts(self):
        paper = open_paper()
        assert held(paper, self.LATER) == (0, 0)
        with pytest.raises(ledger.InsufficientCredits):
            ledger.spend(paper.pk, 1, "run", now=self.LATER)

        end = OPENED + CYCLE
        ledger.start_plan_period(
            paper.pk, "starter", end, end + CYCLE, key="cycle-2", now=self.LATER
        )

        assert held(paper, self.LATER) == (3_000, 0)
        assert_in_step(paper)

    def test_a_staff_plan_is_in_its_second_month(self):
        harbor = open_harbor()
        ledger.grant_plan(harbor.pk, "starter", OPENED, "staff", "staff:7", "Partner", now=OPENED)
        ledger.spend(harbor.pk, 2_000, "month-1", now=OPENED)

        assert held(harbor, self.LATER) == (3_000, 0)
        ledger.spend(harbor.pk, 2_500, "month-2", now=self.LATER)

        assert written(harbor)[2:4] == [("expire", -1_000, 0), ("plan_grant", 3_000, 0)]
        assert held(harbor, self.LATER) == (500, 0)
