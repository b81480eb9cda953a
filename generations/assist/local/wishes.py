"""What a merchant's sentence wants made: which tool, size, product and words. Pure rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generations.catalog import TOOLS

# The longest that stands in a question names the tool; the tools' own names count too.
_ALIASES: Mapping[str, str] = {
    "background removal": "background-removal",
    "remove the background": "background-removal",
    "remove background": "background-removal",
    "clean background": "background-removal",
    "white background": "background-removal",
    "cut out": "background-removal",
    "cut-out": "background-removal",
    "cutout": "background-removal",
    "remove an object": "object-removal",
    "remove the object": "object-removal",
    "erase": "object-removal",
    "enhance": "image-enhance",
    "sharpen": "image-enhance",
    "upscale": "image-enhance",
    "description": "description-generator",
    "describe": "description-generator",
    "product text": "description-generator",
    "placement": "product-placement",
    "scene": "product-placement",
    "shadow": "ai-shadowing",
    "style": "style-cloning",
    "new background": "ai-backgrounds",
    "background": "ai-backgrounds",
    "backgrounds": "ai-backgrounds",
    "reel": "product-reels",
    "reels": "product-reels",
    "clip": "product-reels",
    "video": "product-reels",
    "try-on": "product-try-on",
    "try on": "product-try-on",
    "shoe": "shoe-try-on",
    "fashion model": "ai-fashion-models",
    "model background": "model-backgrounds",
    "model reel": "model-reels",
    "image from a prompt": "nano-banana-t2i",
    "picture from a prompt": "nano-banana-t2i",
    "picture of": "nano-banana-t2i",
    "image of": "nano-banana-t2i",
    "change a picture": "nano-banana-i2i",
    "nano banana": "nano-banana-t2i",
    "video from a prompt": "veo-t2v",
    "video of": "veo-t2v",
    "veo": "veo-t2v",
}
_NAMED = {tool.name.casefold(): slug for slug, tool in TOOLS.items()} | dict(_ALIASES)
_BY_LENGTH = sorted(_NAMED, key=len, reverse=True)
_RESOLUTION = re.compile(r"\b([124])\s?k\b", re.IGNORECASE)
_SECONDS = re.compile(r"\b([468])[\s-]*(?:s|secs?|seconds?)\b", re.IGNORECASE)
_SAID = re.compile(r"[“\"]([^”\"]{3,2000})[”\"]|:\s*(.{3,2000})$", re.DOTALL)


@dataclass(frozen=True)
class Wish:
    """What is wanted. `lacks` names what has to be said or chosen first; `known` are product titles."""

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)
    product: str = ""
    lacks: str = ""
    known: tuple[str, ...] = ()


def find_tool(question: str) -> str:
    """The tool that a question names; empty where it names none."""
    low = question.casefold()
    for name in _BY_LENGTH:
        if re.search(rf"(?<!\w){re.escape(name)}(?:s|ing)?(?!\w)", low):
            return _NAMED[name]
    return ""


def read_wish(text: str, products: Callable[[], Sequence[Mapping[str, Any]]]) -> Wish:
    """The run that a sentence asks for; the store is asked for its products only where one is needed.

    A sentence that names no tool wants a picture from its words.
    """
    slug = find_tool(text) or "nano-banana-t2i"
    tool = TOOLS[slug]
    if tool.sources.mask_required or tool.sources.reference_required:
        return Wish(slug, lacks="picture")
    arguments: dict[str, Any] = {"tool": slug} | _size(text, slug)
    if tool.takes_prompt != "no":
        arguments["prompt"] = _prompt(text, required=tool.takes_prompt == "required")
    if not tool.sources.max:
        return Wish(slug, arguments)
    listed = products()
    meant = _meant(text, listed)
    if meant is None and not tool.sources.min and arguments.get("prompt"):
        return Wish(slug, arguments)
    if meant is None:
        return Wish(slug, lacks="product", known=tuple(str(one["title"]) for one in listed))
    arguments["product_ids"] = [str(meant["product_id"])]
    return Wish(slug, arguments, product=str(meant["title"]))


def _size(text: str, slug: str) -> dict[str, Any]:
    """What was asked for, else the cheapest choice of the tool."""
    variants = TOOLS[slug].variants
    if variants[0].seconds:
        found = _SECONDS.search(text)
        return {"seconds": int(found[1]) if found else variants[0].seconds}
    if variants[0].resolution:
        found = _RESOLUTION.search(text)
        return {"resolution": f"{found[1]}K" if found else variants[0].resolution}
    return {}


def _prompt(text: str, *, required: bool) -> str:
    """The words in quotation marks or behind a colon; the whole sentence where words are needed."""
    found = _SAID.search(text)
    if found:
        return (found[1] or found[2]).strip()[:2000]
    return text.strip()[:2000] if required else ""


def _meant(text: str, listed: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The product whose title, or most of whose words, stand in the sentence."""
    words = set(re.findall(r"\w{3,}", text.casefold()))
    best, most = None, 0.0
    for one in listed:
        title = str(one["title"]).casefold()
        own = set(re.findall(r"\w{3,}", title))
        share = len(own & words) / len(own) if own else 0.0
        if title and title in text.casefold():
            share = 2.0
        if share > most:
            best, most = one, share
    return best if most >= 0.34 else None
