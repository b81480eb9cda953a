"""Prices are rounded half up to the cent, as everybody does in their head."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopify_auth.templatetags.money import money, shared_by


@pytest.mark.parametrize(
    ("price", "parts", "written"),
    [
        ("19", 150, "$0.13"),
        ("19", 1, "$19"),
        ("0.125", 1, "$0.13"),
        ("0.124", 1, "$0.12"),
        ("18.999", 1, "$19"),
        ("1234.5", 1, "$1,234.50"),
    ],
)
def test_prices_as_they_are_written(price: str, parts: int, written: str) -> None:
    assert money(shared_by(Decimal(price), parts)) == written


@given(st.integers(0, 10_000_00), st.integers(1, 5_000))
def test_what_is_written_is_the_nearest_cent(cents: int, parts: int) -> None:
    written = money(shared_by(Decimal(cents) / 100, parts))

    shown = Fraction(re.sub(r"[$,]", "", written))
    difference = shown - Fraction(cents, 100 * parts)
    assert Fraction(-1, 200) < difference <= Fraction(1, 200)
