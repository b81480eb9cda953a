"""The pictures that a tool's page offers, and what it begins with: an earlier request, or nothing.

`?again=RUN` brings back what a run was asked for, `?source=PICTURE` takes an earlier result,
`?draft=NAME` begins with what the assistant has proposed, and a refused form comes back as it was sent.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.formats import localize
from django.utils.translation import gettext as _

from generations import products
from generations.assist import conversations
from generations.media import links, product_photos
from generations.models import Generation, Picture
from generations.pages.forms import RESULT, RUN, UPLOAD, ToolForm
from generations.results import again

EARLIER_SHOWN = 6


@dataclass(frozen=True)
class Asked:
    """What the page begins with. `chosen` are the values of its pictures, in order."""

    run: Generation | None = None
    prompt: str = ""
    resolution: str = ""
    seconds: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    chosen: tuple[str, ...] = ()

    def kept(self, role: Picture.Role) -> Picture | None:
        """The mask or the reference picture of the earlier request."""
        return self.run.pictures.filter(role=role).first() if self.run else None


def read_asked(account_id: int, again_of: str, source: str, draft: str = "") -> Asked:
    """What the addresses' parameters mean for this account; nothing for what is not its own."""
    run = _own_run(account_id, again_of) or conversations.find_draft(account_id, draft)
    result = _own_result(account_id, source)
    chosen = (f"{RESULT} {result}",) if result else _chosen_of(run) if run else ()
    if run is None:
        return Asked(chosen=chosen)
    return Asked(run, run.prompt, run.resolution, run.seconds, run.options, chosen)


def read_form(form: ToolForm) -> Asked:
    """What a form was sent with, right or wrong; files do not come back."""
    sent = form.data
    seconds = str(sent.get("seconds", ""))
    return Asked(
        run=_own_run(form.account_id, str(sent.get("again", ""))),
        prompt=str(sent.get("prompt", "")),
        resolution=str(sent.get("resolution", "")),
        seconds=int(seconds) if seconds.isdecimal() else None,
        options=form.options(),
        chosen=tuple(one for one in form.values() if not one.startswith(f"{UPLOAD} ")),
    )


def _chosen_of(run: Generation) -> tuple[str, ...]:
    """Products by their photos in the store; what was the merchant's own by the run's copy."""
    if not run.products:
        return tuple(_name_again(one) for one in again.own_pictures(run))
    return tuple(
        f"{product} {photo}".strip() or f"{RUN} {run.pk} {place}"
        for place, (product, photo) in enumerate(run.products)
    )


def _name_again(picture: Picture) -> str:
    """The value of a picture that went into an earlier run."""
    return f"{RUN} {picture.generation_id} {picture.position}"


def _own_run(account_id: int, name: str) -> Generation | None:
    if (run_id := _uuid(name)) is None:
        return None
    return Generation.objects.filter(account_id=account_id, pk=run_id).first()


def _own_result(account_id: int, name: str) -> uuid.UUID | None:
    if (picture_id := _uuid(name)) is None:
        return None
    results = Picture.objects.filter(
        pk=picture_id,
        generation__account_id=account_id,
        generation__deleted_at=None,
        role=Picture.Role.OUTPUT,
    )
    return picture_id if results.exists() else None


def of_products(
    account_id: int, listed: Iterable[products.Product], asked: Asked
) -> list[dict[str, Any]]:
    """Each product with all its photos, which are told apart by their hints.

    Those that are chosen stand there even where the list does not reach them.
    """
    shown = list(listed)
    known = {product.id for product in shown}
    ids = dict.fromkeys(value.partition(" ")[0] for value in asked.chosen)
    for product_id in ids:
        if product_id not in known and product_id not in (RESULT, RUN):
            found = products.find(account_id, product_id)
            shown[:0] = [found] if found else []
    return [_group(product, asked) for product in shown if product.photos]


def without_photos(listed: Iterable[products.Product], asked: Asked) -> list[dict[str, Any]]:
    """Products that can be written about and have no photo."""
    return [
        {
            "title": product.title,
            "photos": [
                {
                    "value": product.id,
                    "label": product.title,
                    "checked": product.id in asked.chosen,
                }
            ],
        }
        for product in listed
        if not product.photos
    ]


def _group(product: products.Product, asked: Asked) -> dict[str, Any]:
    photos = [
        {
            "value": f"{product.id} {photo.id}",
            "src": product_photos.link(photo),
            "label": product.title,
            "hint": photo.alt or (_("Photo %(number)s") % {"number": localize(number)}),
            "checked": f"{product.id} {photo.id}" in asked.chosen,
        }
        for number, photo in enumerate(product.photos, 1)
    ]
    if product.id in asked.chosen:
        # A product without a photo's name means its first.
        photos[0]["checked"] = True
    return {"title": product.title, "photos": photos}


def of_earlier(account_id: int, asked: Asked) -> list[dict[str, Any]]:
    """The newest results as sources, and before them the pictures of the request that comes again."""
    shown: list[dict[str, Any]] = []
    for picture in again.own_pictures(asked.run) if asked.run is not None else ():
        text = picture.name or _("As last time")
        shown.append(_earlier_choice(_name_again(picture), picture, text, asked))
    results = (
        Picture.objects.filter(
            generation__account_id=account_id,
            generation__deleted_at=None,
            role=Picture.Role.OUTPUT,
            kind=Picture.Kind.IMAGE,
        )
        .select_related("generation")
        .order_by("-generation__created_at", "-pk")
    )
    for picture in results[:EARLIER_SHOWN]:
        title = picture.generation.product_title or _("Result")
        shown.append(_earlier_choice(f"{RESULT} {picture.pk}", picture, title, asked))
    known = {choice["value"] for choice in shown}
    for value in asked.chosen:
        name = value.removeprefix(f"{RESULT} ")
        if name == value or value in known or _own_result(account_id, name) is None:
            continue
        shown += [
            _earlier_choice(value, one, one.generation.product_title or _("Result"), asked)
            for one in results.filter(pk=name)
        ]
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
