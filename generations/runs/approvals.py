"""What costs more than the account's spending limit, kept until an owner decides.

Only the pages keep such a request; the API refuses and stores nothing. Nothing is charged and no run
is made before an owner presses. Then the order goes the way of every other (`request.place`): price
and balance are those of that moment. Source: screens, "ask me first above X".
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import localize
from django.utils.translation import gettext as _

from credits import ledger
from credits.accounts import notices
from credits.models import Account
from credits.refusals import Refusal
from ecomvance_app import clock, live
from generations import catalog
from generations.media import storage
from generations.models import Approval, ApprovalPicture, Generation, Picture
from generations.runs import consents, health, quote, request
from generations.runs.orders import Order, Requester, Source
from generations.runs.queries import key_digest

LIFE = timedelta(hours=24)
# They keep pictures; who wants more waits for an owner's word on those.
MOST_WAITING = 20

State = Approval.State


class ApprovalRefused(Refusal):
    """The request was not kept, or cannot be decided any more."""


# --- Asking --------------------------------------------------------------------------------------


def keep(requester: Requester, order: Order, key: str, now: datetime | None = None) -> Approval:
    """Keep an order above the limit for an owner, with clean copies of its pictures.

    The same key with the same order is the same request. Raises as `request.place` does for what could
    not be started anyway; nothing is stored then.
    """
    now = clock.now() if now is None else now
    request.check_key(key)
    if known := _find(requester.account_id, key):
        return _repeated(known, order, key)
    terms = quote.check(order)
    consents.check(requester.account_id, terms, order)
    with storage.Undo(requester.account_id) as undo:
        material = request.gather(undo, order)
        with transaction.atomic():
            # Where two clicks with one key, and many at once, meet.
            Account.objects.select_for_update().get(pk=requester.account_id)
            if known := _find(requester.account_id, key):
                return _repeated(known, order, key)
            if waiting(requester.account_id, now).count() >= MOST_WAITING:
                raise ApprovalRefused(
                    _("%(most)d requests wait for an owner already.") % {"most": MOST_WAITING},
                    "too_many_approvals",
                )
            approval = _store(requester, order, key, terms.credits, material, now)
            _tell_owners(approval)
        undo.keep()
    return approval


def _find(account_id: int, key: str) -> Approval | None:
    return Approval.objects.filter(account_id=account_id, key=key_digest(key)).first()


def _repeated(known: Approval, order: Order, key: str) -> Approval:
    if not order.has_made(known.request_digest):
        raise ledger.KeyConflict(key)
    return known


def _store(
    requester: Requester,
    order: Order,
    key: str,
    price: int,
    material: request.Material,
    now: datetime,
) -> Approval:
    approval = Approval.objects.create(
        account_id=requester.account_id,
        key=key_digest(key),
        request_digest=order.digest,
        tool=order.tool,
        order=_written(order),
        product_title=material.title[:255],
        price=price,
        requested_by_id=requester.person_id,
        surface=requester.surface,
        created_at=now,
        lapses_at=now + LIFE,
    )
    ApprovalPicture.objects.bulk_create(
        ApprovalPicture(
            approval=approval, role=role, position=one.position, file=one.file,
            preview=one.preview, name=one.name, media_type=one.media_type, width=one.width or 0,
            height=one.height or 0, sha256=one.sha256,
        )
        for role, one in material.files
    )  # fmt: skip
    live.publish(requester.account_id, "approvals")
    return approval


def _written(order: Order) -> dict[str, Any]:
    """What an order says beside its pictures, as JSON."""
    return {
        "resolution": order.resolution,
        "seconds": order.seconds,
        "prompt": order.text,
        "options": dict(order.options),
        "product_title": order.product_title,
        "products": [[source.product_id, source.photo_id] for source in order.sources],
    }


def _tell_owners(approval: Approval) -> None:
    """Mail that somebody asks. The link opens the page and does nothing."""
    told = {
        "person": str(approval.requested_by or _("Somebody")),
        "tool": catalog.TOOLS[approval.tool].name,
        "credits": localize(approval.price),
    }
    notices.tell(
        approval.account_id,
        notices.Kind.APPROVAL,
        str(approval.pk),
        subject=_("%(credits)s credits for %(tool)s: an owner is asked") % told,
        text=_(
            "%(person)s wants to run %(tool)s for %(credits)s credits. That is above your spending "
            "limit.\n\nNothing runs and nothing is charged until an owner says so. After 24 hours "
            "the request lapses."
        )
        % told,
        path=reverse("pages:approval", args=[approval.pk], current_app="web"),
        now=approval.created_at,
    )


# --- Deciding ------------------------------------------------------------------------------------


def approve(
    account_id: int,
    approval_id: uuid.UUID,
    owner_id: int | None,
    max_credits: int | None = None,
    now: datetime | None = None,
) -> Generation:
    """An owner's word: charge what was asked for and start it, once however often it is pressed.

    The run belongs to whoever asked. Raises as `request.place` does, with price and balance of now: the
    request waits on then. ApprovalRefused for one that was decided or has lapsed.
    """
    now = clock.now() if now is None else now
    with transaction.atomic():
        approval = _locked(account_id, approval_id)
        if approval.state == State.APPROVED and approval.run is not None:
            return approval.run
        _check_open(approval, now)
        requester = Requester(account_id, approval.requested_by_id, approval.surface, is_owner=True)
        order = _read(approval, max_credits)
        run, _created = request.place(requester, order, f"approval:{approval.pk}", now)
        _name_pictures(approval, run)
        _end(approval, State.APPROVED, now, owner_id, run)
    return run


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
    run: Generation | None = None,
) -> None:
    """Close the request; the pictures that it kept go after commit."""
    approval.state, approval.decided_at, approval.run = state, now, run
    approval.decided_by_id = decided_by
    approval.save(update_fields=["state", "decided_at", "decided_by", "run"])
    _forget_pictures(ApprovalPicture.objects.filter(approval=approval))
    live.publish(approval.account_id, "approvals")


def _forget_pictures(pictures: QuerySet[ApprovalPicture]) -> None:
    names = [name for pair in pictures.values_list("file", "preview") for name in pair if name]
    pictures.delete()
    transaction.on_commit(lambda: storage.delete_all(names), robust=True)


def _read(approval: Approval, max_credits: int | None) -> Order:
    """The order as it was asked for. Pictures of products are the store's, as they are now."""
    kept: dict[str, list[Any]] = {role: [] for role in Picture.Role.values}
    said: Mapping[str, Any] = approval.order
    sources = tuple(Source(product, photo) for product, photo in said["products"])
    pictures = approval.pictures.order_by("position")
    for picture in pictures.exclude(role=Picture.Role.INPUT) if sources else pictures:
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


def price_now(approval: Approval) -> int | None:
    """What it would cost at this moment; None where the tool cannot be started now."""
    route = health.route(approval.tool)
    if route.unavailable_reason or not approval.order:
        return None
    said = approval.order
    variant = catalog.find_variant(
        approval.tool, resolution=said["resolution"] or None, seconds=said["seconds"]
    )
    return quote.price_now(variant, route.label)


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
