"""What is known of a product, in the pieces that a template can place. Nothing is added to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from generations.words import markup

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\W\d_a-z]|[\"“])")
_ITEM = re.compile(r"<li\b[^>]*>(.*?)</li>", re.IGNORECASE | re.DOTALL)
# A store keeps this option for a product that has no choices.
_NO_CHOICE = "Default Title"
# What looks like an order to a machine in a tag is none of a shopper's business.
_READABLE_TAG = re.compile(r"[^\W\d_]+(?:[ -][^\W\d_]+){0,3}")
_MOST_TITLE = 255


@dataclass(frozen=True)
class Facts:
    """A product's data. `points` are short statements, `sentences` whole ones; `alts` is one
    text for each photo, empty where it has none."""

    title: str
    kind: str = ""
    vendor: str = ""
    sentences: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    alts: tuple[str, ...] = ()


def gather(data: Mapping[str, object], typed: str) -> Facts:
    """The facts in a store's data and in what the merchant typed, one fact on each line.

    Without a store's title the first line is the product's name.
    """
    lines = [line for line in map(_line, typed.splitlines()) if line]
    title = _text(data, "title") or (lines.pop(0) if lines else "")
    described = str(data.get("description_html") or "")
    points = [markup.plain(item) for item in _ITEM.findall(described)]
    prose = markup.blocks(_ITEM.sub("", described))
    return Facts(
        title=title[:_MOST_TITLE].rstrip(" ."),
        kind=_text(data, "type"),
        vendor=_text(data, "vendor").rstrip(" ."),
        sentences=_once(part for block in prose for part in _SENTENCE_END.split(block)),
        points=_once([*lines, *points, *_fields(data.get("metafields"))]),
        choices=tuple(_choices(data.get("options"))),
        tags=_once(tag for tag in _texts(data.get("tags")) if _READABLE_TAG.fullmatch(tag)),
        alts=tuple(_texts(data.get("alt_texts"))),
    )


def _fields(metafields: object) -> Iterable[str]:
    """A store's own fields of a product: “care_label” is read as “Care label”."""
    for name, value in metafields.items() if isinstance(metafields, Mapping) else ():
        text = _line(str(value or ""))
        if text and "\n" not in str(value).strip():
            yield f"{_line(re.sub('[_-]+', ' ', str(name))).capitalize()}: {text}"


def _choices(options: object) -> Iterable[tuple[str, str]]:
    for option in options if isinstance(options, list) else []:
        if isinstance(option, Mapping):
            values = [value for value in _texts(option.get("values")) if value != _NO_CHOICE]
            if values:
                yield _text(option, "name"), ", ".join(values)


def _text(data: Mapping[str, object], name: str) -> str:
    return _line(str(data.get(name) or ""))


def _texts(value: object) -> list[str]:
    return [_line(str(part or "")) for part in value] if isinstance(value, list) else []


def _line(text: str) -> str:
    """The words on one line, without the sign that begins an item of a list."""
    return re.sub(r"\s+", " ", text).strip().removeprefix("- ").removeprefix("• ")


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))
