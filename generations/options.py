"""What a tool may be told besides its size and its prompt: declared once, as data.

The form, the API's JSON Schema, the check before the deduction, the receipt and the engines read the
same declaration (`catalog.Tool.options`). Nothing here knows a request or a database.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from credits.refusals import Refusal

Kind = Literal["choice", "integer", "number", "text", "boolean", "colour"]
Value = str | int | float | bool

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
# Newline and tab are text; every other control character is a mistake or worse.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TYPES: dict[str, str] = {"integer": "integer", "number": "number", "boolean": "boolean"}


class OptionRefused(Refusal):
    """An option that the tool does not have, or a value that it does not take."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a choice, with what the merchant reads, and which engine takes it."""

    value: str
    title: Promise | str
    hint: Promise | str = ""
    # The only engine that takes it; empty where each does.
    engine: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing a tool may be told. `longest` is the length of a text in characters.

    A colour is written as #rrggbb; empty where the default is empty. A text of several lines has
    `rows`; what is `of_product` says what the product is, not how the result shall be.
    """

    name: str
    title: Promise
    kind: Kind
    default: Value
    choices: tuple[Choice, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    longest: int = 0
    help: Promise | str = ""
    rows: int = 1
    of_product: bool = False


def clean(options: tuple[Option, ...], given: Mapping[str, object]) -> dict[str, Value]:
    """The options by name, defaults filled in; OptionRefused names the one that is wrong."""
    known = {option.name for option in options}
    for name in given:
        if name not in known:
            sentence = _("This tool has no option “%(name)s”.") % {"name": name[:40]}
            raise OptionRefused(sentence, "unknown_option", f"options.{name[:40]}")
    return {
        option.name: _checked(option, given[option.name])
        if option.name in given
        else option.default
        for option in options
    }


def for_engine(options: tuple[Option, ...], engine: str) -> tuple[Option, ...]:
    """The options with the choices that this engine takes: what forms and the schema offer."""
    return tuple(
        replace(option, choices=tuple(one for one in option.choices if one.engine in ("", engine)))
        for option in options
    )


def check_engine(options: tuple[Option, ...], chosen: Mapping[str, Value], engine: str) -> None:
    """OptionRefused for a choice that the tool knows and its engine of now does not take."""
    for option in options:
        for choice in option.choices:
            if choice.value == chosen[option.name] and choice.engine not in ("", engine):
                sentence = _(
                    "%(option)s: %(choice)s needs an AI service that is not connected yet."
                ) % {"option": option.title, "choice": choice.title}
                raise OptionRefused(sentence, "invalid_option", f"options.{option.name}")


def _checked(option: Option, value: object) -> Value:
    if option.kind in ("integer", "number"):
        return _number(option, value)
    if option.kind == "boolean":
        if isinstance(value, bool):
            return value
        raise _refused(option, _("yes or no"))
    if not isinstance(value, str):
        raise _refused(option, _("a text"))
    return _text(option, value)


def _text(option: Option, value: str) -> str:
    if option.kind == "choice":
        values = [choice.value for choice in option.choices]
        if value not in values:
            raise _refused(option, _("one of %(values)s") % {"values": ", ".join(values)})
        return value
    if option.kind == "colour":
        if value == option.default or _COLOUR.fullmatch(value):
            return value.lower()
        raise _refused(option, _("a colour like #ffcc00"))
    text = value.replace("\r\n", "\n")
    if len(text) > option.longest or CONTROL.search(text):
        most = {"most": option.longest}
        raise _refused(option, _("at most %(most)d characters, without control characters") % most)
    return text


def _number(option: Option, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(option, _("a number"))
    low = -math.inf if option.minimum is None else option.minimum
    high = math.inf if option.maximum is None else option.maximum
    if not low <= value <= high:
        raise _refused(option, _("%(low)g to %(high)g") % {"low": low, "high": high})
    if option.kind == "integer" and value != int(value):
        raise _refused(option, _("a whole number"))
    return int(value) if option.kind == "integer" else float(value)


def _refused(option: Option, wanted: str) -> OptionRefused:
    sentence = _("%(option)s: give %(wanted)s.") % {"option": option.title, "wanted": wanted}
    return OptionRefused(sentence, "invalid_option", f"options.{option.name}")


def json_schema(options: tuple[Option, ...]) -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of the object that `clean` takes; enough to build a form."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {option.name: _property(option) for option in options},
        "additionalProperties": False,
    }


def _property(option: Option) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": _TYPES.get(option.kind, "string"),
        "title": str(option.title),
        "default": option.default,
    }
    if option.help:
        found["description"] = str(option.help)
    if option.kind == "choice":
        found["oneOf"] = [
            {"const": choice.value, "title": str(choice.title)}
            | ({"description": str(choice.hint)} if choice.hint else {})
            for choice in option.choices
        ]
        found["enum"] = [choice.value for choice in option.choices]
    if option.kind == "colour":
        empty = "" if option.default else "|"
        found["pattern"] = f"^(#[0-9a-fA-F]{{6}}{empty})$"
    if option.kind == "text":
        found["maxLength"] = option.longest
        found["pattern"] = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$"
    if option.minimum is not None:
        found["minimum"] = option.minimum
    if option.maximum is not None:
        found["maximum"] = option.maximum
    return found
