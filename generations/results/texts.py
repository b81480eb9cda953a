"""A written result as the merchant has changed it by hand: kept with the run, free of charge.

What the engine wrote stays beside it, so that the changes can be taken back.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credits.refusals import Refusal
from generations.models import Generation, Picture
from generations.options import CONTROL
from generations.words import fitting, markup

# Characters of each part; what stands in a list has so many for each of its lines.
LONGEST = {
    "title": 255,
    "description_html": 40_000,
    "bullets": 500,
    "meta_title": fitting.META_TITLE,
    "meta_description": fitting.META_DESCRIPTION,
    "alt_texts": 512,
}
LISTS = ("bullets", "alt_texts")
_MOST_LINES = 50
_TITLES = {
    "title": gettext_lazy("Title"),
    "description_html": gettext_lazy("Description"),
    "bullets": gettext_lazy("Bullet points"),
    "meta_title": gettext_lazy("Title for search engines"),
    "meta_description": gettext_lazy("Description for search engines"),
    "alt_texts": gettext_lazy("Alternative texts of the images"),
}


class TextRefused(Refusal):
    """The text cannot be kept like this. `field` names the part."""


def keep(account_id: int, run_id: uuid.UUID, parts: Mapping[str, str]) -> None:
    """Keep the parts in place of the written ones; of a list each line is one of its texts.

    Generation.DoesNotExist for a run that is not the account's; TextRefused for one that has no text
    and for a part that a store would not take.
    """
    output = _text_of(account_id, run_id)
    output.edited = {name: _read(name, parts.get(name, "")) for name in LONGEST}
    output.save(update_fields=["edited"])


def take_back(account_id: int, run_id: uuid.UUID) -> None:
    """Return to the text as it was written; raises as `keep` does."""
    output = _text_of(account_id, run_id)
    output.edited = None
    output.save(update_fields=["edited"])


def _text_of(account_id: int, run_id: uuid.UUID) -> Picture:
    run = Generation.objects.get(account_id=account_id, pk=run_id, deleted_at=None)
    found = run.pictures.filter(role=Picture.Role.OUTPUT, kind=Picture.Kind.TEXT).first()
    if found is None:
        raise TextRefused(_("This run has no text to change."), "no_text", status=409)
    return found


def _read(name: str, given: str) -> str | list[str]:
    text = given.replace("\r\n", "\n").strip()
    if name in LISTS:
        lines = [line for line in (one.strip() for one in text.split("\n")) if line]
        if len(lines) > _MOST_LINES:
            sentence = _("%(part)s: at most %(most)s lines.")
            raise _refused(name, sentence % {"part": _TITLES[name], "most": _MOST_LINES})
        return [_checked(name, line) for line in lines]
    text = _checked(name, text)
    if name in ("title", "description_html") and not markup.plain(text):
        raise _refused(name, _("%(part)s: this cannot be empty.") % {"part": _TITLES[name]})
    return markup.clean(text) if name == "description_html" else text


def _checked(name: str, text: str) -> str:
    if len(text) > LONGEST[name] or CONTROL.search(text):
        sentence = _("%(part)s: at most %(most)s characters, without control characters.")
        most = localize(LONGEST[name])
        raise _refused(name, sentence % {"part": _TITLES[name], "most": most})
    return text


def _refused(name: str, sentence: str) -> TextRefused:
    return TextRefused(sentence, "invalid_text", name)
