"""A run once more: the order that a run was made from, with the pictures that it has kept."""

from __future__ import annotations

from django.utils.translation import gettext as _

from credits.refusals import Refusal
from generations import catalog
from generations.media import storage
from generations.models import Generation, Picture
from generations.runs.orders import Order, Source, Upload
from generations.runs.outages import health

Role = Picture.Role
# The place of an upload among the products of a run.
OWN = ["", ""]


def price(generation: Generation) -> int | None:
    """What the same would cost now; None where it cannot be run again as it was."""
    tool = catalog.TOOLS[generation.tool]
    route = health.route(generation.tool)
    if tool.output == "chat" or route.unavailable_reason is not None:
        return None
    if _is_gone(generation):
        return None
    if generation.emptied_at is not None and (tool.sources.mask or tool.sources.reference):
        return None
    if route.label == "sandbox":
        return 0
    size = None if generation.resolution in tool.takes_size else generation.resolution or None
    try:
        return catalog.price(generation.tool, resolution=size, seconds=generation.seconds)
    except ValueError:  # A size that the tool had once.
        return None


def order_of(generation: Generation, max_credits: int | None) -> Order:
    """The same request; products by their photos in the store, uploads by the kept pictures.

    Raises a Refusal when a picture that it needs is kept no longer.
    """
    if _is_gone(generation):
        raise Refusal(_("This image is no longer here. Choose another."), "gone", "image")
    sources = tuple(Source(product, photo) for product, photo in generation.products)
    return Order(
        generation.tool,
        generation.resolution,
        generation.seconds,
        generation.prompt,
        product_title="" if sources else generation.product_title,
        uploads=tuple(storage.read_again(one) for one in own_pictures(generation)),
        products=sources,
        options=generation.options,
        mask=next(iter(_kept(generation, Role.MASK)), None),
        reference=next(iter(_kept(generation, Role.REFERENCE)), None),
        max_credits=max_credits,
    )


def own_pictures(generation: Generation) -> list[Picture]:
    """The kept pictures that came from no product, in the order in which they went in."""
    kept = sorted(
        (one for one in generation.pictures.all() if one.role == Role.INPUT),
        key=lambda one: one.position,
    )
    if not generation.products:
        return kept
    return [one for one in kept if generation.products[one.position : one.position + 1] == [OWN]]


def _is_gone(generation: Generation) -> bool:
    """Whether a picture of the merchant's own that the run needs is kept no longer."""
    own = len(own_pictures(generation))
    if generation.products:
        return bool(own < generation.products.count(OWN))
    return not own and bool(catalog.TOOLS[generation.tool].sources.min)


def _kept(generation: Generation, role: str) -> list[Upload]:
    return [storage.read_again(one) for one in generation.pictures.all() if one.role == role]
