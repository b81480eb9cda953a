"""docs/where-is.md leads from a rule to its function and its test: each of them must be there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "where-is.md"
_CODE = re.compile(r"`([^`]+)`")


def rows() -> list[tuple[str, str, str]]:
    """Rule, module and test of every line of the page's tables."""
    found = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 3 and "`" in cells[1]:
            found.append((cells[0], cells[1], cells[2]))
    return found


@cache
def names_in(path: Path) -> frozenset[str]:
    """What a Python file defines, members with their class before them."""
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        names |= defined_by(node)
    return frozenset(names)


def defined_by(node: ast.AST) -> set[str]:
    if isinstance(node, ast.ClassDef):
        inside = {name for child in node.body for name in defined_by(child)}
        return {node.name, *(f"{node.name}.{name}" for name in inside)}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    return set()


def missing(cell: str) -> list[str]:
    """What a cell names that is not there: files, and names in the file before them."""
    lost: list[str] = []
    path: Path | None = None
    for code in _CODE.findall(cell):
        if "/" in code:
            path = ROOT / code
            if not path.exists():
                lost.append(code)
                path = None
        elif path is not None and path.suffix == ".py" and code not in names_in(path):
            lost.append(f"{code} in {path.relative_to(ROOT)}")
    return lost


def test_the_page_holds_forty_rules_and_more() -> None:
    assert len(rows()) >= 40


@pytest.mark.parametrize(("rule", "module", "test"), rows(), ids=lambda text: text[:60])
def test_a_rule_is_where_the_page_says(rule: str, module: str, test: str) -> None:
    assert missing(module) + missing(test) == []
