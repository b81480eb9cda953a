"""What a PNG's colour chunks mean, as an ICC profile.

Source: PNG specification, third edition, "Colour space information"; ITU-T H.273 for the code
points of cICP; ITU-R BT.2408 for the white of high dynamic range, 203 cd/m².
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import partial
from math import exp

from generations.media.decoder import profiles
from generations.media.decoder.profiles import D65, Curve, Primaries

_ILLUMINANT_C = (0.310, 0.316)
_PRIMARIES = {
    1: profiles.SRGB,
    4: Primaries(_ILLUMINANT_C, (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: Primaries(D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: Primaries(D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: Primaries(D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    8: Primaries(_ILLUMINANT_C, (0.681, 0.319), (0.243, 0.692), (0.145, 0.049)),
    9: Primaries(D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: Primaries((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: Primaries(D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: Primaries(D65, (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
_HDR_WHITE = 203.0
# As libpng does: what lies this near to sRGB is sRGB, whose gamma gAMA can only say roughly.
_SRGB_GAMMA, _GAMMA_TOLERANCE = 1 / 2.2, 0.05
_NEAR = 0.002


def profile(chunks: Mapping[bytes, bytes], *, is_grey: bool) -> bytes | None:
    """The profile that intact colour chunks mean; None for sRGB, and where nothing is said.

    `chunks` has the data of cICP, sRGB, gAMA and cHRM, and of iCCP the unpacked profile.
    """
    if b"cICP" in chunks:
        known, made = _by_code_points(chunks[b"cICP"], is_grey=is_grey)
        if known:
            return made
    if b"iCCP" in chunks:
        return chunks[b"iCCP"]
    if b"sRGB" in chunks:
        return None
    gamma = _gamma(chunks.get(b"gAMA", b""))
    primaries = None if is_grey else _chromaticities(chunks.get(b"cHRM", b""))
    if gamma is None and primaries is None:
        return None
    curve = profiles.srgb_curve if gamma is None else partial(_power, exponent=1 / gamma)
    return _made(primaries or profiles.SRGB, curve, is_grey=is_grey)


def _made(primaries: Primaries, curve: Curve, *, is_grey: bool) -> bytes | None:
    """A profile; None when the primaries span no colour space and therefore say nothing."""
    if is_grey:
        return profiles.grey_profile(curve)
    try:
        return profiles.rgb_profile(primaries, curve)
    except ValueError:
        return None


def _gamma(data: bytes) -> float | None:
    """gAMA's exponent; None for sRGB's, and for one that cannot be."""
    if len(data) != 4:
        return None
    gamma = int.from_bytes(data, "big") / 100_000
    if not 0.01 <= gamma <= 100 or abs(gamma / _SRGB_GAMMA - 1) <= _GAMMA_TOLERANCE:
        return None
    return gamma


def _chromaticities(data: bytes) -> Primaries | None:
    """cHRM's points; None for sRGB's, and for such that cannot be."""
    if len(data) != 32:
        return None
    values = [value / 100_000 for value in struct.unpack(">8I", data)]
    points = list(zip(values[::2], values[1::2], strict=True))
    if any(y <= 0 or x + y > 1.001 for x, y in points):
        return None
    found = Primaries(*points)
    known = [value for point in profiles.SRGB for value in point]
    if all(abs(a - b) < _NEAR for a, b in zip(values, known, strict=True)):
        return None
    return found


def _by_code_points(data: bytes, *, is_grey: bool) -> tuple[bool, bytes | None]:
    """Whether the code points are known, and the profile that they mean."""
    if len(data) != 4:
        return False, None
    primaries, transfer, matrix, full_range = data
    curve = _CURVES.get(transfer)
    if primaries not in _PRIMARIES or curve is None or matrix != 0:
        return False, None
    if (primaries, transfer, full_range) == (1, 13, 1):
        return True, None
    if not full_range:
        curve = partial(_narrow, curve=curve)
    return True, _made(_PRIMARIES[primaries], curve, is_grey=is_grey)


# --- Transfer functions: samples from 0 to 1 to light, where 1 is white --------------------------


def _power(sample: float, exponent: float) -> float:
    return float(sample**exponent)


def _narrow(sample: float, curve: Curve) -> float:
    return curve(min(1.0, max(0.0, (sample * 255 - 16) / 219)))


def _bt709(sample: float) -> float:
    return sample / 4.5 if sample < 0.081 else _power((sample + 0.099) / 1.099, 1 / 0.45)


def _smpte240(sample: float) -> float:
    return sample / 4 if sample < 0.0912 else _power((sample + 0.1115) / 1.1115, 1 / 0.45)


def _smpte428(sample: float) -> float:
    return _power(sample, 2.6) * 52.37 / 48


def _pq(sample: float) -> float:
    root = _power(sample, 32 / 2523)
    nominator = max(root - 0.8359375, 0.0)
    light = _power(nominator / (18.8515625 - 18.6875 * root), 16384 / 2610)
    return light * 10_000 / _HDR_WHITE


def _hlg(sample: float) -> float:
    scene = (
        sample**2 / 3
        if sample <= 0.5
        else (exp((sample - 0.55991073) / 0.17883277) + 0.28466892) / 12
    )
    return _power(scene, 1.2) * 1000 / _HDR_WHITE


_CURVES: dict[int, Curve] = {
    1: _bt709,
    4: partial(_power, exponent=2.2),
    5: partial(_power, exponent=2.8),
    6: _bt709,
    7: _smpte240,
    8: partial(_power, exponent=1.0),
    13: profiles.srgb_curve,
    14: _bt709,
    15: _bt709,
    16: _pq,
    17: _smpte428,
    18: _hlg,
}
