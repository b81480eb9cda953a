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


def price(generation: Generation) -> int | None:
    """What the same would cost now; None where it cannot be run again as it was."""
    tool = catalog.TOOLS[generation.tool]
    route = health.route(generation.tool)
    if tool.output == "chat" or route.unavailable_reason is not None:
        return None
    roles = {picture.role for picture in generation.pictures.all()}
    if tool.sources.min and Role.INPUT not in roles and not generation.products:
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
    sources = tuple(Source(product, photo) for product, photo in generation.products)
    uploads = () if sources else tuple(_kept(generation, Role.INPUT))
    if not sources and not uploads and catalog.TOOLS[generation.tool].sources.min:
        raise Refusal(_("This image is no longer here. Choose another."), "gone", "image")
    return Order(
        generation.tool,
        generation.resolution,
        generation.seconds,
        generation.prompt,
        product_title="" if sources else generation.product_title,
        uploads=uploads,
        products=sources,
        options=generation.options,
        mask=next(iter(_kept(generation, Role.MASK)), None),
        reference=next(iter(_kept(generation, Role.REFERENCE)), None),
        max_credits=max_credits,
    )


def _kept(generation: Generation, role: str) -> list[Upload]:
    return [storage.read_again(one) for one in generation.pictures.all() if one.role == role]
