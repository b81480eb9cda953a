"""A language of the tests' own: a compiled catalogue of a few words."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any


def speak(settings: Any, folder: Path, language: str, words: dict[str, str]) -> None:
    """Let the product speak `language` too, with these translations and no others."""
    file = folder / language / "LC_MESSAGES" / "django.mo"
    file.parent.mkdir(parents=True)
    file.write_bytes(_compiled({"": "Content-Type: text/plain; charset=UTF-8\n"} | words))
    settings.LOCALE_PATHS = [folder]
    settings.LANGUAGES = [*settings.LANGUAGES, (language, language)]


def _compiled(words: dict[str, str]) -> bytes:
    """The words in gettext's binary format: a header, two tables of (length, place), the texts."""
    pairs = sorted((word.encode(), said.encode()) for word, said in words.items())
    texts = [word for word, _said in pairs] + [said for _word, said in pairs]
    place = 28 + 8 * len(texts)
    table = b""
    for text in texts:
        table += struct.pack("<II", len(text), place)
        place += len(text) + 1
    header = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return header + table + b"".join(text + b"\0" for text in texts)
