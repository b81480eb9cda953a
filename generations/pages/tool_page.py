"""What a tool's page offers, made from what the tool declares: pictures, options, prices, words.

Source: screens, "Tool page".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from generations import products
from generations.catalog import TOOLS, Tool, Variant
from generations.engines import registry, routing
from generations.media import links
from generations.models import Picture
from generations.options import Option, for_engine
from generations.pages import source_choices
from generations.pages.source_choices import Asked
from generations.runs.quote import expected_seconds, price_now

_OFTEN_NEXT = (
    "image-enhance",
    "ai-shadowing",
    "ai-backgrounds",
    "product-placement",
    "product-reels",
)


def next_tools(slug: str) -> list[Tool]:
    """Tools that often follow, for which a result can be the source."""
    return [
        TOOLS[name]
        for name in _OFTEN_NEXT
        if name != slug and routing.unavailable_reason(name) is None
    ]


def describe(
    account_id: int, tool: Tool, search: str, asked: Asked, *, list_sources: bool = True
) -> dict[str, Any]:
    """The template's context for one tool that can be started; its pictures only if `list_sources`."""
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
            _field(option, asked.options)
            for option in for_engine(tool.options, route.engine)
            if not option.of_product
        ],
        "product_data": [
            _field(option, asked.options) for option in tool.options if option.of_product
        ],
        "prompt": asked.prompt,
        "many": tool.sources.max > 1,
        "chosen": asked.chosen,
        "earlier": [],
        "kept": _kept(asked),
        "groups": [],
        "types_data": True,
    }
    if not tool.sources.max or not list_sources:
        return context
    context["earlier"] = source_choices.of_earlier(account_id, asked)
    try:
        listed = products.list_products(account_id, search)
    except products.ProductsUnavailable as error:
        return context | {"products_unavailable": str(error)}
    context["groups"] = source_choices.of_products(account_id, listed, asked)
    if tool.sources.product_data:
        context["groups"] += source_choices.without_photos(listed, asked)
        # Open where there is something in them, or nothing else to choose.
        typed = any(field["value"] for field in context["product_data"])
        context["types_data"] = typed or not (context["groups"] or search)
    if len(listed) >= products.MOST_LISTED:
        context["listed"] = len(listed)
    return context


def _kept(asked: Asked) -> dict[str, Any]:
    """The mask and the reference of the request that comes again, as links."""
    found = {role: asked.kept(role) for role in (Picture.Role.MASK, Picture.Role.REFERENCE)}
    kept = {
        str(role): links.link(picture, preview=True) for role, picture in found.items() if picture
    }
    return {"run": asked.run, **kept} if kept else {}


def _variant(
    variant: Variant, credits: int, engine: str, tool: Tool, asked: Asked
) -> dict[str, Any]:
    seconds = expected_seconds(tool.slug, engine, variant.resolution or "", variant.seconds)
    return {
        "resolution": variant.resolution,
        "seconds": variant.seconds,
        "credits": credits,
        "expected": expected_text(seconds),
        "hint": _hint(variant),
        "checked": (asked.resolution or None, asked.seconds)
        == (variant.resolution, variant.seconds),
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
    """What a merchant should know before the click: what makes the result, and where its limits are."""
    if route.engine != "local":
        return ""
    limits = _LIMITS.get(tool.slug, "")
    told = [_(limits)] if limits else []
    if route.label == "sandbox":
        told.append(_("This is a placeholder, marked as one, and costs nothing."))
    elif route.label == "limited" and not limits:
        told.append(_("Made by our own server, within limits."))
    if google_would_make(tool.slug, route):
        told.append(_("With a Google key in our settings, Google's AI makes the real thing."))
    return " ".join(told)


def google_would_make(slug: str, route: routing.Route) -> bool:
    """Whether a key of Google's would bring more than the server makes now."""
    is_less = route.label in ("sandbox", "limited") and route.engine == "local"
    return is_less and slug in registry.GOOGLE and not routing.has_google_credentials()


_LIMITS = {
    "background-removal": gettext_noop(
        "Glass keeps what shows through it. Thin legs before a busy room and black on black may be "
        "lost: bring them back with the brush afterwards."
    ),
    "ai-shadowing": gettext_noop(
        "The product is cut out first: glass, thin legs and black on black may lose parts."
    ),
    "object-removal": gettext_noop(
        "Fills what you mark from what lies around it. Best for small things."
    ),
    "product-placement": gettext_noop(
        "Sets your cut-out products into one of our scenes; your words pick which."
    ),
    "ai-backgrounds": gettext_noop(
        "Sets your cut-out product before one of our backgrounds; your words pick which."
    ),
    "model-backgrounds": gettext_noop(
        "Sets the person before one of our backgrounds; your words pick which."
    ),
    "style-cloning": gettext_noop(
        "Takes light and colours of the reference; the product stays as it is."
    ),
    "product-reels": gettext_noop("A camera move over your photo, not new motion."),
    "model-reels": gettext_noop("A camera move over your photo, not new motion."),
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
