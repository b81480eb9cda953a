"""Options: declared once, checked before the deduction, told to programs as JSON Schema."""

from __future__ import annotations

import jsonschema_rs
import pytest

from generations import catalog
from generations.options import Option, OptionRefused, clean, json_schema

SHADOW = catalog.TOOLS["ai-shadowing"].options
PLACEMENT = catalog.TOOLS["product-placement"].options


def test_what_is_not_said_is_the_default() -> None:
    assert clean(SHADOW, {"angle": -40}) == {
        "shadow": "contact", "ground": "white", "colour": "#f2f2f2", "angle": -40, "strength": 50,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"size": 3}, "unknown_option", "options.size"),
        ({"resolution": "1K"}, "unknown_option", "options.resolution"),
        ({"shadow": "long"}, "invalid_option", "options.shadow"),
        ({"shadow": 1}, "invalid_option", "options.shadow"),
        ({"angle": 360}, "invalid_option", "options.angle"),
        ({"angle": 1.5}, "invalid_option", "options.angle"),
        ({"angle": True}, "invalid_option", "options.angle"),
        ({"angle": "90"}, "invalid_option", "options.angle"),
        ({"angle": float("nan")}, "invalid_option", "options.angle"),
        ({"angle": 10**400}, "invalid_option", "options.angle"),
        ({"colour": "red"}, "invalid_option", "options.colour"),
    ],
)
def test_refuses_what_the_tool_does_not_take(
    given: dict[str, object], code: str, field: str
) -> None:
    with pytest.raises(OptionRefused) as caught:
        clean(SHADOW, given)

    assert (caught.value.code, caught.value.field) == (code, field)


@pytest.mark.parametrize("text", ["x" * 101, "1\x002", "1\x1b[2J"])
def test_refuses_texts_that_are_too_long_or_no_texts(text: str) -> None:
    with pytest.raises(OptionRefused):
        clean(PLACEMENT, {"sizes": text})


def test_takes_lines_and_tabs() -> None:
    assert clean(PLACEMENT, {"sizes": "1,\r\n\t2"})["sizes"] == "1,\n\t2"


@pytest.mark.parametrize("tool", catalog.TOOLS.values(), ids=lambda tool: tool.slug)
def test_the_schema_takes_what_the_check_takes(tool: catalog.Tool) -> None:
    schema = json_schema(tool.options)
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.Draft202012Validator(schema)

    defaults = clean(tool.options, {})
    assert validator.is_valid(defaults)
    assert not validator.is_valid(defaults | {"no-such-option": 1})
    for option in tool.options:
        for value in _values(option):
            assert validator.is_valid({option.name: value}) == _is_taken(tool, option.name, value)


def _values(option: Option) -> list[object]:
    edges = [edge for edge in (option.minimum, option.maximum) if edge is not None]
    around = [int(edge) + step for edge in edges for step in (-1, 0, 1)]
    return [*around, *(choice.value for choice in option.choices), "", "#00ff00", "no", None, True]


def _is_taken(tool: catalog.Tool, name: str, value: object) -> bool:
    try:
        clean(tool.options, {name: value})
    except OptionRefused:
        return False
    return True


def test_what_is_top_level_is_no_option() -> None:
    names = {option.name for tool in catalog.TOOLS.values() for option in tool.options}

    assert not names & {"resolution", "seconds", "prompt"}
