"""Every tool and what it costs: the product document's Detailed Breakdown as data.

A price is resolved by (tool, resolution) or (tool, seconds) and kept on the run it was asked for.
The tools that the document names without a price (AI Backgrounds, AI Fashion Models, Model
Backgrounds) cost what every image tool of their suite costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generations import tool_options as has
from generations.options import Option
from generations.tool_options import Sources

Resolution = Literal["1K", "2K", "4K"]
Output = Literal["image", "video", "text", "chat"]
Prompt = Literal["no", "optional", "required"]
# What of a product a result can be held against.
Kept = Literal["colour", "shape", "text"]

RESOLUTIONS: tuple[Resolution, ...] = ("1K", "2K", "4K")
SECONDS = (4, 6, 8)


@dataclass(frozen=True, slots=True)
class Variant:
    """One priced choice: a resolution, a duration, or neither for a tool with one price."""

    credits: int
    resolution: Resolution | None = None
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool of a suite. `action` is the run button's verb, shown with the price.

    `takes_size` is for a tool of one price that may be asked for a resolution.
    """

    slug: str
    title: Promise
    suite: str
    output: Output
    summary: Promise
    action: Promise
    variants: tuple[Variant, ...]
    sources: Sources = has.ONE_PICTURE
    options: tuple[Option, ...] = ()
    takes_prompt: Prompt = "no"
    takes_size: tuple[Resolution, ...] = ()
    # What the tool promises to keep of the product, whoever makes the result.
    keeps: tuple[Kept, ...] = ()

    @property
    def max_images(self) -> int:
        """How many pictures or products a run takes at most."""
        return self.sources.max

    @property
    def name(self) -> str:
        """Its title in the language of whoever reads."""
        return str(self.title)

    @property
    def icon(self) -> str:
        """The name of its icon in the sprite."""
        return _ICONS.get(self.slug, self.output)

    @property
    def lowest_price(self) -> int:
        """The price of its cheapest variant."""
        return min(variant.credits for variant in self.variants)


def _any_size(credits: int) -> tuple[Variant, ...]:
    return (Variant(credits),)


def _by_resolution(web: int, print_: int) -> tuple[Variant, ...]:
    return (Variant(web, "1K"), Variant(web, "2K"), Variant(print_, "4K"))


def _by_seconds() -> tuple[Variant, ...]:
    return tuple(Variant(100 * seconds, seconds=seconds) for seconds in SECONDS)


_IMAGE, _REELS = _by_resolution(50, 100), _by_seconds()
_MAKE = _("Make image")
_FILM = _("Make video")

_ICONS = {
    "background-removal": "cut-out",
    "object-removal": "eraser",
    "image-enhance": "enhance",
    "product-placement": "scene",
    "ai-shadowing": "shadow",
    "style-cloning": "gallery",
    "ai-backgrounds": "scene",
    "product-try-on": "fit",
    "shoe-try-on": "shoe",
    "model-try-on": "fit",
    "ai-fashion-models": "person",
    "model-backgrounds": "scene",
    "chat-assistant": "assist",
}

_UP_TO_14 = Sources(1, 14)
# Where the product is to stay as it is; a scene's light may fall on it, a garment takes a body's shape.
_ALL_OF_IT: tuple[Kept, ...] = ("colour", "shape", "text")
_IN_NEW_LIGHT: tuple[Kept, ...] = ("shape", "text")
_WORN: tuple[Kept, ...] = ("text",)
_NOTHING = Sources(0, 0)

