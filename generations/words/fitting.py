"""What a text has room for, and which of its words the merchant does not want."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Characters that search engines show.
META_TITLE, META_DESCRIPTION = 70, 160
_BLOCK = re.compile(r"<(p|li|h[1-6])\b[^>]*>.*?</\1>", re.DOTALL | re.IGNORECASE)
_EMPTY_LIST = re.compile(r"<(ul|ol)\b[^>]*>\s*</\1>", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?…。])\s+")


def has(text: str, words: Iterable[str]) -> bool:
    """Whether one of the words, or phrases, stands in the text."""
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) for word in words)


def clipped(text: str, most: int) -> str:
    """The text, cut after a word; a cut never makes another figure of one."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    whole = cut.rpartition(" ")[0] or cut.rstrip("0123456789.,")
    return whole.rstrip(" ,;:-–|") + "…"


def listed(text: str) -> tuple[str, ...]:
    """The words of an option, which stand between commas or on lines, each once."""
    words = text.replace("\n", ",").split(",")
    return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))


def sentences_without(text: str, avoid: Iterable[str]) -> str:
    """The text without the sentences that have a word to avoid."""
    words = tuple(avoid)
    return " ".join(part for part in _SENTENCE.split(text) if not has(part, words))


def markup_without(html: str, avoid: Iterable[str]) -> str:
    """The HTML without the paragraphs, headings and items that have a word to avoid."""
    words = tuple(avoid)
    kept = _BLOCK.sub(lambda block: "" if has(block[0], words) else block[0], html)
    return _EMPTY_LIST.sub("", kept)
