"""From what a merchant chose to a paid run: one way for the pages and for the API.

A request is checked before a picture is decoded or the store is asked. Then, in one transaction,
the ledger deducts the price and the run is stored; a worker hears of it after commit. A request
that comes again under its key finds its run.

Source: product document, "Credit Deduction Flow".
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import IO, TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from credits import ledger, queries
from ecomvance_app import clock
from generations import catalog, products
from generations.engines import routing
from generations.media import storage
from generations.media.reading import Picture as CleanPicture
from generations.media.reading import read_picture
from generations.models import Generation, Picture
from generations.runs import lifecycle
from generations.runs.queries import find_by_key

if TYPE_CHECKING:
    from credits.models import LedgerEntry

MAX_PROMPT = 2000
MAX_KEY = 150
_RUNS = uuid.UUID("6f0d3f4e-1a0b-5f0e-9a52-5f5b3a3d8a10")


class RunRefused(ValueError):  # noqa: N818 - says what happened
    """The run cannot be started; nothing was stored or charged. `field` names the wrong input."""

    def __init__(self, message: str, code: str, field_name: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.field = field_name


@dataclass(frozen=True)
class Order:
    """What a merchant asks for: a tool, its options and its checked pictures.

    With a product the picture is its photo `photo_id`, or its first one.
    """

    tool: str
    resolution: str = ""
    seconds: int | None = None
    prompt: str = ""
    product_id: str = ""
    photo_id: str = ""
    product_title: str = ""
    pictures: tuple[CleanPicture, ...] = field(default=())

    @property
    def digest(self) -> str:
        """What makes two orders the same under one idempotency key."""
        asked: list[object] = [self.tool, self.resolution, self.seconds, self.prompt]
        # A product's photo counts by its name: a repeated request must find its run also when the
        # store has changed the photo meanwhile, or does not answer.
        uploads = () if self.product_id else self.pictures
        asked += [self.product_id, self.photo_id, [picture.sha256 for picture in uploads]]
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
    requester: Requester,
    draft: Order,
    key: str,
    uploads: Sequence[IO[bytes]] = (),
    now: datetime | None = None,
) -> tuple[Generation, bool]:
    """Complete a draft with its uploads or its product's photo and request the run.

    Returns the run and whether it is new. Raises what `request_run` raises, PictureRefused,
    and UnknownProduct or ProductsUnavailable; then nothing is stored or charged.
    """
    known = find_by_key(requester.account_id, key)
    if known is None:
        check(draft, len(uploads) or int(bool(draft.product_id)))
    elif not uploads:
        return repeated(known, draft), False
    order = complete(requester.account_id, draft, uploads)
    return request_run(requester, order, key, now)


def complete(account_id: int, draft: Order, uploads: Sequence[IO[bytes]] = ()) -> Order:
    """The draft with clean copies of its uploads, or of its product's photo."""
    if uploads:
        return replace(draft, pictures=tuple(read_picture(upload) for upload in uploads))
    if not draft.product_id:
        return draft
    product, content = products.read_photo(account_id, draft.product_id, draft.photo_id)
    return replace(draft, product_title=product.title[:255], pictures=(read_picture(content),))


def request_run(
    requester: Requester, order: Order, key: str, now: datetime | None = None
) -> tuple[Generation, bool]:
    """Accept a run: check, take the credits and store it in one transaction, enqueue after commit.

    The same key with the same order returns the first run and False. Raises RunRefused,
    ledger.InsufficientCredits, or ledger.KeyConflict for a key that was used for another order;
    then nothing is stored or charged.
    """
    now = clock.now() if now is None else now
    check_key(key)
    known = Generation.objects.filter(account_id=requester.account_id, key=key).first()
    if known is not None:
        return repeated(known, order), False
    price = check(order, len(order.pictures))
    check_affordable(requester.account_id, price, now)
    with contextlib.ExitStack() as undo:
        files = [keep(undo, requester.account_id, picture) for picture in order.pictures]
        with transaction.atomic():
            generation, created = _pay_and_store(requester, order, key, price, now)
            for position, file in enumerate(files if created else ()):
                file.attach(generation, Picture.Role.INPUT, position)
        if created:
            undo.pop_all()
    return generation, created


