"""A run's written result, as its page shows it."""

from __future__ import annotations

from typing import Any

from django.utils.safestring import SafeString, mark_safe

from generations.languages import ENGLISH
from generations.models import Generation, Picture
from generations.words import invented, markup

# In the order in which the page shows them; a database sorts names in its own way.
_PARTS = ("title", "description_html", "bullets", "meta_title", "meta_description", "alt_texts")


def read(run: Generation, output: Picture | None) -> dict[str, Any] | None:
    """The text's parts, its HTML cleaned, and `invented`: claims that are not in the product's data.

    `figures_only` says that the check knows no more than figures and certificates of the language.

    None where the run has no text.
    """
    if output is None or output.text is None:
        return None
    text = {name: output.text[name] for name in _PARTS if name in output.text}
    english = run.options.get("language", ENGLISH) == ENGLISH
    return text | {
        "description": _safe(str(text.get("description_html", ""))),
        "invented": invented.find_in(text, run.product_data, run.prompt, english=english),
        "figures_only": not english,
    }


def _safe(html: str) -> SafeString:
    return mark_safe(markup.clean(html))  # noqa: S308 - nothing is left that could run
