"""One word for one thing: the glossary of docs/design.md, held against everything merchants read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("credits", "generations", "shopify_auth", "ecomvance_app")
# Staff and developers read these, not merchants.
NOT_MERCHANTS = (
    "templates/admin",
    "templates/devstore",
    "templates/staff",
    "ecomvance_app/staff",
    "devstore/",
    "/admin/",
    "/models",
    "staff_models",
    "ecomvance_app/demo",
)
TRANSLATE = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}


def glossary() -> Iterator[tuple[str, str]]:
    """Each word that is not said, and the one that is."""
    section = (ROOT / "docs/design.md").read_text().split("## Words", 1)[1].split("\n## ", 1)[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and cells[0] not in {"Say", "---"}:
            yield from ((wrong.strip(), cells[0]) for wrong in cells[1].split(","))


def sentences() -> Iterator[tuple[str, str]]:
    """Everything that merchants read, with the file it stands in."""
    for path in sorted((ROOT / "templates").rglob("*.*")):
        # Names of variables are not read by merchants.
        text = re.sub(r"{% (?:if|elif|for|with) [^%]*%}|{{.*?}}", " ", path.read_text())
        text = re.sub(r"{#.*?#}|<[^>]*>", " ", text, flags=re.DOTALL)
        yield str(path.relative_to(ROOT)), text
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in TRANSLATE:
                    words = [a.value for a in node.args if isinstance(a, ast.Constant)]
                    yield str(path.relative_to(ROOT)), " ".join(map(str, words))


@pytest.fixture(scope="module")
def read() -> list[tuple[str, str]]:
    found = list(sentences())
    assert len(found) > 300
    return [one for one in found if not any(part in one[0] for part in NOT_MERCHANTS)]


@pytest.mark.parametrize(("wrong", "right"), list(glossary()))
def test_a_thing_has_one_word(read: list[tuple[str, str]], wrong: str, right: str) -> None:
    pattern = re.compile(rf"(?<![\w-]){re.escape(wrong)}(?![\w-])", re.IGNORECASE)

    assert [place for place, text in read if pattern.search(text)] == [], f"say {right!r}"
