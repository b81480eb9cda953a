"""HTML as Shopify's description editor keeps it, and the plain text of HTML."""

from __future__ import annotations

import html
import re

import nh3

# What the editor's own buttons make; scripts, forms, frames, styles and handlers are none of it.
_TAGS = {
    "a", "b", "blockquote", "br", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "li",
    "ol", "p", "s", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u",
    "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
_BLOCK = re.compile(r"</?(?:blockquote|br|h[1-6]|hr|li|ol|p|table|tbody|td|th|thead|tr|ul)\b[^>]*>")
_SCHEMES = {"https", "http", "mailto", "tel"}


def clean(markup: str) -> str:
    """The HTML without what the editor does not keep; safe to show on a page."""
    return nh3.clean(markup, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES)


def plain(markup: str) -> str:
    """The words of HTML on one line; two blocks never run into one word."""
    bare = nh3.clean(markup.replace("<", " <"), tags=set())
    return re.sub(r"\s+", " ", html.unescape(bare)).strip()


def blocks(markup: str) -> list[str]:
    """The words of each paragraph, heading, cell or item."""
    parts = (plain(part) for part in _BLOCK.split(clean(markup.replace("<div", "<p"))))
    return [part for part in parts if part]
