"""What a tool's page offers, made from what the tool declares: pictures, options, prices, words.

`?again=RUN` brings back what a run was asked for, `?source=PICTURE` takes an earlier result,
`?draft=NAME` begins with what the assistant has proposed.
Source: screens, "Tool page".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from generations import products
from generations.assist import conversations
from generations.catalog import TOOLS, Tool, Variant
from generations.engines import routing
from generations.media import links, product_photos
from generations.models import Generation, Picture
from generations.options import Option, for_engine
from generations.pages.forms import RESULT, RUN
from generations.runs.quote import expected_seconds, price_now

EARLIER_SHOWN = 6
_OFTEN_NEXT = (
    "image-enhance",
    "ai-shadowing",
    "ai-backgrounds",
    "product-placement",
    "product-reels",
)


@dataclass(frozen=True)
class Asked:
    """What the page begins with: an earlier request, or nothing."""

    run: Generation | None = None
    source: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        """The words of the earlier request."""
        return self.run.prompt if self.run else ""

    @property
    def chosen(self) -> list[str]:
        """The values of the pictures that are chosen from the start."""
        if self.source:
            return [f"{RESULT} {self.source}"]
        if self.run is None:
            return []
        if self.run.products:
            return [f"{product} {photo}".strip() for product, photo in self.run.products]
        return [f"{RUN} {self.run.pk}"]


def read_asked(account_id: int, again: str, source: str, draft: str = "") -> Asked:
    """What the addresses' parameters mean for this account; nothing for what is not its own."""
    run = conversations.find_draft(account_id, draft)
    if (run_id := _uuid(again)) is not None:
        run = Generation.objects.filter(account_id=account_id, pk=run_id).first()
    if (picture_id := _uuid(source)) is not None:
        results = Picture.objects.filter(
            pk=picture_id, generation__account_id=account_id, role=Picture.Role.OUTPUT
        )
        source = str(picture_id) if results.exists() else ""
    else:
        source = ""
    return Asked(run, source, run.options if run else {})


def next_tools(slug: str) -> list[Tool]:
    """Tools that often follow, for which a result can be the source."""
    return [
        TOOLS[name]
        for name in _OFTEN_NEXT
        if name != slug and routing.unavailable_reason(name) is None
    ]


def describe(account_id: int, tool: Tool, search: str, asked: Asked) -> dict[str, Any]:
    """The template's context for one tool that can be started."""
    route = routing.route(tool.slug)
    variants = [
        _variant(variant, price_now(variant, route.label), route.engine, tool, asked)
        for variant in tool.variants
    ]
    if not any(variant["checked"] for variant in variants):
        variants[0]["checked"] = True
    checked = next(variant for variant in variants if variant["checked"])
    context: dict[str, Any] = {
        "variants": variants,
        "price": checked["credits"],
        "expected": checked["expected"],
        "label": route.label,
        "label_text": _label_text(tool, route),
        "options": [
            _field(option, asked.options) for option in for_engine(tool.options, route.engine)
        ],
        "prompt": asked.prompt,
        "many": tool.sources.max > 1,
        "earlier": _earlier(account_id, asked) if tool.sources.max else [],
        "choices": [],
    }
    if not tool.sources.max:
        return context
    try:
        listed = products.list_products(account_id, search)
    except products.ProductsUnavailable as error:
        return context | {"products_unavailable": str(error)}
    context["choices"] = _choices(listed, asked.chosen)
    if tool.sources.product_data:
        context["choices"] += _without_photos(listed, asked.chosen)
    if len(listed) >= products.MOST_LISTED:
        context["listed"] = len(listed)
    return context


def _variant(
    variant: Variant, credits: int, engine: str, tool: Tool, asked: Asked
) -> dict[str, Any]:
    seconds = expected_seconds(tool.slug, engine, variant.resolution or "", variant.seconds)
    run = asked.run
    return {
        "resolution": variant.resolution,
        "seconds": variant.seconds,
        "credits": credits,
        "expected": expected_text(seconds),
        "hint": _hint(variant),
        "checked": run is not None
        and (run.resolution or None, run.seconds) == (variant.resolution, variant.seconds),
    }


