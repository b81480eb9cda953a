"""What other apps take from the ledger's tables: they ask `credits`, which knows what rows mean."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APPS = ("ecomvance_app", "generations", "shopify_auth", "scripts")
# What looks at the books from outside, to judge them.
JUDGES = {Path("scripts/storming/verdict.py")}
MODELS = "credits.models"
# What a store belongs to, and what is on sale.
OPEN = {"Account", "Plan", "Package"}
# For annotations alone.
FOR_TYPES = OPEN | {"LedgerEntry"}


def taken(source: str) -> Iterator[tuple[str, bool]]:
    """Each name taken from `credits.models`, and whether only a type checker sees it."""
    tree = ast.parse(source)
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        for name in names_of(node):
            yield name, node in for_types


def names_of(node: ast.AST) -> list[str]:
    """What one import takes from `credits.models`; "*" for the module itself."""
    if isinstance(node, ast.Import):
        return ["*" for name in node.names if name.name == MODELS]
    if not isinstance(node, ast.ImportFrom):
        return []
    if node.module == MODELS:
        return [name.name for name in node.names]
    return ["*" for name in node.names if f"{node.module}.{name.name}" == MODELS]


def forbidden(source: str) -> list[str]:
    """The names that are taken and may not be."""
    return [name for name, types in taken(source) if name not in (FOR_TYPES if types else OPEN)]


def test_only_accounts_plans_and_packages_are_taken() -> None:
    files = [file for app in APPS for file in (ROOT / app).rglob("*.py")]
    assert len(files) > 100

    found = {
        str(file.relative_to(ROOT)): names
        for file in files
        if file.relative_to(ROOT) not in JUDGES and (names := forbidden(file.read_text()))
    }

    assert found == {}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from credits.models import Account, Plan, Package", []),
        ("from credits.models import LedgerEntry", ["LedgerEntry"]),
        ("if TYPE_CHECKING:\n    from credits.models import LedgerEntry", []),
        ("if TYPE_CHECKING:\n    from credits.models import EntryNote", ["EntryNote"]),
        ("def later():\n    from credits.models import EntryNote", ["EntryNote"]),
        ("import credits.models", ["*"]),
        ("from credits import models, ledger", ["*"]),
    ],
)
def test_the_rule_tells_them_apart(source: str, names: list[str]) -> None:
    assert forbidden(source) == names
