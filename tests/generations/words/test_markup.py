"""HTML as a store's editor keeps it."""

from __future__ import annotations

import pytest

from generations.words import markup


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<p>A <strong>mug</strong></p>", "<p>A <strong>mug</strong></p>"),
        ("<p onclick='x()'>A</p><script>x()</script>", "<p>A</p>"),
        ("<iframe src='https://x.example'></iframe><form><input></form>B", "B"),
        ("<img src='javascript:x()' onerror='x()'>", "<img>"),
        ("<ul><li>One</li></ul>", "<ul><li>One</li></ul>"),
    ],
)
def test_what_the_editor_keeps_stays_and_nothing_else(given: str, kept: str) -> None:
    assert markup.clean(given) == kept


def test_a_link_leads_to_the_web_alone() -> None:
    assert "javascript" not in markup.clean("<a href='javascript:x()'>A</a>")
    assert 'href="https://x.example"' in markup.clean("<a href='https://x.example'>A</a>")


def test_words_of_two_blocks_stay_apart() -> None:
    assert markup.plain("<p>A &amp; B</p><p>C</p>") == "A & B C"
    assert markup.blocks("<p>A &amp; <b>B</b></p><p>C</p>") == ["A & B", "C"]
