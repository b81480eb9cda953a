"""What costs more than the account's spending limit, kept until an owner decides.

Only the pages keep such a request; the API refuses and stores nothing. Nothing is charged and no run
is made before an owner presses. Then the order goes the way of every other (`request.place`): price
and balance are those of that moment. Source: screens, "ask me first above X".
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from credits import ledger
from credits.models import Account
from credits.refusals import Refusal
from ecomvance_app import clock, live
from generations.media import storage
from generations.models import Approval, ApprovalPicture, Batch, Generation, Picture
from generations.runs import approval_words, batches, consents, quote, request
from generations.runs.batches import Together, charging, placing
from generations.runs.orders import OWN, Order, Requester, Source
from generations.runs.queries import key_digest

LIFE = timedelta(hours=24)
# They keep pictures; who wants more waits for an owner's word on those.
MOST_WAITING = 20

State = Approval.State


class ApprovalRefused(Refusal):
    """The request was not kept, or cannot be decided any more."""


# --- Asking --------------------------------------------------------------------------------------


def find(account_id: int, key: str, orders: Sequence[Order]) -> Approval | None:
    """The request that this key has made; KeyConflict if it was made of something else."""
    known = Approval.objects.filter(account_id=account_id, key=key_digest(key)).first()
    if known is not None and _digest(orders) != known.request_digest:
        raise ledger.KeyConflict(key)
    return known


def keep(requester: Requester, order: Order, key: str, now: datetime | None = None) -> Approval:
    """Keep an order above the limit for an owner, with clean copies of its pictures.

    The same key with the same order is the same request. Raises as `request.place` does for what could
    not be started anyway, also for want of credits; nothing is stored then.
    """
    return _keep(requester, [order], key, None, now)


def keep_batch(
    requester: Requester,
    orders: Sequence[Order],
    key: str,
    together: Together,
    now: datetime | None = None,
) -> Approval:
    """Keep a batch whose sum is above the limit, as `keep` does a run."""
    return _keep(requester, orders, key, together, now)


def _keep(
    requester: Requester,
    orders: Sequence[Order],
    key: str,
    together: Together | None,
    now: datetime | None,
) -> Approval:
    now = clock.now() if now is None else now
    request.check_key(key)
    account_id = requester.account_id
    if known := find(account_id, key, orders):
        return known
    price = _price(account_id, orders, together)

    def check_room() -> None:
        """A picture that could not be kept, or that no credits are there for, is not decoded."""
        _check_few_wait(account_id, now)
        quote.check_affordable(account_id, price, now)

    check_room()
    with storage.Undo(account_id) as undo:
        gathered = [request.gather(undo, order, check_room) for order in orders]
        with transaction.atomic():
            # Where two clicks with one key, and many at once, meet.
            Account.objects.select_for_update().get(pk=account_id)
            if known := find(account_id, key, orders):
                return known
            _check_few_wait(account_id, now)
            approval = _made(requester, orders, key, now)
            approval.price, approval.order["together"] = price, together and asdict(together)
            _store(approval, gathered)
            approval_words.tell_owners(approval)
        undo.keep()
    return approval


def keep_charge(
    requester: Requester, wanted: batches.Charge, now: datetime | None = None
) -> Approval:
    """Keep what is charged later of a batch, or tried again, for an owner.

    One request waits for the same items at a time. Nothing is copied: the batch keeps its pictures.
    Raises as `keep` does, and Batch.DoesNotExist.
    """
    now = clock.now() if now is None else now
    account_id = requester.account_id
    batch = Batch.objects.get(account_id=account_id, pk=wanted.batch_id)
    items, each = charging.price(account_id, wanted, now)
    quote.check_affordable(account_id, items * each, now)
    approval = Approval(
        account_id=account_id,
        key=key_digest(uuid.uuid4().hex),
        request_digest=hashlib.sha256(json.dumps(asdict(wanted)).encode()).hexdigest(),
        tool=batch.tool,
        order={"charge": asdict(wanted), "items": items},
        price=items * each,
        requested_by_id=requester.person_id,
        surface=requester.surface,
        created_at=now,
        lapses_at=now + LIFE,
    )
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account_id)
        same = waiting(account_id, now).filter(request_digest=approval.request_digest)
        if known := same.first():
            return known
        _check_few_wait(account_id, now)
        _store(approval, [])
        approval_words.tell_owners(approval)
    return approval


def _price(account_id: int, orders: Sequence[Order], together: Together | None) -> int:
    """What would be charged now, if it can be started at all; a Refusal otherwise."""
    terms = placing.check(orders) if together else [quote.check(order) for order in orders]
    for agreed, order in zip(terms, orders, strict=True):
        consents.check(account_id, agreed, order)
    return terms[0].credits * (together.charged(len(orders)) if together else 1)


def _check_few_wait(account_id: int, now: datetime) -> None:
    if waiting(account_id, now).count() >= MOST_WAITING:
        raise ApprovalRefused(
            _("%(most)d requests wait for an owner already.") % {"most": MOST_WAITING},
            "too_many_approvals",
        )


def _digest(orders: Sequence[Order]) -> str:
    """What makes two requests the same under one key."""
    return hashlib.sha256(" ".join(order.digest for order in orders).encode()).hexdigest()


def _made(requester: Requester, orders: Sequence[Order], key: str, now: datetime) -> Approval:
    return Approval(
        account_id=requester.account_id,
        key=key_digest(key),
        request_digest=_digest(orders),
        tool=orders[0].tool,
        order={"orders": [_written(order) for order in orders]},
        requested_by_id=requester.person_id,
        surface=requester.surface,
        created_at=now,
        lapses_at=now + LIFE,
    )


def _store(approval: Approval, gathered: Sequence[request.Material]) -> None:
    titles = [material.title for material in gathered if material.title]
    approval.product_title = ", ".join(titles)[:255]
    approval.save(force_insert=True)
    ApprovalPicture.objects.bulk_create(
        ApprovalPicture(
            approval=approval, item=item, role=role, position=one.position, file=one.file,
            preview=one.preview, name=one.name, media_type=one.media_type, width=one.width or 0,
            height=one.height or 0, sha256=one.sha256,
        )
        for item, material in enumerate(gathered)
        for role, one in material.files
    )  # fmt: skip
    live.publish(approval.account_id, "approvals")


def _written(order: Order) -> dict[str, Any]:
    """What an order says beside its pictures, as JSON."""
    return {
        "resolution": order.resolution,
        "seconds": order.seconds,
        "prompt": order.text,
        "options": dict(order.options),
        "product_title": order.product_title,
        "products": [[place.product_id, place.photo_id] for place in order.places],
    }


# --- Deciding ------------------------------------------------------------------------------------


def approve(
    account_id: int,
    approval_id: uuid.UUID,
    owner_id: int | None,
    max_credits: int | None = None,
    now: datetime | None = None,
) -> Approval:
    """An owner's word: charge what was asked for and start it, once however often it is pressed.

    The run belongs to whoever asked. Raises as `request.place` does, with price and balance of now: the
    request waits on then. ApprovalRefused for one that was decided or has lapsed.
    """
    now = clock.now() if now is None else now
    approval = Approval.objects.get(pk=approval_id, account_id=account_id)
    if approval.state == State.APPROVED:
        return approval
    _check_open(approval, now)
    try:
        _begin(approval, max_credits, now, partial(_approved, approval, now, owner_id))
    except (Refusal, OSError):
        # Another press may have been quicker: it took the credits, and the kept pictures with it.
        approval.refresh_from_db()
        if approval.state != State.APPROVED:
            _check_open(approval, now)
            raise
    approval.refresh_from_db()
    return approval


def _begin(
    approval: Approval,
    max_credits: int | None,
    now: datetime,
    approved: Callable[[Generation | Batch], None],
) -> None:
    """Start what was asked for; it goes the way of every other order.

    Photos of products are fetched and decoded before anything is locked; the decision is written
    with the charge.
    """
    requester = Requester(
        approval.account_id, approval.requested_by_id, approval.surface, is_owner=True
    )
    key, together = f"approval:{approval.pk}", approval.together
    if approval.charge is not None:
        wanted = batches.Charge(**approval.charge)
        batches.charge(requester, wanted, key, now, max_credits=max_credits, also=approved)
        return
    if together is None:
        request.place(requester, _read(approval, 0, max_credits), key, now, approved)
        return
    orders = [_read(approval, item) for item in range(len(approval.orders))]
    batches.place(
        requester, orders, key, now, Together(**together), max_credits=max_credits, also=approved
    )


def _approved(
    asked: Approval, now: datetime, owner_id: int | None, made: Generation | Batch
) -> None:
    """Write the owner's word, in the transaction that pays for what it has `made`."""
    approval = _locked(asked.account_id, asked.pk)
    _check_open(approval, now)
    if isinstance(made, Batch):
        approval.batch = made
    else:
        approval.run = made
        _name_pictures(approval, made)
    _end(approval, State.APPROVED, now, owner_id)


