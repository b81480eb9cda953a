"""The words on a product's label, read in both pictures by an OCR on this machine.

Small print flickers from picture to picture, so only what was read with certainty counts, and a word
that looks the same to the pixel is the same, whatever was read.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from generations.engines.local.pixels.arrays import Floats, Photo
from generations.truth.alignment import Alignment

CERTAIN = 0.9
# Two letters say too little.
SHORTEST = 3
READ_SIDE = 1280
# As alike as the same print in two encodings; and as unlike as print and bare ground.
SAME_LOOK, OTHER_LOOK = 0.95, 0.6
# A word that is misprinted still is that word; beyond this share of its letters it is another one.
MISPRINT = 0.5

_loading = threading.Lock()


@dataclass(frozen=True)
class Line:
    """A line of print: its text, how certain the reading is, and its corners as shares of the picture."""

    text: str
    certainty: float
    box: tuple[float, float, float, float]

    @property
    def letters(self) -> str:
        """What counts of the text: letters and digits."""
        return re.sub(r"[\W_]+", "", self.text).casefold()


@dataclass(frozen=True)
class Difference:
    """A line that reads otherwise, or, with nothing in `after`, is not there any more."""

    before: str
    after: str


@lru_cache(maxsize=1)
def _load() -> Any:
    from rapidocr import RapidOCR  # noqa: PLC0415  # It takes seconds and 400 MB.

    threads = "EngineConfig.onnxruntime.{}_op_num_threads"
    one_thread = {threads.format("intra"): 1, threads.format("inter"): 1}
    return RapidOCR(params={"Global.log_level": "critical", **one_thread})


def read(photo: Photo) -> list[Line]:
    """Every line that is found, the uncertain ones too."""
    with _loading:
        reader = _load()
    scale = min(1.0, READ_SIDE / max(photo.shape[:2]))
    size = (round(photo.shape[1] * scale), round(photo.shape[0] * scale))
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    found = reader(cv2.cvtColor(small, cv2.COLOR_RGB2BGR), use_cls=False)
    if found.txts is None:
        return []
    lines = []
    for text, score, corners in zip(found.txts, found.scores, found.boxes, strict=True):
        (left, top), (right, bottom) = corners.min(axis=0) / size, corners.max(axis=0) / size
        lines.append(Line(text, float(score), (left, top, right, bottom)))
    return lines


def certain(lines: Sequence[Line]) -> list[Line]:
    """Those that a comparison may stand on."""
    return [one for one in lines if one.certainty >= CERTAIN and len(one.letters) >= SHORTEST]


def compare(
    source: Photo,
    before: Sequence[Line],
    result: Photo,
    after: Sequence[Line],
    alignment: Alignment | None,
) -> tuple[list[Difference], bool]:
    """What differs of the source's certain lines, and whether all of them could be judged.

    Pictures are at the size that `alignment` speaks of.
    """
    differing: list[Difference] = []
    judged_all = True
    for line in certain(before):
        found = _judge(line, after, _alike(source, result, line, alignment))
        if found is None:
            judged_all = False
        elif found.before:
            differing.append(found)
    return differing, judged_all


_SAME = Difference("", "")


def _judge(line: Line, after: Sequence[Line], alike: float | None) -> Difference | None:
    """`_SAME`, a difference, or None where there are no grounds."""
    nearest = min(after, key=lambda one: _distance(line.letters, one.letters), default=None)
    if nearest is not None and nearest.letters == line.letters:
        return _SAME
    if alike is not None and alike >= SAME_LOOK:
        return _SAME
    if nearest is not None:
        share = _distance(line.letters, nearest.letters) / len(line.letters)
        if share <= MISPRINT:
            sure = nearest.certainty >= CERTAIN
            return Difference(line.text, nearest.text) if sure else None
    if alike is not None and alike <= OTHER_LOOK:
        return Difference(line.text, "")
    return None


def _distance(first: str, second: str) -> int:
    """Levenshtein: how many letters must be put in, taken out or changed."""
    row = list(range(len(second) + 1))
    for number, letter in enumerate(first, 1):
        diagonal, row[0] = row[0], number
        for place, other in enumerate(second, 1):
            diagonal, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, diagonal + (letter != other)),
            )
    return row[-1]


def _alike(source: Photo, result: Photo, line: Line, alignment: Alignment | None) -> float | None:
    """How much the print's place looks as before, from -1 to 1; None where its place is not known."""
    if alignment is None or alignment.basis == "outline":
        return None
    height, width = source.shape[:2]
    left, top, right, bottom = line.box
    corners = np.array([[left * width, top * height], [right * width, bottom * height]], np.float32)
    (x0, y0), (x1, y1) = np.rint(corners).astype(int)
    piece = _grey(source)[y0 : y1 + 1, x0 : x1 + 1]
    back = cv2.warpAffine(
        _grey(result),
        alignment.matrix,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )[y0 : y1 + 1, x0 : x1 + 1]
    if piece.size < 60 or piece.std() < 1:
        return None
    if back.std() < 1:
        return 0.0
    return float(np.corrcoef(piece.ravel(), back.ravel())[0, 1])


def _grey(photo: Photo) -> Floats:
    return np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), np.float32)
