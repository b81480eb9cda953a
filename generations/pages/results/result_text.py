"""A run's written result, as its page shows it."""

from __future__ import annotations

from typing import Any

from django.utils.safestring import mark_safe

from generations.languages import ENGLISH
from generations.models import Generation, Picture
from generations.words import diffs, invented, markup

# In the order in which the page shows them; a database sorts names in its own way.
_PARTS = ("title", "description_html", "bullets", "meta_title", "meta_description", "alt_texts")


def read(run: Generation, output: Picture | None) -> dict[str, Any] | None:
    """The text's parts, its HTML cleaned, and `invented`: claims that are not in the product's data.

    `figures_only` says that the check knows no more than figures and certificates of the language;
    `changes` compares with the description that the store had when the run was asked for.

    None where the run has no text.
    """
    words = output.words if output is not None else None
    if output is None or words is None:
        return None
    text = {name: words[name] for name in _PARTS if name in words}
    written = markup.clean(str(text.get("description_html", "")))
    english = run.options.get("language", ENGLISH) == ENGLISH
    return text | {
        "description_html": written,
        "description": mark_safe(written),  # noqa: S308 - nothing is left that could run
        "invented": invented.find_in(text, run.product_data, run.prompt, english=english),
        "figures_only": not english,
        "is_edited": output.edited is not None,
        "changes": _changes(run, written),
        "bullet_lines": "\n".join(map(str, text.get("bullets", ()))),
        "search_lines": "\n".join(
            str(text.get(name, "")) for name in ("meta_title", "meta_description")
        ),
        "alt_lines": "\n".join(map(str, text.get("alt_texts", ()))),
    }


def _changes(run: Generation, written: str) -> list[diffs.Piece]:
    """The text word by word beside the store's present one; empty where the store had none."""
    present = markup.plain(str(run.product_data.get("description_html") or ""))
    return diffs.compare(present, markup.plain(written)) if present else []
