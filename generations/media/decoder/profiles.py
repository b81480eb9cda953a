"""Colour profiles for what a PNG says of its colours in numbers instead of by a profile.

The profiles are ICC version 2, display class: a matrix and one curve for all three channels, or a
curve alone for grey.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

Curve = Callable[[float], float]
Point = tuple[float, float]


class Primaries(NamedTuple):
    """Chromaticities (x, y) of the white point and of the three primaries."""

    white: Point
    red: Point
    green: Point
    blue: Point


D65 = (0.3127, 0.3290)
SRGB = Primaries(D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))

_D50 = (0.9642, 1.0, 0.8249)
_STEPS = 4096
_Row = tuple[float, float, float]
_Matrix = tuple[_Row, _Row, _Row]
_BRADFORD: _Matrix = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)


def srgb_curve(sample: float) -> float:
    """Light of a sample by the sRGB transfer function, both from 0 to 1."""
    return sample / 12.92 if sample <= 0.04045 else float(((sample + 0.055) / 1.055) ** 2.4)


def rgb_profile(primaries: Primaries, curve: Curve) -> bytes:
    """A profile of three channels. ValueError for primaries that span no colour space."""
    columns = _adapted_columns(primaries)
    table = _curve_tag(curve)
    ends = zip(("rXYZ", "gXYZ", "bXYZ"), columns, strict=True)
    tags = {name: _xyz_tag(column) for name, column in ends}
    return _profile("RGB ", tags | dict.fromkeys(("rTRC", "gTRC", "bTRC"), table))


def grey_profile(curve: Curve) -> bytes:
    """A profile of one channel."""
    return _profile("GRAY", {"kTRC": _curve_tag(curve)})


def _adapted_columns(primaries: Primaries) -> list[_Row]:
    """XYZ of the full primaries, as they look under the profile connection space's D50."""
    white = _xyz(primaries.white)
    ends = [_xyz(point) for point in primaries[1:]]
    amounts = _apply(_inverse(_transposed(ends)), white)
    shown = _apply(_BRADFORD, white)
    wanted = _apply(_BRADFORD, _D50)
    back = _inverse(_BRADFORD)
    columns = []
    for end, amount in zip(ends, amounts, strict=True):
        cone = _apply(_BRADFORD, (end[0] * amount, end[1] * amount, end[2] * amount))
        scaled = [c * w / s for c, w, s in zip(cone, wanted, shown, strict=True)]
        columns.append(_apply(back, (scaled[0], scaled[1], scaled[2])))
    return columns


def _xyz(point: Point) -> _Row:
    x, y = point
    if y <= 0:
        raise ValueError("A chromaticity without luminance")
    return x / y, 1.0, (1 - x - y) / y


def _transposed(rows: list[_Row]) -> _Matrix:
    first, second, third = zip(*rows, strict=True)
    return first, second, third


def _apply(matrix: _Matrix, vector: _Row) -> _Row:
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return first, second, third


def _inverse(matrix: _Matrix) -> _Matrix:
    (a, b, c), (d, e, f), (g, h, i) = matrix
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    if abs(determinant) < 1e-6:
        raise ValueError("The primaries lie on a line")
    return (
        (
            (e * i - f * h) / determinant,
            (c * h - b * i) / determinant,
            (b * f - c * e) / determinant,
        ),
        (
            (f * g - d * i) / determinant,
            (a * i - c * g) / determinant,
            (c * d - a * f) / determinant,
        ),
        (
            (d * h - e * g) / determinant,
            (b * g - a * h) / determinant,
            (a * e - b * d) / determinant,
        ),
    )


def _xyz_tag(values: _Row) -> bytes:
    if any(abs(value) >= 32_000 for value in values):
        raise ValueError("Primaries beyond what a profile can say")
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _curve_tag(curve: Curve) -> bytes:
    samples = (curve(step / (_STEPS - 1)) for step in range(_STEPS))
    table = [round(min(1.0, max(0.0, light)) * 65535) for light in samples]
    return b"curv\0\0\0\0" + struct.pack(f">I{_STEPS}H", _STEPS, *table)


def _profile(space: str, tags: dict[str, bytes]) -> bytes:
    tags = {"wtpt": _xyz_tag(_D50)} | tags
    at, places, bodies = 128 + 4 + 12 * len(tags), b"", b""
    written: dict[bytes, int] = {}
    for name, body in tags.items():
        if body not in written:
            written[body] = at + len(bodies)
            bodies += body + b"\0" * (-len(body) % 4)
        places += name.encode() + struct.pack(">II", written[body], len(body))
    header = struct.pack(
        ">I4sI4s4s4s12s4s24s4x3i48x",
        at + len(bodies), b"", 0x02100000, b"mntr", space.encode(), b"XYZ ", b"", b"acsp", b"",
        *(round(value * 65536) for value in _D50),
    )  # fmt: skip
    return header + struct.pack(">I", len(tags)) + places + bodies
