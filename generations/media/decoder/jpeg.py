"""How many scans a JPEG has, counted without decoding one.

A progressive JPEG of 400 kB can repeat one scan 3,000 times, and a decoder goes over all pixels for
each. Encoders write about ten; the largest scripts in use stay below a hundred.
"""

from __future__ import annotations

import re

MAX_SCANS = 100

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# In coded data 0xFF is followed by 0 (a stuffed byte), a restart marker or more 0xFF; else it is a
# marker.
_NEXT_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")


def count_scans(content: bytes) -> int:
    """The scans of the first picture in the file; counting stops behind MAX_SCANS."""
    scans, at = 0, 2
    while scans <= MAX_SCANS:
        found = _NEXT_MARKER.search(content, at)
        if found is None or found[1][0] == _END_OF_IMAGE:
            break
        scans += found[1][0] == _START_OF_SCAN
        length = int.from_bytes(content[found.end() : found.end() + 2], "big")
        at = found.end() + max(2, length)
    return scans
