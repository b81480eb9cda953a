"""Two texts compared word by word."""

from __future__ import annotations

import pytest

from generations.words.diffs import compare


def test_words_that_go_and_come_are_told_apart() -> None:
    assert compare("A red enamel mug", "A blue enamel mug with a lid") == [
        ("same", "A"),
        ("removed", "red"),
        ("added", "blue"),
        ("same", "enamel mug"),
        ("added", "with a lid"),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "new words"), ("old words", ""), ("a b  c\nd", "d c b a"), ("x y z " * 400, "y " * 900)],
)
def test_the_pieces_make_up_both_texts(before: str, after: str) -> None:
    pieces = compare(before, after)
    assert " ".join(one.text for one in pieces if one.kind != "added").split() == before.split()
    assert " ".join(one.text for one in pieces if one.kind != "removed").split() == after.split()
