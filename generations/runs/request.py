"""From what a merchant chose to a paid run: one way for the pages and for the API.

`place` reads from top to bottom: a known key is its run; the order is quoted and the balance read,
before a picture is decoded or the store is asked; then one transaction pays and stores, and a
worker hears of the run after commit. `batches.place_batch` takes the same steps for many orders.

Source: product document, "Credit Deduction Flow".
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from credits import ledger, queries
from credits.models import Account
from credits.refusals import Refusal
from ecomvance_app import clock
from generations import catalog, options, products
from generations.engines import routing
from generations.media import storage
from generations.media.reading import UploadedImage, read_picture
from generations.models import Generation, Picture
from generations.runs import lifecycle
from generations.runs.queries import find_by_key, key_digest

if TYPE_CHECKING:
    from credits.models import LedgerEntry

MAX_PROMPT = 2000
MAX_KEY = 150
_RUNS = uuid.UUID("6f0d3f4e-1a0b-5f0e-9a52-5f5b3a3d8a10")

# A file as it came in, or one that was read before.
Upload = IO[bytes] | UploadedImage


class RunRefused(Refusal):
    """The run cannot be started. `field` names the wrong input."""


@dataclass(frozen=True)
class Order:
    """What a merchant asks for: a tool, its options and its pictures.

    With a product and no uploads the picture is its photo `photo_id`, or its first one.
    """

    tool: str
    resolution: str = ""
    seconds: int | None = None
    prompt: str = ""
    product_id: str = ""
    photo_id: str = ""
    product_title: str = ""
    uploads: tuple[Upload, ...] = ()

    @property
    def picture_count(self) -> int:
        """How many pictures the run will have."""
        return len(self.uploads) or int(bool(self.product_id))

    @property
    def digest(self) -> str:
        """What makes two orders the same under one idempotency key.

        Uploads count by their bytes, so a repetition is known before anything is decoded. A product's
        photo counts by its name: a repetition finds its run also when the store has changed the
        photo meanwhile, or does not answer.
        """
        asked: list[object] = [self.tool, self.resolution, self.seconds, self.prompt]
        asked += [self.product_id, self.photo_id, [_sha256(upload) for upload in self.uploads]]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


@dataclass(frozen=True)
class Requester:
    """Who asks, and through which surface."""

    account_id: int
    person_id: int | None
    surface: str

    @property
    def actor(self) -> str:
        """The opaque id that the ledger keeps."""
        return f"user:{self.person_id}" if self.person_id else "system"


def place(
    requester: Requester, order: Order, key: str, now: datetime | None = None
) -> tuple[Generation, bool]:
    """Accept and charge a run; returns it, and whether it is new.

    The same key with the same order returns the first run. Raises a Refusal, after which nothing is
    stored or charged: RunRefused, InsufficientCredits, PictureRefused, UnknownProduct or
    ProductsUnavailable, and KeyConflict for a key that was used for another order.
    """
    now = clock.now() if now is None else now
    check_key(key)
    known = find_by_key(requester.account_id, key)
    if known is not None:
        return repeated(known, order, key), False

    price = quote(order)
    check_affordable(requester.account_id, price, now)
    title, images = read_images(requester.account_id, order)

    with contextlib.ExitStack() as undo:
        pictures = put_in_storage(undo, requester.account_id, images)
        with transaction.atomic():
            spend = _pay(requester, order, key, price, now)
            # Of two requests with one key the second waits for the account's lock in `_pay`, and
            # finds here what the first has made.
            known = find_by_key(requester.account_id, key)
            if known is not None:
                return repeated(known, order, key), False
            run = store_run(requester, order, key, price, spend, title, pictures, now)
        undo.pop_all()
    return run, True


# --- The steps, shared with batches --------------------------------------------------------------


def check_key(key: str) -> None:
    """RunRefused for what cannot be an idempotency key."""
    if not 0 < len(key) <= MAX_KEY:
        message = _("An idempotency key has 1 to %(most)d characters.") % {"most": MAX_KEY}
        raise RunRefused(message, "invalid_key")


def repeated(generation: Generation, order: Order, key: str) -> Generation:
    """The run of an idempotency key that comes again; KeyConflict if it was for another order."""
    if generation.request_digest != order.digest:
        raise ledger.KeyConflict(key)
    return generation


def quote(order: Order) -> int:
    """What the order costs, in credits, if it can be started now; RunRefused otherwise."""
    try:
        variant = catalog.find_variant(
            order.tool, resolution=order.resolution or None, seconds=order.seconds
        )
    except ValueError as error:
        raise RunRefused(f"{error}.", "unknown_option", "tool") from error
    reason = routing.unavailable_reason(order.tool)
    if reason:
        raise RunRefused(reason, "tool_unavailable", "tool")
    _check_pictures(catalog.TOOLS[order.tool], order.picture_count)
    if len(order.prompt) > MAX_PROMPT:
        message = _("A prompt has at most %(most)s characters.") % {"most": localize(MAX_PROMPT)}
        raise RunRefused(message, "prompt_too_long", "prompt")
    return variant.credits


def _check_pictures(tool: catalog.Tool, given: int) -> None:
    if tool.max_images and not given:
        raise RunRefused(_("Choose a product photo or upload a picture."), "no_image", "image")
    if given > tool.max_images:
        message = ngettext(
            "%(tool)s takes at most %(most)s picture, not %(given)s.",
            "%(tool)s takes at most %(most)s pictures, not %(given)s.",
            tool.max_images,
        )
        amounts = {"most": localize(tool.max_images), "given": localize(given)}
        raise RunRefused(message % (amounts | {"tool": tool.name}), "too_many_images", "image")


def check_affordable(account_id: int, price: int, now: datetime) -> None:
    """InsufficientCredits if the account cannot pay now; the ledger has the last word."""
    available = queries.get_balance(account_id, now).total
    if price > available:
        raise ledger.InsufficientCredits(price, available)


def read_images(account_id: int, order: Order) -> tuple[str, list[UploadedImage]]:
    """Clean copies of the order's uploads or of its product's photo, and the product's title."""
    if order.uploads or not order.product_id:
        return order.product_title, [_read(upload) for upload in order.uploads]
    product, photo = products.read_photo(account_id, order.product_id, order.photo_id)
    return product.title, [read_picture(photo)]