def decline(
    account_id: int, approval_id: uuid.UUID, owner_id: int | None, now: datetime | None = None
) -> None:
    """An owner's no. ApprovalRefused for what was decided before, or has lapsed."""
    now = clock.now() if now is None else now
    with transaction.atomic():
        approval = _locked(account_id, approval_id)
        _check_open(approval, now)
        _end(approval, State.DECLINED, now, owner_id)


def withdraw(
    account_id: int, approval_id: uuid.UUID, person_id: int | None, now: datetime | None = None
) -> None:
    """Whoever asked takes it back; Approval.DoesNotExist for everybody else."""
    now = clock.now() if now is None else now
    with transaction.atomic():
        approval = _locked(account_id, approval_id)
        if person_id is None or approval.requested_by_id != person_id:
            raise Approval.DoesNotExist
        _check_open(approval, now)
        _end(approval, State.WITHDRAWN, now)


def _locked(account_id: int, approval_id: uuid.UUID) -> Approval:
    """The account's request, nobody else's until the transaction ends. Approval.DoesNotExist."""
    # Alone: a row that is joined would be of the moment before the lock was waited for.
    return Approval.objects.select_for_update().get(pk=approval_id, account_id=account_id)


def _check_open(approval: Approval, now: datetime) -> None:
    if approval.state == State.WAITING and now < approval.lapses_at:
        return
    if approval.state in (State.WAITING, State.LAPSED):
        raise ApprovalRefused(
            _("This request has lapsed after 24 hours. Ask for the run again."),
            "lapsed",
            status=409,
        )
    raise ApprovalRefused(_("This request was decided before."), "decided", status=409)


