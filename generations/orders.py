"""From what a merchant chose to a run: one way for the pages and for the API.

An order is checked before a picture is decoded or the store is asked, and a request that comes
again finds its run without either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import IO

from ecomvance_app import clock
from generations import actions, batches, products, queries
from generations.actions import Order, Requester
from generations.models import Generation
from generations.pictures import read_picture


def place(
    requester: Requester,
    draft: Order,
    key: str,
    uploads: Sequence[IO[bytes]] = (),
    now: datetime | None = None,
) -> tuple[Generation, bool]:
    """Complete a draft with its uploads or its product's photo and request the run.

    Returns the run and whether it is new. Raises what `actions.request` raises, PictureRefused,
    and UnknownProduct or ProductsUnavailable; then nothing is stored or charged.
    """
    known = queries.find_by_key(requester.account_id, key)
    if known is None:
        actions.check(draft, len(uploads) or int(bool(draft.product_id)))
    elif not uploads:
        return actions.repeated(known, draft), False
    order = complete(requester.account_id, draft, uploads)
    return actions.request(requester, order, key, now)


def complete(account_id: int, draft: Order, uploads: Sequence[IO[bytes]] = ()) -> Order:
    """The draft with clean copies of its uploads, or of its product's photo."""
    if uploads:
        return replace(draft, pictures=tuple(read_picture(upload) for upload in uploads))
    if not draft.product_id:
        return draft
    product, content = products.read_photo(account_id, draft.product_id, draft.photo_id)
    return replace(draft, product_title=product.title[:255], pictures=(read_picture(content),))


def place_batch(
    requester: Requester,
    drafts: Sequence[Order],
    key: str,
    uploads: Sequence[IO[bytes]] = (),
    now: datetime | None = None,
) -> tuple[list[Generation], bool]:
    """Complete every draft with its own upload, or its product's photo, and request the batch.

    Returns the runs and whether they are new; raises as `place` does, for the batch as a whole.
    """
    now = clock.now() if now is None else now
    known = batches.find(requester.account_id, key)
    if not known:
        prices = batches.check(drafts, pictures=[1] * len(drafts))
        actions.check_affordable(requester.account_id, sum(prices), now)
    elif not uploads:
        return batches.repeated(known, drafts, key), False
    own = [[upload] for upload in uploads] or [[] for _draft in drafts]
    orders = [
        complete(requester.account_id, draft, upload)
        for draft, upload in zip(drafts, own, strict=True)
    ]
    return batches.request_batch(requester, orders, key, now)
