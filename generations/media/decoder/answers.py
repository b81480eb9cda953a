"""What the process is asked and what it answers, as JSON between two programs."""

from __future__ import annotations

from typing import TypedDict


class Question(TypedDict):
    """What is wanted of the file on standard input. Sides are pixels.

    `copy` and `preview` are open files to write to; without `copy` only a preview is made.
    """

    format: str
    max_pixels: int
    min_side: int
    max_lossless_pixels: int
    preview_side: int
    copy: int | None
    preview: int


class Answer(TypedDict, total=False):
    """Either `refused` with what was found, or the copy's properties."""

    refused: str
    width: int
    height: int
    frames: int
    media_format: str
    has_alpha: bool
    lightest: int
    sha256: str


class Refused(Exception):  # noqa: N818 - says what is the case
    """The picture breaks a rule; `found` is what a sentence about it has to name."""

    def __init__(self, code: str, **found: int) -> None:
        super().__init__(code)
        self.code = code
        self.found = found
