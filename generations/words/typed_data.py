"""A product's data as a merchant types it in, in the form in which a store tells it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping

from generations.words import fitting, markup

_IS_MARKUP = re.compile(r"<[a-zA-Z][^>]*>")


def over(data: Mapping[str, object], typed: Mapping[str, object]) -> dict[str, object]:
    """The store's data with what was typed in over it.

    `typed` are a tool's options; an empty one leaves what the store says.
    """
    said = {name.removeprefix("product_"): _text(value) for name, value in typed.items()
            if name.startswith("product_")}  # fmt: skip
    told = {
        "title": _line(said.get("title", "")),
        "type": _line(said.get("type", "")),
        "vendor": _line(said.get("vendor", "")),
        "options": list(_options(said.get("options", ""))),
        "tags": list(fitting.listed(said.get("tags", ""))),
        "description_html": _described(said.get("description", "")),
        "alt_texts": _lines(said.get("alt_texts", "")),
    }
    return {**data, **{name: value for name, value in told.items() if value}}


def _options(text: str) -> Iterator[dict[str, object]]:
    """“Size: S, M” with its name; a line of values alone is an option without one."""
    for line in _lines(text):
        name, colon, values = line.partition(":")
        listed = list(fitting.listed(values if colon else line))
        if listed:
            yield {"name": name.strip() if colon else "", "values": listed}


def _described(text: str) -> str:
    if _IS_MARKUP.search(text):
        return markup.clean(text)
    return "".join(f"<p>{html.escape(line)}</p>" for line in _lines(text))


def _lines(text: str) -> list[str]:
    return [line for line in map(_line, text.splitlines()) if line]


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
