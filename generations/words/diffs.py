"""What changed between two texts, word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

Kind = Literal["same", "removed", "added"]


class Piece(NamedTuple):
    """Words that follow each other and share what became of them."""

    kind: Kind
    text: str


def compare(before: str, after: str) -> list[Piece]:
    """The pieces in reading order; the same and the added ones make up `after`'s words."""
    old, new = (re.findall(r"\S+", text) for text in (before, after))
    pieces: list[Piece] = []
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", " ".join(old[old_from:old_to])))
            continue
        if old_to > old_from:
            pieces.append(Piece("removed", " ".join(old[old_from:old_to])))
        if new_to > new_from:
            pieces.append(Piece("added", " ".join(new[new_from:new_to])))
    return pieces