def _end(
    approval: Approval,
    state: str,
    now: datetime,
    decided_by: int | None = None,
) -> None:
    """Close the request; the pictures that it kept go after commit."""
    approval.state, approval.decided_at = state, now
    approval.decided_by_id = decided_by
    approval.save(update_fields=["state", "decided_at", "decided_by", "run", "batch"])
    _forget_pictures(ApprovalPicture.objects.filter(approval=approval))
    live.publish(approval.account_id, "approvals")


def _forget_pictures(pictures: QuerySet[ApprovalPicture]) -> None:
    names = [name for pair in pictures.values_list("file", "preview") for name in pair if name]
    pictures.delete()
    transaction.on_commit(lambda: storage.delete_all(names), robust=True)


def _read(approval: Approval, item: int, max_credits: int | None = None) -> Order:
    """One order as it was asked for. Pictures of products are the store's, as they are now."""
    kept: dict[str, list[Any]] = {role: [] for role in Picture.Role.values}
    said = approval.orders[item]
    sources = tuple(Source(product, photo) for product, photo in said["products"])
    for picture in approval.pictures.filter(item=item).order_by("position"):
        of_product = picture.role == Picture.Role.INPUT and sources
        if not of_product or sources[picture.position] == OWN:
            kept[picture.role].append(storage.read_again(picture))
    return Order(
        approval.tool,
        said["resolution"],
        said["seconds"],
        said["prompt"],
        product_title=said["product_title"],
        uploads=tuple(kept[Picture.Role.INPUT]),
        options=said["options"],
        products=sources,
        mask=next(iter(kept[Picture.Role.MASK]), None),
        reference=next(iter(kept[Picture.Role.REFERENCE]), None),
        max_credits=max_credits,
    )


def _name_pictures(approval: Approval, run: Generation) -> None:
    """The merchant's own names of the files go on with them, for downloads."""
    for kept in approval.pictures.exclude(name=""):
        run.pictures.filter(role=kept.role, position=kept.position).update(name=kept.name)


# --- Looking, and what time ends -----------------------------------------------------------------


def waiting(account_id: int, now: datetime) -> QuerySet[Approval]:
    """What waits for an owner of this account now."""
    found = Approval.objects.filter(account_id=account_id, state=State.WAITING)
    return found.filter(lapses_at__gt=now)


def lapse(now: datetime) -> int:
    """Close what nobody has decided in time; returns how many."""
    closed = 0
    for approval_id, account_id in Approval.objects.filter(
        state=State.WAITING, lapses_at__lte=now
    ).values_list("pk", "account_id"):
        with transaction.atomic():
            approval = _locked(account_id, approval_id)
            if approval.state == State.WAITING:
                _end(approval, State.LAPSED, now)
                closed += 1
    return closed


def close_all(account_id: int, now: datetime) -> None:
    """The store has left: what waits lapses."""
    for approval in waiting(account_id, now).select_for_update(of=("self",)):
        _end(approval, State.LAPSED, now)


def erase(account_id: int) -> None:
    """Forget what was asked for, and its pictures."""
    close_all(account_id, clock.now())
    _forget_pictures(ApprovalPicture.objects.filter(approval__account_id=account_id))
    Approval.objects.filter(account_id=account_id).update(
        order={}, product_title="", requested_by=None, decided_by=None
    )
