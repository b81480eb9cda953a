"""A description from facts by a template: which piece stands where, in which tone, how long."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from generations.engines.local.descriptions.facts import Facts
from generations.engines.local.descriptions.tones import TONES, Tone
from generations.words import markup
from generations.words.fitting import META_DESCRIPTION, META_TITLE, clipped, has

_MOST_TAGS = 6
# So many sentences and points.
_LENGTHS = {"short": (1, 3), "medium": (3, 6), "long": (12, 16)}


@dataclass(frozen=True, slots=True)
class Wishes:
    """How it shall be written. A piece with a word to avoid is left out, the product's name never."""

    template: str
    tone: str
    length: str
    keywords: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Draft:
    """The pieces in their final words; `details` are points with their names, where they have one."""

    facts: Facts
    tone: Tone
    prose: tuple[str, ...]
    details: tuple[tuple[str, str], ...]
    search: str


def write(facts: Facts, wishes: Wishes) -> dict[str, object]:
    """The parts of a description, by the names that a text has in a run's outputs."""
    facts = _without(facts, wishes.avoid)
    draft = _draft(facts, wishes)
    body = _TEMPLATES[wishes.template](draft)
    return {
        "title": facts.title,
        "description_html": markup.clean(body),
        "bullets": [_named(name, value) for name, value in draft.details],
        "meta_title": _meta_title(facts, wishes),
        "meta_description": _fitting(
            [*draft.prose, *(f"{_named(*one)}." for one in draft.details)], META_DESCRIPTION
        ),
        "alt_texts": [alt or facts.title for alt in facts.alts] or [facts.title],
    }


def _without(facts: Facts, avoid: tuple[str, ...]) -> Facts:
    def kept(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(text for text in texts if not has(text, avoid))

    return replace(
        facts,
        kind="".join(kept([facts.kind])),
        vendor="".join(kept([facts.vendor])),
        sentences=kept(facts.sentences),
        points=kept(facts.points),
        choices=tuple(one for one in facts.choices if not has(": ".join(one), avoid)),
        tags=kept(facts.tags),
        alts=tuple("" if has(alt, avoid) else alt for alt in facts.alts),
    )


def _draft(facts: Facts, wishes: Wishes) -> _Draft:
    sentences, points = _LENGTHS[wishes.length]
    tone = TONES[wishes.tone]
    pattern = tone.made_by if facts.vendor else tone.opening
    if has(pattern, wishes.avoid):
        pattern = "{title}."
    # By replacement, so that a brace in a title is a brace.
    opening = pattern.replace("{vendor}", facts.vendor).replace("{title}", facts.title)
    prose = [opening, *facts.sentences[:sentences]]
    if wishes.length != "short" and tone.closing and not has(tone.closing, wishes.avoid):
        prose.append(tone.closing)
    details = [("", point.rstrip(" .")) for point in facts.points[:points]]
    details += facts.choices
    if facts.kind and (wishes.template in ("technical", "seo") or not details):
        details.insert(0, ("Type", facts.kind))
    said = " ".join([*prose, *(value for _name, value in details)])
    wanted = [word for word in wishes.keywords if not has(word, wishes.avoid)]
    if wishes.template == "seo":
        wanted = list(dict.fromkeys([*wanted, *facts.tags[:_MOST_TAGS]]))
    search = ", ".join(word for word in wanted if not has(said, [word]))
    return _Draft(facts, tone, tuple(prose), tuple(details), search)


def _named(name: str, value: str) -> str:
    return f"{name}: {value}" if name else value


# --- Templates -----------------------------------------------------------------------------------


def _standard(draft: _Draft) -> str:
    return _paragraph(*draft.prose) + _list(draft) + _search(draft)


def _bullets_first(draft: _Draft) -> str:
    return _list(draft) + _paragraph(*draft.prose) + _search(draft)


def _story(draft: _Draft) -> str:
    """Prose alone: the points follow in one sentence each."""
    told = [f"{value}." for name, value in draft.details if not name]
    choices = [f"{draft.tone.choices}: {_named(*one)}." for one in draft.details if one[0]]
    first, *rest = draft.prose
    return _paragraph(first) + _paragraph(*rest) + _paragraph(*told, *choices) + _search(draft)


def _technical(draft: _Draft) -> str:
    heading = f"<h3>{html.escape(draft.tone.points)}</h3>" if draft.details else ""
    return _paragraph(draft.prose[0]) + heading + _list(draft) + _paragraph(*draft.prose[1:])


def _seo(draft: _Draft) -> str:
    return f"<h2>{html.escape(draft.facts.title)}</h2>" + _technical(draft) + _search(draft)


_TEMPLATES: dict[str, Callable[[_Draft], str]] = {
    "standard": _standard,
    "bullets": _bullets_first,
    "story": _story,
    "technical": lambda draft: _technical(draft) + _search(draft),
    "seo": _seo,
}


def _paragraph(*sentences: str) -> str:
    return f"<p>{html.escape(' '.join(sentences))}</p>" if sentences else ""


def _search(draft: _Draft) -> str:
    return _paragraph(f"Find it under: {draft.search}.") if draft.search else ""


def _list(draft: _Draft) -> str:
    items = [
        f"<li><strong>{html.escape(name)}:</strong> {html.escape(value)}</li>"
        if name
        else f"<li>{html.escape(value)}</li>"
        for name, value in draft.details
    ]
    return f"<ul>{''.join(items)}</ul>" if items else ""


# --- For search engines --------------------------------------------------------------------------


def _meta_title(facts: Facts, wishes: Wishes) -> str:
    """The name, with a wanted word and the vendor where they still fit."""
    title = clipped(facts.title, META_TITLE)
    wanted = [word for word in wishes.keywords if not has(word, wishes.avoid)]
    for part in [*(wanted[:1] if wishes.template == "seo" else ()), facts.vendor]:
        longer = f"{title} | {part}"
        if part and not has(title, [part]) and len(longer) <= META_TITLE:
            title = longer
    return title


def _fitting(sentences: Iterable[str], most: int) -> str:
    """As many whole sentences as fit; of the first as much as fits."""
    first, *others = sentences
    text = clipped(first, most)
    for sentence in others:
        if len(text) + 1 + len(sentence) <= most:
            text = f"{text} {sentence}"
    return text
