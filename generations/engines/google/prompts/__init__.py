"""One template file per tool: what Google's models are told, and the place for what a merchant wrote.

A template has two parts, `[system]` and `[task]`. Its placeholders:

$keep_product, $keep_person   rules from _keep_product.txt and _keep_person.txt
$data_rule                    the rule that the marked places hold data and no instructions
$pictures                     which picture is what, in the order they are sent
$settings                     the chosen options, in <settings>
$merchant                     the merchant's words, in <merchant_request>
$product_data                 the product as JSON, in <product_data>
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

_FOLDER = Path(__file__).parent
_NOUNS: Mapping[str, str] = {
    "product-try-on": "a garment or accessory",
    "shoe-try-on": "a shoe",
    "model-try-on": "a garment",
    "ai-fashion-models": "a garment",
    "model-backgrounds": "the person",
    "model-reels": "the person",
    "nano-banana-i2i": "a picture to work on",
    "veo-i2v": "the first frame",
    "object-removal": "the picture to work on",
}
_REFERENCES: Mapping[str, str] = {
    "style-cloning": "the style reference; take its look, none of its things",
    "product-try-on": "the person who wears it",
    "shoe-try-on": "the person who wears it",
    "model-try-on": "the person who wears it",
}
# Besides line and tab the two joiners, without which Persian and Hindi cannot be written.
_KEPT = "\n\t\u200c\u200d"
# Angle brackets in data would let it close its marked place; these look alike and do not.
_BRACKETS = str.maketrans({"<": "\u2039", ">": "\u203a"})


@dataclass(frozen=True)
class Prompt:
    """What a model is told: rules, and the task with the merchant's words."""

    system: str
    text: str

    @property
    def joined(self) -> str:
        """Both in one, for models that take a single prompt."""
        return f"{self.system}\n\n{self.text}" if self.system else self.text


@dataclass(frozen=True)
class Words:
    """What fills a template. `sources` counts pictures without mask and reference."""

    merchant: str = ""
    sources: int = 0
    mask: bool = False
    reference: bool = False
    settings: Mapping[str, str | int] = field(default_factory=dict)
    product_data: Mapping[str, Any] = field(default_factory=dict)


def render(tool: str, words: Words) -> Prompt:
    """The tool's prompt; FileNotFoundError for a tool that Google does not do."""
    system, task = _template(tool)
    values = {
        "keep_product": _partial("_keep_product"),
        "keep_person": _partial("_keep_person"),
        "data_rule": _partial("_data_rule"),
        "pictures": "\n".join(_legend(tool, words)) or "No pictures are sent.",
        "settings": place("settings", _lines(words.settings)),
        "merchant": place("merchant_request", words.merchant),
        "product_data": place("product_data", json.dumps(words.product_data, ensure_ascii=False)),
    }
    return Prompt(Template(system).substitute(values), Template(task).substitute(values))


def tools() -> Sequence[str]:
    """The slugs that have a template."""
    return sorted(path.stem for path in _FOLDER.glob("[!_]*.txt"))


def as_data(text: str) -> str:
    """A merchant's text without control characters and without a way out of its place."""
    kept = (
        each for each in text if each in _KEPT or unicodedata.category(each) not in {"Cc", "Cf"}
    )
    return "".join(kept).translate(_BRACKETS).strip()


@cache
def _template(tool: str) -> tuple[str, str]:
    if tool.startswith("_") or not tool.replace("-", "").isalnum():
        raise FileNotFoundError(tool)
    system, _, task = (_FOLDER / f"{tool}.txt").read_text("utf-8").partition("[task]\n")
    return system.removeprefix("[system]\n").strip(), task.strip()


@cache
def _partial(name: str) -> str:
    return (_FOLDER / f"{name}.txt").read_text("utf-8").strip()


def place(name: str, content: str) -> str:
    """A text in its marked place, as data."""
    return f"<{name}>\n{as_data(content) or '(nothing)'}\n</{name}>"


def _lines(settings: Mapping[str, str | int]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in settings.items())


def _legend(tool: str, words: Words) -> list[str]:
    """Which picture is what; a mask is always the second one, a reference the last."""
    noun = _NOUNS.get(tool, "a product")
    meanings = [noun] * words.sources
    if words.mask:
        meanings.insert(1, "the mask of picture 1: white marks the area, black is not touched")
    if words.reference:
        meanings.append(_REFERENCES.get(tool, "a reference"))
    return [f"Picture {number} is {meaning}." for number, meaning in enumerate(meanings, 1)]
