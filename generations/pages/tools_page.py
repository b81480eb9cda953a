"""What the tools page adds to the catalogue: goals, a search, examples, and what is told of a tool.

Source: screens, "Tools gallery".
"""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from generations import catalog
from generations.catalog import Tool
from generations.engines import routing
from generations.pages.tool_page import expected_text, google_would_make
from generations.runs.outages import health
from generations.runs.quote import expected_seconds

# Only AI Shadowing is run in batches.
BATCHED = "ai-shadowing"
GOALS = {
    "clean": gettext_lazy("A clean image"),
    "scene": gettext_lazy("A scene"),
    "person": gettext_lazy("On a person"),
    "video": gettext_lazy("A video"),
    "words": gettext_lazy("Words"),
}
_SERVES = {
    "clean": ("background-removal", "object-removal", "image-enhance", "ai-shadowing"),
    "scene": (
        "product-placement", "ai-backgrounds", "style-cloning", "ai-shadowing",
        "model-backgrounds", "nano-banana-i2i", "nano-banana-t2i",
    ),
    "person": (
        "product-try-on", "shoe-try-on", "model-try-on", "ai-fashion-models", "model-backgrounds",
        "model-reels",
    ),
    "video": ("product-reels", "model-reels", "veo-i2v", "veo-t2v"),
    "words": ("description-generator", "chat-assistant"),
}  # fmt: skip
# The tools that are shown before and after, by pictures which `make_examples` makes.
EXAMPLES = (
    "background-removal", "object-removal", "image-enhance", "product-placement", "ai-shadowing",
    "style-cloning", "ai-backgrounds", "product-reels",
)  # fmt: skip


def example_file(slug: str, side: str) -> str:
    """Where a tool's example lies among the static files; `side` is "before" or "after"."""
    return f"img/examples/{slug}-{side}.webp"


def describe(tiles: list[dict[str, Any]], words: str, goal: str) -> dict[str, Any]:
    """The template's context: the tiles that were searched for, by suite."""
    routes = health.routes()
    found = [
        tile | details(catalog.TOOLS[tile["slug"]], routes[tile["slug"]])
        for tile in chosen(tiles, words, goal)
    ]
    # What the balance pays for stands before what it does not; otherwise as the catalogue has it.
    found.sort(key=lambda tile: bool(tile["short_by"]))
    suites = [
        {"name": suite, "tiles": [tile for tile in found if tile["suite"] == suite]}
        for suite in catalog.SUITES
    ]
    return {
        "suites": [suite for suite in suites if suite["tiles"]],
        "words": words,
        "goal": goal if goal in GOALS else "",
        "goals": GOALS.items(),
    }


def details(tool: Tool, route: routing.Route) -> dict[str, Any]:
    """What a tile of the tools page says beyond its price."""
    told = {}
    if tool.slug in EXAMPLES:
        told["before"], told["after"] = (
            static(example_file(tool.slug, side)) for side in ("before", "after")
        )
    if tool.slug == BATCHED:
        told["badge"] = _("Batch: up to 50 products")
    elif tool.sources.max > 1:
        told["many"] = _("Up to %(most)d products in one image, one result") % {
            "most": tool.sources.max
        }
    if google_would_make(tool.slug, route):
        told["coming"] = (
            _("Coming with a Google key")
            if route.label == "sandbox"
            else _("Within limits; more with a Google key")
        )
    if route.engine and tool.output != "chat":
        first = tool.variants[0]
        seconds = expected_seconds(tool.slug, route.engine, first.resolution or "", first.seconds)
        told["time"] = expected_text(seconds)
    return told


def chosen(tiles: list[dict[str, Any]], words: str, goal: str) -> list[dict[str, Any]]:
    """The tiles that serve a goal and have every word in their name, suite or summary."""
    wanted = words.casefold().split()
    return [
        tile
        for tile in tiles
        if (goal not in _SERVES or tile["slug"] in _SERVES[goal])
        and all(word in _text(tile) for word in wanted)
    ]


def _text(tile: dict[str, Any]) -> str:
    return f"{tile['name']} {tile['suite']} {tile['text']}".casefold()
