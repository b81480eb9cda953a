"""The headline of a month adds up in the figures that are printed, whatever happened in it."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.test.html import parse_html
from hypothesis import given
from hypothesis import strategies as st

from credits.reports.usage import Statement
from tests.page_reading import figures, one, words

amounts = st.integers(0, 60_000)


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    """What a bucket may have gone through; often nothing but use."""
    opening, added, restored = draw(amounts), draw(amounts), draw(st.sampled_from([0, 0, 60, 7]))
    adjusted = draw(st.one_of(st.just(0), st.integers(-opening - added, 60_000)))
    left = opening + added + restored + adjusted
    used = draw(st.integers(0, left))
    expired = draw(st.one_of(st.just(0), st.integers(0, left - used)))
    closing = left - used - expired
    return Statement(opening, added, restored, adjusted, used, expired, closing)


@given(statements(), st.sampled_from(["plan", "package"]))
def test_the_printed_headline_adds_up(statement: Statement, bucket: str) -> None:
    variables = {"statement": statement, "bucket": bucket, "title": "Credits"}
    page = parse_html(render_to_string("credits/_statement.html", variables))

    line = one(page, "p")
    if "→" in words(line):
        before, used, remaining = figures(line)
        assert before - used == remaining == statement.closing
        return
    terms = words(line).replace("- ", "-").replace("+ ", "+")
    *parts, remaining = (
        int(word.replace(",", ""))
        for word in terms.split()
        if word.strip("+-").replace(",", "").isdigit()
    )
    assert sum(parts) == remaining == statement.closing
