"""How long the credits last: a range, hidden when there is too little to go by."""

from __future__ import annotations

import pytest

from credits import ledger, queries
from credits.reports.forecasts import read_forecast
from tests.credits.reports.story import DAY, NOON, open_bloom, open_quay

pytestmark = pytest.mark.django_db


def read(account, now):
    balance = queries.get_balance(account.pk, now)
    return read_forecast(account, balance, now)


def use(account, credits_by_day):
    """Spend each day's credits at noon, from the first day of the story on."""
    for day, credits in enumerate(credits_by_day):
        if credits:
            ledger.spend(account.pk, credits, f"day-{day}", now=NOON + day * DAY)


def test_hidden_below_five_active_days():
    bloom = open_bloom()
    use(bloom, [100, 0, 100, 100, 0, 100])

    assert read(bloom, NOON + 6 * DAY) is None
    ledger.spend(bloom.pk, 100, "fifth", now=NOON + 6 * DAY)
    assert read(bloom, NOON + 7 * DAY) is not None


def test_a_young_account_is_judged_by_the_days_it_has():
    bloom = open_bloom()
    use(bloom, [100] * 7)

    forecast = read(bloom, NOON + 7 * DAY)

    assert forecast is not None
    assert forecast.pace == 100


def test_days_before_the_opening_do_not_slow_the_pace_but_idle_ones_do():
    bloom = open_bloom()
    use(bloom, [100, 0, 100, 100, 0, 100, 0, 100, 100, 0])

    forecast = read(bloom, NOON + 10 * DAY)

    assert forecast is not None
    assert forecast.pace == 60


def test_a_steady_pace_gives_one_number():
    bloom = open_bloom()
    use(bloom, [200] * 14)  # 2,800 of 3,500 used, 700 left, 16 days to the reset

    forecast = read(bloom, NOON + 14 * DAY)

    assert forecast is not None
    assert forecast.pace == 200
    assert (forecast.least_days, forecast.most_days) == (3, 3)
    assert forecast.unused == 0


def test_an_uneven_pace_gives_a_range():
    bloom = open_bloom()
    use(bloom, [600, 0, 0, 100, 500, 0, 100, 0, 700, 0, 300, 0, 100, 400])

    forecast = read(bloom, NOON + 14 * DAY)

    assert forecast is not None
    assert forecast.least_days is not None
    assert forecast.most_days is not None
    assert forecast.least_days < 700 / 200 < forecast.most_days + 1


def test_credits_that_outlast_the_reset_are_said_to_expire():
    bloom = open_bloom()
    use(bloom, [20] * 14)  # 2,720 plan credits left, 20 a day, 16 days to the reset

    forecast = read(bloom, NOON + 14 * DAY)

    assert forecast is not None
    assert forecast.lasts_to_reset
    assert forecast.unused == 2720 - 16 * 20


def test_today_does_not_count_until_it_is_over():
    bloom = open_bloom()
    use(bloom, [200] * 14)
    before = read(bloom, NOON + 14 * DAY)
    ledger.spend(bloom.pk, 500, "big day", now=NOON + 14 * DAY)

    after = read(bloom, NOON + 14 * DAY)

    assert before is not None
    assert after is not None
    assert after.pace == before.pace


def test_a_remainder_is_not_refilled():
    bloom = open_bloom()
    use(bloom, [100] * 14)
    over = NOON + 31 * DAY
    ledger.adjust(bloom.pk, "plan", 1000, "goodwill", "staff:9", "Goodwill", now=over)
    for day in range(14):
        ledger.spend(bloom.pk, 20, f"later-{day}", now=over + day * DAY)

    forecast = read(bloom, over + 14 * DAY)

    assert forecast is not None
    # 720 plan credits are left; 400 of them expire in 16 days, then there are 500 package credits.
    assert forecast.least_days == 16 + 25


def test_no_forecast_on_the_trial_or_at_zero():
    quay = open_quay()
    use(quay, [20] * 6)
    assert read(quay, NOON + 6 * DAY) is None

    bloom = open_bloom()
    use(bloom, [700] * 5)
    assert read(bloom, NOON + 5 * DAY) is None