_CATALOGUE = (
    Tool("background-removal", _("Background Removal"), "ecomAI", "image",
         _("Cuts the product out, on real transparency."), _("Remove background"), _any_size(20),
         keeps=_ALL_OF_IT),
    Tool("object-removal", _("Object Removal"), "ecomAI", "image",
         _("Takes a marked item out of the image."), _("Remove object"), _by_resolution(30, 60),
         Sources(mask=True, mask_required=True), (has.SEED,)),
    Tool("image-enhance", _("Image Enhance"), "ecomAI", "image",
         _("Sharper, cleaner, better lit."), _("Enhance image"), _any_size(50),
         has.ONE_PICTURE, has.ENHANCE, takes_size=("2K", "4K"), keeps=_ALL_OF_IT),
    Tool("description-generator", _("Description Generator"), "ecomAI", "text",
         _("A product description from the product's own data."), _("Write description"),
         _any_size(20), Sources(0, 1, product_data=True), has.DESCRIPTION, "optional"),
    Tool("product-placement", _("Product Placement"), "ecomStage", "image",
         _("Up to 14 products in one scene, one image."), _MAKE, _IMAGE,
         _UP_TO_14, has.PLACEMENT, "optional", keeps=_IN_NEW_LIGHT),
    Tool("ai-shadowing", _("AI Shadowing"), "ecomStage", "image",
         _("A natural shadow; up to 50 products in one batch."), _("Add shadow"), _IMAGE,
         has.ONE_PICTURE, has.SHADOW, keeps=_ALL_OF_IT),
    Tool("style-cloning", _("Style Cloning"), "ecomStage", "image",
         _("The look of a reference image on yours."), _("Clone style"), _IMAGE,
         Sources(1, 14, reference=True, reference_required=True), has.STYLE, "optional",
         keeps=_IN_NEW_LIGHT),
    Tool("ai-backgrounds", _("AI Backgrounds"), "ecomStage", "image",
         _("A new background behind the product."), _MAKE, _IMAGE,
         has.ONE_PICTURE, (has.SET, has.RATIO, has.SEED), "optional", keeps=_ALL_OF_IT),
    Tool("product-reels", _("Product Reels"), "ecomStage", "video",
         _("A short clip of the product."), _FILM, _REELS,
         has.ONE_PICTURE, (has.MOVE, has.FRAME, has.SEED), "optional"),
    Tool("product-try-on", _("Product Try-On"), "ecomFit", "image",
         _("The garment on a model."), _MAKE, _IMAGE,
         Sources(1, 14, reference=True), (has.GARMENT, has.MODEL, has.SEED), "optional",
         keeps=_WORN),
    Tool("shoe-try-on", _("Shoe Try-On"), "ecomFit", "image",
         _("The shoe on a model."), _MAKE, _IMAGE,
         Sources(1, 14, reference=True), (has.MODEL, has.SEED), "optional", keeps=_WORN),
    Tool("model-try-on", _("Model Try-On"), "ecomFit", "image",
         _("Your model in your garment."), _MAKE, _IMAGE,
         Sources(1, 14, reference=True, reference_required=True), (has.GARMENT, has.SEED),
         "optional", keeps=_WORN),
    Tool("ai-fashion-models", _("AI Fashion Models"), "ecomFit", "image",
         _("A model made for the garment."), _MAKE, _IMAGE,
         _UP_TO_14, (has.MODEL, has.NEW_RATIO, has.SEED), "optional", keeps=_WORN),
    Tool("model-backgrounds", _("Model Backgrounds"), "ecomFit", "image",
         _("A new place behind the model."), _MAKE, _IMAGE,
         has.ONE_PICTURE, (has.SET, has.RATIO, has.SEED), "optional", keeps=_WORN),
    Tool("model-reels", _("Model Reels"), "ecomFit", "video",
         _("A short clip of the model."), _FILM, _REELS,
         has.ONE_PICTURE, (has.MOVE, has.FRAME, has.SEED), "optional"),
    Tool("nano-banana-i2i", _("Nano Banana I2I"), "ecomPro", "image",
         _("Change an image by a prompt."), _MAKE, _IMAGE,
         _UP_TO_14, (has.RATIO, has.SEED), "required"),
    Tool("nano-banana-t2i", _("Nano Banana T2I"), "ecomPro", "image",
         _("An image from a prompt."), _MAKE, _IMAGE,
         _NOTHING, (has.NEW_RATIO, has.SEED), "required"),
    Tool("veo-i2v", _("Veo 3.1 I2V"), "ecomPro", "video",
         _("A video from an image."), _FILM, _REELS,
         has.ONE_PICTURE, (has.VEO_FRAME, has.SEED), "required"),
    Tool("veo-t2v", _("Veo 3.1 T2V"), "ecomPro", "video",
         _("A video from a prompt."), _FILM, _REELS,
         _NOTHING, (has.VEO_FRAME, has.SEED), "required"),
    Tool("chat-assistant", _("AI Chat Assistant"), "ecomAssist", "chat",
         _("Answers about your credits and tools. Free within fair use."), _("Ask"),
         _any_size(0), _NOTHING, (), "required"),
)  # fmt: skip

TOOLS: Mapping[str, Tool] = MappingProxyType({tool.slug: tool for tool in _CATALOGUE})
SUITES = tuple(dict.fromkeys(tool.suite for tool in _CATALOGUE))
CHEAPEST = min(tool.lowest_price for tool in _CATALOGUE if tool.lowest_price)


def price(tool: str, *, resolution: str | None = None, seconds: int | None = None) -> int:
    """What one run of `tool` costs, in credits.

    A tool with one price takes any resolution ("Resolution: All" in the document). Raises
    ValueError for a combination that the price list does not have.
    """
    return find_variant(tool, resolution=resolution, seconds=seconds).credits


def find_variant(
    tool: str, *, resolution: str | None = None, seconds: int | None = None
) -> Variant:
    """The priced choice for these options; ValueError when the price list has none."""
    if tool not in TOOLS:
        raise ValueError(f"There is no tool {tool!r}")
    found = TOOLS[tool]
    only = found.variants[0]
    if len(found.variants) == 1:
        takes_any_size = found.output == "image" and resolution in (None, *RESOLUTIONS)
        if seconds is None and (resolution is None or takes_any_size):
            return only
    for variant in found.variants:
        chosen = (variant.resolution, variant.seconds)
        if chosen == (resolution, seconds) and chosen != (None, None):
            return variant
    raise ValueError(f"{found.name} has no price for {resolution or seconds or 'no choice'}")
