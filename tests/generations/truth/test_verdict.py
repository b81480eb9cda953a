"""The product-truth check on pictures: what it finds, what it leaves alone, what it cannot judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from generations.engines.local import weights
from generations.truth import alignment, colour, label_text, shape, verdict
from generations.truth.label_text import Difference, Line
from generations.truth.verdict import Finding
from tests.generations.truth import pairs

NOWHERE = np.zeros((40, 40, 3), np.uint8)


def line(text: str, certainty: float = 0.99) -> Line:
    return Line(text, certainty, (0.1, 0.1, 0.9, 0.3))


class TestColour:
    @pytest.mark.parametrize(
        ("first", "second", "expected"),
        [
            # From the table of Sharma, Wu and Dalal.
            ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
            ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
            ((50, 2.5, 0), (73, 25, -18), 27.1492),
            ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
            ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
        ],
    )
    def test_delta_e_2000_is_the_published_one(
        self, first: tuple[float, ...], second: tuple[float, ...], expected: float
    ) -> None:
        here, there = (np.array([one], np.float32) for one in (first, second))
        assert colour.delta_e(here, there)[0] == pytest.approx(expected, abs=2e-3)


class TestWords:
    @pytest.mark.parametrize(
        ("after", "told"),
        [
            ([line("ORGANIC")], ([], True)),
            ([line("Organic.")], ([], True)),
            ([line("ORGANC")], ([Difference("ORGANIC", "ORGANC")], True)),
            ([line("ORGANC", 0.7)], ([], False)),
            ([line("BREWERY")], ([], False)),
            ([], ([], False)),
        ],
    )
    def test_only_certain_readings_count(
        self, after: list[Line], told: tuple[list[Difference], bool]
    ) -> None:
        assert label_text.compare(NOWHERE, [line("ORGANIC")], NOWHERE, after, None) == told

    def test_uncertain_or_short_print_of_the_source_is_no_ground(self) -> None:
        before = [line("ORGANIC", 0.85), line("ml")]
        assert label_text.compare(NOWHERE, before, NOWHERE, [], None) == ([], True)


def test_silhouettes_on_each_other() -> None:
    square = np.zeros((100, 100), bool)
    square[20:60, 20:60] = True
    moved = np.roll(square, (20, 10), axis=(0, 1))
    found = alignment.align(NOWHERE, square, NOWHERE, lambda: moved)

    assert found is not None
    assert found.basis == "outline"
    assert shape.overlap(square, moved, found) > 0.97


@pytest.mark.parametrize(
    ("states", "overall"),
    [
        (("green", "green"), "green"),
        (("green", "amber"), "amber"),
        (("unknown", "amber"), "amber"),
        (("green", "unknown"), "unknown"),
        ((), "unknown"),
    ],
)
def test_no_verdict_without_grounds(states: tuple[verdict.State, ...], overall: str) -> None:
    assert verdict.overall(Finding("colour", state) for state in states) == overall


def test_a_plain_wall_cannot_be_judged() -> None:
    wall = np.full((200, 200, 3), 128, np.uint8)
    seen = verdict.see(wall, weights.U2NETP.path)

    assert verdict.overall(verdict.compare(seen, seen)) == "unknown"


@pytest.mark.parametrize("change", ["recoloured", "stretched", "removed", "swapped", "new ground"])
def test_finds_what_was_changed_and_nothing_else(photographs: Path, change: str) -> None:
    """One pair of each kind; docs/product-truth.md has the measurement of all."""
    product = pairs.load(photographs, weights.U2NETP.path, pairs.TUNED[0])
    pair = next(one for one in pairs.pairs(product) if change in one.change)

    source, result = (
        verdict.see(one, weights.U2NETP.path) for one in (product.source, pair.result)
    )
    amber = {one.kind for one in verdict.compare(source, result) if one.state == "amber"}

    # The label is a part of the product: without it the mean colour is another one too.
    assert amber - {"colour"} if change == "removed" else amber == ({pair.kind} - {""})
