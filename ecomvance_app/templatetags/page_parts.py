"""Marks an element as a part that comes again from the server when one of its sources changes."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ecomvance_app.page.page_parts import PARTS, SHELL

register = template.Library()


@register.simple_tag
def follows(part: str) -> SafeString:
    """The attributes of the element that is this part; KeyError for one that is not in the table."""
    where = "shell" if part in SHELL else "page"
    return format_html(
        'data-part="{}" data-part-of="{}" data-follows="{}"', part, where, " ".join(PARTS[part])
    )
