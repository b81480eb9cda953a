"""From the body of a request to what a merchant orders."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from django.utils.translation import gettext as _

from ecomvance_app.api import bodies, errors, schemas
from ecomvance_app.http import MerchantRequest
from generations.runs.orders import Order, Requester, Source
from generations.runs.quote import RunRefused

_ONE_EACH = ("mask", "reference")


def requester(request: MerchantRequest) -> Requester:
    """Who asks: a person of the store by session token, or a program by a connection's key."""
    person_id = request.person.pk if request.person else None
    return Requester(request.account.pk, person_id, request.surface)


def read_order(request: MerchantRequest) -> Order:
    """What the JSON or multipart body of a run or a quote asks for; products before uploads."""
    if bodies.is_multipart(request):
        asked, files = bodies.read_multipart(
            request, schemas.GenerationRequest, schemas.MAX_IMAGES, _ONE_EACH
        )
    else:
        asked, files = bodies.read_json(request, schemas.GenerationRequest), {}
    _check_one_source(asked, files.get("image", ()))
    return Order(
        tool=asked.tool,
        resolution=asked.resolution or "",
        seconds=asked.seconds,
        prompt=asked.prompt,
        product_id=asked.product_id or "",
        photo_id=(asked.photo_ids or [""])[0] if asked.product_id else "",
        products=_products(asked),
        uploads=tuple(files.get("image", ())),
        mask=next(iter(files.get("mask", ())), None),
        reference=next(iter(files.get("reference", ())), None),
        options=asked.options,
        max_credits=asked.max_credits,
    )


def _check_one_source(asked: schemas.GenerationRequest, images: Sequence[object]) -> None:
    if asked.product_id and (images or asked.product_ids):
        message = _(
            "Send image, product_id or product_ids; only image and product_ids go together."
        )
        raise RunRefused(message, "two_sources", "product_id")
    named = len(asked.product_ids or ()) or int(bool(asked.product_id))
    if len(asked.photo_ids or ()) > named:
        raise errors.invalid("photo_ids", _("There are more photos than products"))


def _products(asked: schemas.GenerationRequest) -> tuple[Source, ...]:
    photos = asked.photo_ids or []
    return tuple(
        Source(product_id, photo_id)
        for product_id, photo_id in zip_longest(asked.product_ids or (), photos, fillvalue="")
        if product_id
    )
