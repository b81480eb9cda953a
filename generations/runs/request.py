"""From what a merchant chose to a paid run: one way for the pages and for the API.

`place` reads from top to bottom: a known key is its run; the order is checked and the balance read,
before a picture is decoded or the store is asked; then one transaction pays and stores, and a
worker hears of the run after commit. `batches.place` takes the same steps for many orders.

Source: product document, "Credit Deduction Flow".
"""

from __future__ import annotations

import contextlib
import io
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from credits import ledger
from credits.accounts import limits
from credits.models import Account
from credits.refusals import Refusal
from ecomvance_app import clock
from generations import catalog, products
from generations.media import masks, storage
from generations.media.reading import PictureRefused, UploadedImage, read_picture
from generations.models import Generation, Picture
from generations.runs import consents, free_runs, lifecycle
from generations.runs.orders import MAX_KEY, Order, Requester, Source, Upload
from generations.runs.queries import find_by_key, key_digest
from generations.runs.quote import MAX_PROMPT, RunRefused, Terms, check, check_affordable
from generations.words import typed_data

if TYPE_CHECKING:
    from credits.models import LedgerEntry
    from generations.models import Batch

__all__ = ["MAX_KEY", "MAX_PROMPT", "Order", "Requester", "RunRefused", "place"]

_RUNS = uuid.UUID("6f0d3f4e-1a0b-5f0e-9a52-5f5b3a3d8a10")
_MOST_NAMES = 255


@dataclass
class Material:
    """What a run works on: its files, put into storage and not yet attached, and a product's data."""

    title: str = ""
    products: list[list[str]] = field(default_factory=list)
    data: Mapping[str, object] = field(default_factory=dict)
    files: list[tuple[str, Picture]] = field(default_factory=list)


def place(
    requester: Requester,
    order: Order,
    key: str,
    now: datetime | None = None,
    also: Callable[[Generation], None] | None = None,
) -> tuple[Generation, bool]:
    """Accept and charge a run; returns it, and whether it is new.

    The same key with the same order returns the first run. Raises a Refusal, after which nothing is
    stored or charged: RunRefused, InsufficientCredits, PictureRefused, UnknownProduct or
    ProductsUnavailable, and KeyConflict for a key that was used for another order.

    `also` belongs to the charge: it is called with a new run in the transaction that pays, and what it raises
    undoes all of it.
    """
    now = clock.now() if now is None else now
    check_key(key)
    known = find_by_key(requester.account_id, key)
    if known is not None:
        return repeated(known, order, key), False
    try:
        return _place_unknown(requester, order, key, now, also)
    except Refusal:
        # Of two requests with one key the first may have taken what the second is refused for.
        known = find_by_key(requester.account_id, key)
        if known is None:
            raise
        return repeated(known, order, key), False


def _place_unknown(
    requester: Requester,
    order: Order,
    key: str,
    now: datetime,
    also: Callable[[Generation], None] | None,
) -> tuple[Generation, bool]:
    terms = check(order)
    consents.check(requester.account_id, terms, order)
    limits.check(requester.account_id, terms.credits, by_owner=requester.is_owner)
    check_affordable(requester.account_id, terms.credits, now)
    free_runs.check(requester.account_id, terms, now)

    with storage.Undo(requester.account_id) as undo:
        material = gather(undo, order, partial(_still_affordable, requester, terms))
        with transaction.atomic():
            spend = _pay(requester, order, key, terms, now)
            # Of two requests with one key the second waits for the account's lock in `_pay`, and
            # finds here what the first has made.
            known = find_by_key(requester.account_id, key)
            if known is not None:
                return repeated(known, order, key), False
            free_runs.check(requester.account_id, terms, now)
            run = store_run(requester, order, key, terms, spend, material, now)
            if also is not None:
                also(run)
        undo.keep()
    return run, True


# --- The steps, shared with batches --------------------------------------------------------------


def check_key(key: str) -> None:
    """RunRefused for what cannot be an idempotency key."""
    if not 0 < len(key) <= MAX_KEY:
        message = _("An idempotency key has 1 to %(most)d characters.") % {"most": MAX_KEY}
        raise RunRefused(message, "invalid_key")


def repeated(generation: Generation, order: Order, key: str) -> Generation:
    """The run of an idempotency key that comes again; KeyConflict if it was for another order."""
    if not order.has_made(generation.request_digest):
        raise ledger.KeyConflict(key)
    return generation


def _still_affordable(requester: Requester, terms: Terms) -> None:
    """Of many orders at once that one balance pays, those that came too late are not decoded."""
    check_affordable(requester.account_id, terms.credits, clock.now())


def gather(undo: storage.Undo, order: Order, still: Callable[[], None] | None = None) -> Material:
    """Clean copies of the order's pictures, in storage; `undo` takes the files out again.

    `still` raises where a picture that had to wait for its turn need not be decoded any more.

    They are those of its uploads or of its products' photos, with its mask and its reference. Each is
    stored before the next one is read.
    """
    found = Material(title=order.product_title)
    if order.product_title and catalog.TOOLS[order.tool].sources.product_data:
        found.data = {"title": order.product_title}
    pictures = _inputs(undo.account_id, order, found)
    if catalog.TOOLS[order.tool].sources.product_data:
        found.data = typed_data.over(found.data, order.chosen)
        found.title = found.title or str(found.data.get("title", ""))
    for upload in pictures:
        with _clean_copy(undo, upload, still=still) as image:
            _add(undo, found, Picture.Role.INPUT, image, _name(upload))
    if order.mask:
        picture = found.files[0][1] if found.files else None
        with _clean_copy(undo, order.mask, "mask", still) as given:
            mask = given
            if order.mask_is_drawn and picture is not None:
                mask = masks.enlarged(given, picture.width or 1, picture.height or 1)
            _check_mask(mask, picture)
            _add(undo, found, Picture.Role.MASK, mask)
    if order.reference:
        with _clean_copy(undo, order.reference, "reference", still) as reference:
            _add(undo, found, Picture.Role.REFERENCE, reference, _name(order.reference))
    return found