def _read(upload: Upload) -> UploadedImage:
    return upload if isinstance(upload, UploadedImage) else read_picture(upload)


def _sha256(upload: Upload) -> str:
    if isinstance(upload, UploadedImage):
        return upload.sha256
    upload.seek(0)
    content = upload.read()
    upload.seek(0)
    return hashlib.sha256(content).hexdigest()


def put_in_storage(
    undo: contextlib.ExitStack, account_id: int, images: Sequence[UploadedImage]
) -> list[Picture]:
    """Rows for the images, to be attached to their run; `undo` takes the files out again."""
    return [
        storage.store(undo, account_id, image.content, image.media_type, image.width, image.height)
        for image in images
    ]


def _pay(
    requester: Requester, order: Order, key: str, price: int, now: datetime
) -> LedgerEntry | None:
    if not price:
        # What is free has no spend at whose lock requests with one key could meet.
        Account.objects.select_for_update().get(pk=requester.account_id)
        return None
    run = run_id(requester, key)
    return ledger.spend(
        requester.account_id, price, ledger_key(run), order.tool, str(run), requester.actor, now
    )


def store_run(
    requester: Requester,
    order: Order,
    key: str,
    price: int,
    spend: LedgerEntry | None,
    product_title: str,
    pictures: Sequence[Picture],
    now: datetime,
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
        prompt=order.prompt,
        options=options.clean(catalog.TOOLS[order.tool].options, {}),
        product_id=order.product_id,
        product_title=product_title[:255],
        price=price,
        list_price=price,
        spend=spend,
        requested_by_id=requester.person_id,
        surface=requester.surface,
        enqueued_at=timezone.now(),
        created_at=now,
    )
    for position, picture in enumerate(pictures):
        storage.attach(picture, generation, Picture.Role.INPUT, position)
    lifecycle.enqueue(generation)
    lifecycle.announce(generation)
    return generation


def run_id(requester: Requester, key: str) -> uuid.UUID:
    """The run's id, known before it is stored, so that its spend can refer to it."""
    return uuid.uuid5(_RUNS, f"{requester.account_id}:{key}")


def ledger_key(run: uuid.UUID) -> str:
    """The key of a run's spend. Entries never change, so no text of a merchant's goes into one."""
    return f"run:{run}"
