"""Runs that the assistant proposes: quoted like any other order, started by nobody but the merchant."""

from __future__ import annotations

from dataclasses import asdict

from credits.refusals import Refusal
from generations import products
from generations.assist.events import Draft
from generations.assist.facts import Asker
from generations.runs import quote
from generations.runs.orders import Order, Source


def propose(asker: Asker, wanted: Draft) -> Draft:
    """The draft with its price now; a Refusal for what could not be started or is not the account's.

    Every product is asked for from the account's own store.
    """
    titles = [
        products.read_product(asker.account.pk, product_id).title
        for product_id in wanted.product_ids
    ]
    order = order_of(wanted)
    quoted = quote.quote(asker.account.pk, order, asker.now)
    return Draft(
        wanted.tool,
        wanted.resolution,
        wanted.seconds,
        order.text,
        order.chosen,
        wanted.product_ids,
        asdict(quoted),
        tuple(titles),
    )


def price_again(account_id: int, draft: Draft) -> tuple[quote.Quote | None, str]:
    """What the draft costs now, or why it cannot be started."""
    try:
        return quote.quote(account_id, order_of(draft)), ""
    except Refusal as refusal:
        return None, str(refusal)


def order_of(draft: Draft) -> Order:
    """The order that the merchant's click would place."""
    return Order(
        draft.tool,
        draft.resolution,
        draft.seconds,
        draft.prompt,
        options=draft.options,
        products=tuple(Source(product_id) for product_id in draft.product_ids),
    )