def expected_text(seconds: float) -> str:
    """About how long a run takes, in words."""
    if seconds < 90:
        rounded = max(5, round(seconds / 5) * 5)
        return _("about %(seconds)s s") % {"seconds": localize(rounded)}
    minutes = round(seconds / 60)
    text = ngettext("about %(minutes)s minute", "about %(minutes)s minutes", minutes)
    return text % {"minutes": localize(minutes)}


def _hint(variant: Variant) -> str:
    if variant.resolution == "1K":
        return _("Enough for the web")
    if variant.resolution == "2K":
        return _("For zooming")
    return _("For print") if variant.resolution == "4K" else ""


def _label_text(tool: Tool, route: routing.Route) -> str:
    """What a merchant should know before the click about what makes the result; empty for real."""
    if route.label == "sandbox":
        return _(
            "This is a placeholder, marked as one, and costs nothing. With an AI service connected "
            "the tool makes the real thing."
        )
    if route.label == "limited":
        return _(_LIMITS.get(tool.slug, "Made by our own server, within limits."))
    return ""


_LIMITS = {
    "object-removal": "Fills what you mark from what lies around it. Best for small things.",
    "product-placement": "Sets your cut-out products into one of our scenes; your words pick which.",
    "ai-backgrounds": "Sets your cut-out product before one of our backgrounds; your words pick which.",
    "model-backgrounds": "Sets the person before one of our backgrounds; your words pick which.",
    "style-cloning": "Takes light and colours of the reference; the product stays as it is.",
    "product-reels": "A camera move over your photo, not new motion.",
    "model-reels": "A camera move over your photo, not new motion.",
}


def _field(option: Option, asked: Mapping[str, Any]) -> dict[str, Any]:
    value = asked.get(option.name, option.default)
    return {
        "option": option,
        "name": f"option-{option.name}",
        "value": value,
        "choices": [
            {"value": choice.value, "title": choice.title, "selected": choice.value == value}
            for choice in option.choices
        ],
    }


def _choices(listed: Iterable[products.Product], chosen: list[str]) -> list[dict[str, Any]]:
    """Every photo of these products; the photos of one product are told apart by their hints."""
    # A product that is named without a photo means its first one.
    return [
        {
            "value": f"{product.id} {photo.id}",
            "src": product_photos.link(photo),
            "label": product.title,
            "hint": photo.alt or (_("Photo %(number)s") % {"number": localize(number)}),
            "checked": f"{product.id} {photo.id}" in chosen
            or (number == 1 and product.id in chosen),
        }
        for product in listed
        for number, photo in enumerate(product.photos, 1)
    ]


def _without_photos(listed: Iterable[products.Product], chosen: list[str]) -> list[dict[str, Any]]:
    """Products that can be written about and have no photo."""
    return [
        {"value": product.id, "label": product.title, "checked": product.id in chosen}
        for product in listed
        if not product.photos
    ]


def _earlier(account_id: int, asked: Asked) -> list[dict[str, Any]]:
    """The newest results as sources, and before them the pictures of the request that comes again."""
    shown: list[dict[str, Any]] = []
    if asked.run is not None and not asked.run.products:
        first = asked.run.pictures.filter(role=Picture.Role.INPUT).order_by("position").first()
        if first is not None:
            text = _("As last time")
            shown.append(_earlier_choice(f"{RUN} {asked.run.pk}", first, text, asked))
    results = (
        Picture.objects.filter(
            generation__account_id=account_id, role=Picture.Role.OUTPUT, kind=Picture.Kind.IMAGE
        )
        .select_related("generation")
        .order_by("-generation__created_at", "-pk")
    )
    for picture in results[:EARLIER_SHOWN]:
        title = picture.generation.product_title or _("Result")
        shown.append(_earlier_choice(f"{RESULT} {picture.pk}", picture, title, asked))
    known = {choice["value"] for choice in shown}
    if asked.source and f"{RESULT} {asked.source}" not in known:
        picture = results.get(pk=asked.source)
        title = picture.generation.product_title or _("Result")
        shown.insert(0, _earlier_choice(f"{RESULT} {picture.pk}", picture, title, asked))
    return shown


def _earlier_choice(value: str, picture: Picture, label: str, asked: Asked) -> dict[str, Any]:
    return {
        "value": value,
        "src": links.link(picture, preview=True),
        "label": label,
        "checked": value in asked.chosen,
    }


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