def _inputs(account_id: int, order: Order, found: Material) -> list[Upload]:
    """Uploads and the photos of products; the products' titles and data go into what was found."""
    inputs: list[Upload] = []
    titles: list[str] = []
    needs_no_photo = catalog.TOOLS[order.tool].sources.product_data
    found.products = [[place.product_id, place.photo_id] for place in order.places]
    for given in order.inputs:
        if not isinstance(given, Source):
            inputs.append(given)
            continue
        title, photo = _product(account_id, given, needs_no_photo=needs_no_photo)
        inputs += [io.BytesIO(photo)] if photo else []
        titles.append(title)
    found.title = ", ".join(titles) or found.title
    if order.sources and needs_no_photo:
        found.data = products.read_data(account_id, order.sources[0].product_id)
    return inputs


def _product(account_id: int, source: Source, *, needs_no_photo: bool) -> tuple[str, bytes]:
    """The product's title and the photo that is meant; empty where none is needed and none there."""
    if needs_no_photo and not source.photo_id:
        product = products.read_product(account_id, source.product_id)
        if not product.photos:
            return product.title, b""
    product, photo = products.read_photo(account_id, source.product_id, source.photo_id)
    return product.title, photo


@contextlib.contextmanager
def _clean_copy(
    undo: storage.Undo,
    upload: Upload,
    field_name: str = "",
    still: Callable[[], None] | None = None,
) -> Iterator[UploadedImage]:
    """What the upload really is; the files of a copy that is made here end with the block."""
    if isinstance(upload, UploadedImage):
        yield upload
        return
    try:
        image = read_picture(upload, undo.account_id, still)
    except PictureRefused as refusal:
        refusal.field = field_name or refusal.field
        raise
    with contextlib.closing(image):
        yield image


def _name(upload: Upload) -> str:
    """The merchant's own name of a file, without what looks like a folder."""
    name = getattr(upload, "name", "")
    return str(name).replace("\\", "/").rpartition("/")[2][:_MOST_NAMES] if name else ""


def _add(
    undo: storage.Undo, found: Material, role: str, image: UploadedImage, name: str = ""
) -> None:
    picture = storage.store(undo, image)
    picture.name = name
    picture.position = sum(known == role for known, _picture in found.files)
    found.files.append((role, picture))


def _check_mask(mask: UploadedImage, picture: Picture | None) -> None:
    """RunRefused for a mask of another size than the first picture, or one with nothing marked."""
    if picture is None or (mask.width, mask.height) != (picture.width, picture.height):
        message = _("The mask must be as large as the image.")
        raise RunRefused(message, "mask_size", "mask")
    if mask.lightest < 128:
        raise RunRefused(_("Mark what is meant in the image."), "no_mask", "mask")


def _pay(
    requester: Requester, order: Order, key: str, terms: Terms, now: datetime
) -> LedgerEntry | None:
    if not terms.credits:
        # What is free has no spend at whose lock requests with one key could meet.
        Account.objects.select_for_update().get(pk=requester.account_id)
        return None
    run = run_id(requester, key)
    return ledger.spend(
        requester.account_id, terms.credits, ledger_key(run), order.tool, str(run),
        requester.actor, now,
    )  # fmt: skip


def store_run(
    requester: Requester,
    order: Order,
    key: str,
    terms: Terms,
    spend: LedgerEntry | None,
    material: Material,
    now: datetime,
    batch: Batch | None = None,
) -> Generation:
    """Store a run that its spend has paid, in the spend's transaction, and send it to a worker."""
    generation = Generation.objects.create(
        id=run_id(requester, key),
        account_id=requester.account_id,
        key=key_digest(key),
        request_digest=order.digest,
        tool=order.tool,
        resolution=order.resolution,
        seconds=order.seconds,
        prompt=order.text,
        options=terms.options,
        products=material.products,
        product_data=dict(material.data),
        product_id=order.sources[0].product_id if order.sources else "",
        product_title=material.title[:255],
        price=terms.credits,
        list_price=terms.list_credits,
        engine=terms.engine,
        model=terms.model,
        label=terms.label,
        spend=spend,
        batch=batch,
        requested_by_id=requester.person_id,
        surface=requester.surface,
        enqueued_at=timezone.now(),
        created_at=now,
    )
    for role, picture in material.files:
        storage.attach(picture, generation, role, picture.position)
    lifecycle.enqueue(generation)
    lifecycle.announce(generation)
    return generation


def run_id(requester: Requester, key: str) -> uuid.UUID:
    """The run's id, known before it is stored, so that its spend can refer to it."""
    return uuid.uuid5(_RUNS, f"{requester.account_id}:{key}")


def ledger_key(run: uuid.UUID) -> str:
    """The key of a run's spend. Entries never change, so no text of a merchant's goes into one."""
    return f"run:{run}"
