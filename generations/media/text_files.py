"""A written result as a file of plain text."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

MEDIA_TYPE = "text/plain; charset=utf-8"


def content(text: Mapping[str, object]) -> bytes:
    """All parts under their names, the description as the HTML that a store takes."""
    parts = {
        _("Title"): text.get("title"),
        _("Description (HTML)"): text.get("description_html"),
        _("Bullet points"): text.get("bullets"),
        _("Title for search engines"): text.get("meta_title"),
        _("Description for search engines"): text.get("meta_description"),
        _("Alternative texts of the images"): text.get("alt_texts"),
    }
    blocks = [f"{name}\n{_lines(value)}" for name, value in parts.items() if value]
    return ("\n\n".join(blocks) + "\n").encode()


def _lines(value: object) -> str:
    if isinstance(value, list | tuple):
        return "\n".join(f"- {one}" for one in value)
    return str(value)
