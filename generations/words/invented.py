"""Nothing invented: what a text claims of a product that the product's data does not say.

Figures, their units and named certificates are compared in any language, materials and superlatives
in English. The check reads words, not sense: what it lists is for the merchant to look at.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from generations.words.claims import (
    ACRONYMS,
    CERTIFICATES,
    MATERIALS,
    NOT_SUPERLATIVE,
    PLAIN_UNITS,
    SUPERLATIVES,
    UNITS,
)
from generations.words.markup import blocks


def _any_of(words: Iterable[str]) -> str:
    """The longest first, so that none hides behind its own beginning."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_NUMBER = re.compile(
    rf"(?P<number>\d+(?:[.,]\d+)*)(?:[ -]?(?P<unit>{_any_of([*UNITS, *PLAIN_UNITS])})(?![^\W_]))?",
    re.IGNORECASE,
)
# Between figures that share the unit of the last one: 38 × 42 cm, 10–12 h.
_SAME_UNIT = re.compile(r" *[xX×*/–-] *")
_GROUPED = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_ACRONYM = re.compile(rf"(?<!\w)(?:{_any_of(ACRONYMS)})(?!\w)")
_CLAIM = re.compile(
    rf"(?<!\w)(?:(?:{_any_of([*CERTIFICATES, *MATERIALS, *SUPERLATIVES])})s?"
    r"|most (?!of\b|people\b|likely\b)\w+|\w{3,}est)(?!\w)",
    re.IGNORECASE,
)
_NAMED = re.compile(rf"(?<!\w)(?:{_any_of(CERTIFICATES)})(?!\w)", re.IGNORECASE)
# The hyphen of Unicode and the one that never breaks.
_HYPHENS = {0x2010: "-", 0x2011: "-"}
_ROOTS = {"wooden": "wood", "woollen": "wool", "aluminum": "aluminium"}


class _Figure(NamedTuple):
    readings: frozenset[str]
    unit: str
    start: int
    end: int


def find(texts: Iterable[str], known: Iterable[str], *, english: bool = True) -> list[str]:
    """Every claim of the texts that `known` does not hold, as it is written, each once.

    Of texts that are not `english` the figures, units and certificates are looked at alone.
    """
    claims = _CLAIM if english else _NAMED
    data = " \n ".join(_normal(text) for text in known)
    figures, words = list(_figures(data)), _words(data)
    found: dict[str, str] = {}
    for text in texts:
        normal = _normal(text)
        spans = [(one.start, one.end) for one in _figures(normal) if not _is_known(one, figures)]
        for match in (*_ACRONYM.finditer(normal), *claims.finditer(normal)):
            claim = match[0].casefold()
            if claim not in NOT_SUPERLATIVE and f" {_words(claim).strip()} " not in words:
                spans.append(match.span())
        for start, end in _joined(sorted(spans), normal):
            found.setdefault(normal[start:end].casefold(), normal[start:end])
    return list(found.values())


def find_in(
    written: Mapping[str, object], data: Mapping[str, object], *more: str, english: bool = True
) -> list[str]:
    """`find` for a whole description: its parts against a product's data and what was typed in."""
    return find(_strings(written), [*_strings(data), *more], english=english)


def _strings(value: object) -> Iterator[str]:
    """Every text in JSON, HTML as its words."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            if str(name).endswith("_html"):
                yield from blocks(str(part))
            else:
                yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _normal(text: str) -> str:
    """One way of writing digits, signs and spaces; capitals stay."""
    composed = unicodedata.normalize("NFKC", text).translate(_HYPHENS)
    return "".join(str(unicodedata.digit(one)) if one.isdigit() else one for one in composed)


def _words(text: str) -> str:
    """The words in small letters between single spaces, singular, by their roots."""
    words = re.findall(r"\w+", text.casefold())
    return f" {' '.join(_root(word) for word in words)} "


def _root(word: str) -> str:
    word = _ROOTS.get(word, word)
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _figures(text: str) -> Iterator[_Figure]:
    matches = list(_NUMBER.finditer(text))
    unit, follows = "", len(text)
    figures = []
    for match in reversed(matches):
        own = (match["unit"] or "").casefold()
        shared = unit if _SAME_UNIT.fullmatch(text[match.end() : follows]) else ""
        unit, follows = UNITS.get(own, own) or shared, match.start()
        figures.append(_Figure(_readings(match["number"]), unit, *match.span()))
    yield from reversed(figures)


def _readings(number: str) -> frozenset[str]:
    """The values that a figure may have: 1,000 is a thousand here and one there."""
    readings = {_value(number.replace(",", "."))}
    if _GROUPED.fullmatch(number):
        readings.add(_value(re.sub("[.,]", "", number)))
    return frozenset(readings)


def _value(number: str) -> str:
    whole, point, rest = number.partition(".")
    rest = rest.rstrip("0") if "." not in rest else rest
    return (whole.lstrip("0") or "0") + (point + rest if rest else "")


def _is_known(figure: _Figure, known: Iterable[_Figure]) -> bool:
    """Whether the data has the figure; where the text names a unit, with that unit."""
    return any(figure.readings & one.readings and figure.unit in ("", one.unit) for one in known)


def _joined(spans: list[tuple[int, int]], text: str) -> Iterator[tuple[int, int]]:
    """Claims that touch are one: “100 % organic”."""
    current: tuple[int, int] | None = None
    for start, end in spans:
        if current and (start <= current[1] or not text[current[1] : start].strip(" -")):
            current = (current[0], max(current[1], end))
            continue
        if current:
            yield current
        current = (start, end)
    if current:
        yield current
