"""Reads figures off a page by its structure, whatever the words around them are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.http import HttpResponse
from django.test.html import Element, parse_html

_FIGURE = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+|[-+]?\d+")


def read_page(response: HttpResponse) -> Element:
    """The page as a tree; it has to be a page that was answered."""
    assert response.status_code == 200
    return parse_html(response.content.decode())


def every(
    root: Element, name: str = "", /, class_: str = "", **attributes: str
) -> Iterator[Element]:
    """The elements below `root` of this name, class (`class_`) and attributes, in page order."""
    for child in root.children:
        if not isinstance(child, Element):
            continue
        held = {key: value or "" for key, value in child.attributes}
        fits = not name or child.name == name
        fits = fits and (not class_ or class_ in held.get("class", "").split())
        if fits and attributes.items() <= held.items():
            yield child
        yield from every(child, name, class_, **attributes)


def one(root: Element, name: str = "", /, class_: str = "", **attributes: str) -> Element:
    """The only such element."""
    (found,) = every(root, name, class_, **attributes)
    return found


def attribute(element: Element, name: str) -> str:
    """An attribute's value; empty when it is not there."""
    return next((value or "" for key, value in element.attributes if key == name), "")


def words(element: Element) -> str:
    """What the element reads, white space folded and every minus sign the same."""
    parts = (words(c) if isinstance(c, Element) else str(c) for c in element.children)
    return " ".join(" ".join(parts).split()).replace("\N{MINUS SIGN}", "-")


def figures(element: Element) -> list[int]:
    """The whole numbers that the element reads, with the signs that touch them."""
    return [int(found.replace(",", "")) for found in _FIGURE.findall(words(element))]
