"""Other forms of a result for its download: format, ground behind what is transparent, shape.

The master stays as it is. What it says about its own making (XMP) goes along; nothing else does.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from generations.media import decoding

MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
RATIOS = ("1:1", "4:5", "3:4", "2:3", "9:16", "4:3", "3:2", "16:9")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
# Pixels of whole pictures are in memory meanwhile: few at once.
turns = decoding.Turns(2, decoding.MOST_OF_ACCOUNT)


class UnknownFormError(ValueError):
    """A form that no page offers."""


@dataclass(frozen=True)
class Form:
    """`kind` as in MEDIA_TYPES, `ground` a colour (#rrggbb) or empty, `ratio` as "4:5" or empty."""

    kind: str
    ground: str = ""
    ratio: str = ""

    @property
    def media_type(self) -> str:
        """Of the file that is made."""
        return MEDIA_TYPES[self.kind]


def read_form(asked: Mapping[str, str]) -> Form | None:
    """The form that an address asks for, None for the master; UnknownFormError for what is none."""
    kind = asked.get("format", "")
    if not kind:
        return None
    ground, ratio = asked.get("ground", ""), asked.get("ratio", "")
    if ground == "colour":
        ground = asked.get("colour", "")
    ground = {"white": "#ffffff"}.get(ground, ground)
    if kind not in MEDIA_TYPES or (ratio and ratio not in RATIOS):
        raise UnknownFormError(kind)
    if ground and not _COLOUR.fullmatch(ground):
        raise UnknownFormError(ground)
    return Form(kind, ground, ratio)


def convert(master: IO[bytes], form: Form, account_id: int = 0) -> bytes:
    """The picture in the form; raises Busy when too many wait, OSError for a damaged file.

    A process of its own makes it: of a large picture that takes a gigabyte for a moment.
    """
    told = {"kind": form.kind, "ground": form.ground, "ratio": form.ratio}
    with tempfile.TemporaryFile() as file, turns.take(account_id):
        shutil.copyfileobj(master, file)
        file.flush()
        return decoding.run("convert", told, file)