def check(order: Order, pictures: int) -> int:
    """The price of an order with so many pictures, if it can be started now; RunRefused otherwise."""
    try:
        variant = catalog.find_variant(
            order.tool, resolution=order.resolution or None, seconds=order.seconds
        )
    except ValueError as error:
        raise RunRefused(str(error), "unknown_option", "tool") from error
    reason = routing.unavailable_reason(order.tool)
    if reason:
        raise RunRefused(reason, "tool_unavailable", "tool")
    tool = catalog.TOOLS[order.tool]
    if tool.max_images and not pictures:
        raise RunRefused(_("Choose a product photo or upload a picture."), "no_image", "image")
    if pictures > tool.max_images:
        message = ngettext(
            "%(tool)s takes at most %(most)s picture, not %(given)s.",
            "%(tool)s takes at most %(most)s pictures, not %(given)s.",
            tool.max_images,
        )
        amounts = {"most": localize(tool.max_images), "given": localize(pictures)}
        raise RunRefused(message % (amounts | {"tool": tool.name}), "too_many_images", "image")
    if len(order.prompt) > MAX_PROMPT:
        message = _("A prompt has at most %(most)s characters.") % {"most": localize(MAX_PROMPT)}
        raise RunRefused(message, "prompt_too_long", "prompt")
    return variant.credits


def check_affordable(account_id: int, price: int, now: datetime) -> None:
    """InsufficientCredits if the account cannot pay now; the ledger has the last word."""
    available = queries.get_balance(account_id, now).total
    if price > available:
        raise ledger.InsufficientCredits(price, available)


def check_key(key: str) -> None:
    """RunRefused for what cannot be an idempotency key."""
    if not 0 < len(key) <= MAX_KEY:
        message = _("An idempotency key has 1 to %(most)d characters.") % {"most": MAX_KEY}
        raise RunRefused(message, "invalid_key")


def keep(
    undo: contextlib.ExitStack, account_id: int, picture: CleanPicture
) -> storage.StoredPicture:
    """Put an order's picture into storage, to be attached to its run."""
    return storage.store(
        undo, account_id, picture.content, picture.media_type, picture.width, picture.height
    )


def repeated(generation: Generation, order: Order) -> Generation:
    """The run of an idempotency key that comes again; KeyConflict if it was for another order."""
    if generation.request_digest != order.digest:
        raise ledger.KeyConflict(generation.key)
    return generation


def _pay_and_store(
    requester: Requester, order: Order, key: str, price: int, now: datetime
) -> tuple[Generation, bool]:
    # Two requests with one key meet at the account's lock inside `spend`; the second finds the
    # first one's run there.
    spend = None
    if price:
        spend = ledger.spend(
            requester.account_id, price, f"run:{key}", order.tool, str(run_id(requester, key)),
            requester.actor, now,
        )  # fmt: skip
    known = Generation.objects.filter(account_id=requester.account_id, key=key).first()
    if known is not None:
        return repeated(known, order), False
    return store_paid(requester, order, key, spend, price, now), True


def store_paid(
    requester: Requester,
    order: Order,
    key: str,
    spend: LedgerEntry | None,
    price: int,
    now: datetime,
) -> Generation:
    """Store a run that its spend has paid, in the spend's transaction, and send it to a worker."""
    generation = Generation.objects.create(
        id=run_id(requester, key),
        account_id=requester.account_id,
        key=key,
        request_digest=order.digest,
        tool=order.tool,
        resolution=order.resolution,
        seconds=order.seconds,
        prompt=order.prompt,
        product_id=order.product_id,
        product_title=order.product_title,
        price=price,
        spend=spend,
        requested_by_id=requester.person_id,
        surface=requester.surface,
        enqueued_at=timezone.now(),
        created_at=now,
    )
    lifecycle.enqueue(generation)
    lifecycle.announce(generation)
    return generation


def run_id(requester: Requester, key: str) -> uuid.UUID:
    """The run's id, known before it is stored, so that its spend can refer to it."""
    return uuid.uuid5(_RUNS, f"{requester.account_id}:{key}")
