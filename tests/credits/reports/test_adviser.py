"""The adviser: what was used, replayed against everything on sale."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits import ledger
from credits.reports import adviser
from credits.reports.adviser import Mix, Priced, advise, cheapest_packages
from tests.credits.reports.story import DAY, NOON

STARTER = Priced("starter", "Starter", Decimal(19), 3_000)
GROWTH = Priced("growth", "Growth", Decimal(49), 8_500)
PRO = Priced("pro", "Pro", Decimal(99), 18_000)
PLANS = (STARTER, GROWTH, PRO)
SMALL = Priced("small", "Small", Decimal(5), 500)
MEDIUM = Priced("medium", "Medium", Decimal(12), 1_500)
LARGE = Priced("large", "Large", Decimal(35), 5_000)
PACKAGES = (SMALL, MEDIUM, LARGE)


class TestAdvise:
    def test_it_names_a_cheaper_plan(self):
        advice = advise([2_900, 2_800, 3_000], PLANS, PACKAGES, GROWTH)

        assert advice.best == Mix(STARTER, (), Decimal(57))
        assert advice.saving == Decimal(90)
        assert not advice.is_fitting

    def test_it_adds_packages_to_a_smaller_plan(self):
        advice = advise([3_000, 3_000, 3_400], PLANS, PACKAGES, GROWTH)

        assert advice.best == Mix(STARTER, ((SMALL, 1),), Decimal(62))

    def test_it_names_a_larger_plan_when_packages_cost_more(self):
        advice = advise([8_000, 8_400, 8_500], PLANS, PACKAGES, STARTER)

        assert advice.best.plan == GROWTH
        # Three Starter periods, three Large packages and two Small ones, against three of Growth.
        assert advice.present.cost == Decimal(57 + 105 + 10)
        assert advice.saving == Decimal(172 - 147)

    def test_it_names_packages_alone(self):
        advice = advise([300, 100, 400], PLANS, PACKAGES, STARTER)

        assert advice.best == Mix(None, ((SMALL, 2),), Decimal(10))

    def test_a_plan_that_fits_is_left_alone(self):
        assert advise([8_000, 8_400, 8_500], PLANS, PACKAGES, GROWTH).is_fitting

    def test_the_old_price_of_a_running_plan_counts(self):
        bought_cheaply = Priced("growth", "Growth", Decimal(15), 8_500)

        assert advise([2_000, 2_000, 2_000], PLANS, PACKAGES, bought_cheaply).is_fitting

    def test_without_use_there_is_no_advice(self):
        assert advise([0, 0, 0], PLANS, PACKAGES, STARTER) is None

    def test_with_nothing_on_sale_there_is_no_advice(self):
        assert advise([10], (), ()) is None


class TestCheapestPackages:
    @given(needed=st.integers(0, 12_000))
    def test_no_other_combination_is_cheaper(self, needed: int):
        chosen = cheapest_packages(needed, PACKAGES)
        assert chosen is not None
        cost = sum(package.price * count for package, count in chosen)

        assert sum(package.credits * count for package, count in chosen) >= needed
        others = product(range(25), range(9), range(4))
        assert cost == min(
            5 * small + 12 * medium + 35 * large
            for small, medium, large in others
            if 500 * small + 1_500 * medium + 5_000 * large >= needed
        )

    def test_an_enormous_need_is_met(self):
        odd = [Priced("odd", "Odd", Decimal(7), 333), Priced("even", "Even", Decimal(9), 1_000)]

        chosen = cheapest_packages(40_000_000, odd)

        assert chosen is not None
        assert sum(package.credits * count for package, count in chosen) >= 40_000_000


@pytest.mark.django_db
class TestReadAdvice:
    def test_three_cycles_of_the_real_ledger(self):
        account = ledger.open_account("Bloom", trial=False, now=NOON)
        for cycle, spent in enumerate([2_900, 2_800, 3_000, 700]):
            start = NOON + cycle * 30 * DAY
            ledger.start_plan_period(
                account.pk, "growth", start, start + 30 * DAY, f"p{cycle}", start
            )
            ledger.spend(account.pk, spent, f"s{cycle}", now=start + 2 * DAY)
            broken = ledger.spend(account.pk, 60, f"b{cycle}", now=start + 3 * DAY)
            ledger.restore(broken.pk, f"r{cycle}", "staff", "broken", now=start + 4 * DAY)
        account.refresh_from_db()

        advice = adviser.read_advice(account, GROWTH, NOON + 3 * 30 * DAY + timedelta(days=9))

        assert advice.used == (2_900, 2_800, 3_000)
        assert advice.best.plan == STARTER
        assert advice.saving == Decimal(90)

    def test_a_period_that_is_over_no_longer_sets_the_cycles(self):
        account = ledger.open_account("Bloom", trial=False, now=NOON)
        ledger.start_plan_period(account.pk, "growth", NOON, NOON + 30 * DAY, "p", NOON)
        ledger.add_package(account.pk, 5_000, "large", NOON)
        ledger.spend(account.pk, 2_000, "within the plan", now=NOON + 5 * DAY)
        ledger.spend(account.pk, 1_500, "without a plan", now=NOON + 50 * DAY)
        account.refresh_from_db()

        advice = adviser.read_advice(account, None, NOON + 61 * DAY)

        assert advice.used == (2_000, 1_500)

    def test_before_the_first_full_cycle_there_is_none(self):
        account = ledger.open_account("Bloom", now=NOON)
        ledger.spend(account.pk, 50, "s", now=NOON)

        assert adviser.read_advice(account, None, NOON + 29 * DAY) is None
