"""The verdict on a result: green, amber with what was found, or that it cannot be judged.

Thresholds were chosen on eight of the twelve pictures of the measurement (docs/product-truth.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from generations.engines.local.pixels import mattes
from generations.engines.local.pixels.arrays import Mask, Photo
from generations.truth import alignment as aligning
from generations.truth import colour, label_text, shape
from generations.truth.alignment import Alignment

Kind = Literal["colour", "shape", "text"]
State = Literal["green", "amber", "unknown"]
KINDS: tuple[Kind, ...] = ("colour", "shape", "text")

# ΔE2000, mean over the product; growth in one direction against the other; overlap of silhouettes.
MOST_SHIFT = 4.0
MOST_STRETCH = 1.025
LEAST_OVERLAP = 0.75
# By outlines alone, what is neither clearly the same nor clearly another shape is not judged.
SAME_OUTLINE = 0.96


@dataclass(frozen=True)
class Finding:
    """What one kind of comparison says. `before` and `after` are print, for text alone; `figure` is
    ΔE2000, the stretch or the overlap.
    """

    kind: Kind
    state: State
    before: str = ""
    after: str = ""
    figure: float | None = None


@dataclass(frozen=True)
class Seen:
    """What is known of one picture: how it is looked at, where its product is, what is printed."""

    small: Photo
    lines: list[label_text.Line]
    weights: Path

    @cached_property
    def product(self) -> Mask | None:
        """Where the product is; None where nothing stands out. Asked for only where it is needed."""
        try:
            return np.asarray(mattes.find_subject(self.small, self.weights) > 0.5)
        except mattes.NothingFoundError:
            return None


def see(photo: Photo, weights: Path) -> Seen:
    """Look at a picture (RGB) and read what is printed in it."""
    return Seen(aligning.shrunk(photo), label_text.read(photo), weights)


def compare(source: Seen, result: Seen, kinds: Iterable[Kind] = KINDS) -> list[Finding]:
    """One finding for each kind, in order. A source without print has no finding for text."""
    found = _align(source, result)
    findings = {
        "colour": _colour(source, result, found),
        "shape": _shape(source, result, found),
        "text": _text(source, result, found),
    }
    wanted = set(kinds)
    return [one for kind, one in findings.items() if one is not None and kind in wanted]


def overall(findings: Iterable[Finding]) -> State:
    """Amber when anything is; green when something was judged and nothing is; else unknown."""
    states = {one.state for one in findings}
    if "amber" in states:
        return "amber"
    return "green" if states == {"green"} else "unknown"


def _align(source: Seen, result: Seen) -> Alignment | None:
    if source.product is None:
        return None
    return aligning.align(source.small, source.product, result.small, lambda: result.product)


def _colour(source: Seen, result: Seen, found: Alignment | None) -> Finding:
    if found is None or source.product is None:
        return Finding("colour", "unknown")
    here, there = source.small.astype(np.float32), result.small.astype(np.float32)
    figure = colour.shift(here, source.product, there, found)
    if figure is None:
        return Finding("colour", "unknown")
    return Finding("colour", "amber" if figure > MOST_SHIFT else "green", figure=round(figure, 1))


def _shape(source: Seen, result: Seen, found: Alignment | None) -> Finding:
    if found is None or source.product is None:
        return Finding("shape", "unknown")
    if found.basis == "product":
        # Points all over the product tell its proportions better than two outlines of the network.
        is_stretched = found.stretch > MOST_STRETCH
        figure = round(found.stretch, 3)
        return Finding("shape", "amber" if is_stretched else "green", figure=figure)
    if result.product is None:
        return Finding("shape", "unknown")
    share = shape.overlap(source.product, result.product, found)
    if share >= SAME_OUTLINE:
        return Finding("shape", "green", figure=round(share, 3))
    is_other = found.basis == "outline" and share < LEAST_OVERLAP
    return Finding("shape", "amber" if is_other else "unknown", figure=round(share, 3))


def _text(source: Seen, result: Seen, found: Alignment | None) -> Finding | None:
    if not label_text.certain(source.lines):
        return None
    differing, judged_all = label_text.compare(
        source.small, source.lines, result.small, result.lines, found
    )
    if differing:
        return Finding("text", "amber", differing[0].before, differing[0].after)
    return Finding("text", "green" if judged_all else "unknown")
