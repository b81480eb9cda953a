"""The pages of batches: all of them, one as it goes on, and what a merchant does with it.

Source: screens, "Batch (AI Shadowing, up to 50)".
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db.models import Prefetch
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from credits.accounts import limits
from credits.refusals import Refusal
from ecomvance_app import clock
from ecomvance_app.http import MerchantRequest, answer_refusal
from generations.media import links
from generations.models import Approval, Batch, BatchItem, Generation, Picture
from generations.pages.results.gallery import first_pictures
from generations.runs import approvals, batches
from generations.runs.batches import progress, rules
from generations.runs.batches.charging import Verb
from generations.runs.orders import Requester
from generations.runs.quote import RunRefused

SHOWN = 50
_KEYS = uuid.UUID("0c5fd0b4-77a7-5b38-9a35-4d1c7c1b6f1e")


@require_safe
def batches_page(request: MerchantRequest) -> HttpResponse:
    """The newest batches with how they stand."""
    found = Batch.objects.filter(account=request.account).select_related("requested_by")
    newest = list(found.order_by("-created_at", "-pk")[:SHOWN])
    standing = progress.read_many(newest)
    rows = [
        {"batch": batch, "standing": standing[batch.pk], "url": url(request, "batch", batch.pk)}
        for batch in newest
    ]
    return render(request, "generations/batches/list.html", {"nav_active": "batches", "rows": rows})


@require_safe
def batch_page(request: MerchantRequest, batch_id: uuid.UUID) -> HttpResponse:
    """One batch: progress over all and for each item, what can be done, and what it costs."""
    context = batch_context(request, get_batch(request, batch_id))
    return render(request, "generations/batches/batch.html", context)


@require_POST
def act(request: MerchantRequest, batch_id: uuid.UUID) -> HttpResponse:
    """Go on, try the failed ones again, pause or cancel, as the pressed button says."""
    batch = get_batch(request, batch_id)
    try:
        asked = _do(request, batch)
    except Refusal as refusal:
        return answer_refusal(
            request, refusal, "generations/batches/batch.html",
            lambda: batch_context(request, get_batch(request, batch_id)),
        )  # fmt: skip
    if asked is not None or not request.htmx:
        return _lead(request, asked, batch)
    context = batch_context(request, get_batch(request, batch_id))
    response = render(request, "generations/batches/_batch.html", context)
    response["HX-Retarget"] = "#batch"
    response["HX-Reswap"] = "outerHTML"
    return response


def _lead(request: MerchantRequest, asked: Approval | None, batch: Batch) -> HttpResponse:
    """To what waits for an owner, else to the batch."""
    address = url(request, "approval", asked.pk) if asked else url(request, "batch", batch.pk)
    if not request.htmx:
        return HttpResponseRedirect(address)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = address
    return response


def _do(request: MerchantRequest, batch: Batch) -> Approval | None:
    """What the button says. What is above the spending limit is kept for an owner, and returned."""
    form = request.POST
    verb, key = form.get("verb", ""), form.get("key", "")
    most, count = _number(form.get("max_credits")), _number(form.get("count"))
    if verb == "pause":
        batches.pause(request.account.pk, batch.pk)
    elif verb == "cancel":
        batches.cancel(request.account.pk, batch.pk)
    elif verb in Verb:
        wanted = batches.Charge(str(batch.pk), verb, count if verb == Verb.RESUME else None)
        try:
            batches.charge(requester(request), wanted, key, max_credits=most)
        except limits.ApprovalRequired:
            return approvals.keep_charge(requester(request), wanted)
    else:
        raise RunRefused(_("This page is too old. Reload it and try again."), status=409)
    return None


# --- What the page shows -------------------------------------------------------------------------


def batch_context(request: MerchantRequest, batch: Batch) -> dict[str, Any]:
    """How the batch stands, what it offers now at which price, and its items."""
    now = clock.now()
    standing = progress.read(batch, now)
    items = list_items(batch)
    return {
        "nav_active": "batches",
        "batch": batch,
        "standing": standing,
        "charged": standing.total - standing.uncharged,
        "rows": [_row(request, item) for item in items],
        "goes_on": _next_charge(batch, standing, standing.uncharged, now),
        "again": _retry_charge(batch, standing, items),
        "pause_ends": batch.paused_at + rules.PAUSED_AT_MOST if batch.paused_at else None,
        "kept_until": batch.created_at + rules.INPUTS_KEPT,
        "can_pause": standing.state == "running" and bool(standing.waiting or standing.uncharged),
        "sample_price": batch.price * min(rules.SAMPLE, batch.total),
        "to_review": sum(item.run is not None and _is_new(item.run) for item in items),
    }


def _next_charge(
    batch: Batch, standing: progress.Progress, count: int, now: Any
) -> dict[str, Any] | None:
    """What going on would charge; with fewer than all where the balance does not pay for all."""
    if not count or standing.is_final:
        return None
    each = progress.price_of_item(batch, now)
    whole = batches.cost(batch.account_id, each, count, now)
    few = batches.cost(batch.account_id, each, whole.runnable, now) if whole.short_by else None
    return {"whole": whole, "few": few, "key": _key(batch, "resume", standing.cost)}


def _retry_charge(
    batch: Batch, standing: progress.Progress, items: Sequence[BatchItem]
) -> dict[str, Any] | None:
    """What trying the failed ones again would charge, at today's price."""
    if not standing.failed or standing.state == "cancelled":
        return None
    each = progress.price_today(batch)
    whole = batches.cost(batch.account_id, each, standing.failed, clock.now())
    tried = sum(item.charges for item in items)
    return {"whole": whole, "key": _key(batch, "retry", tried)}


def _key(batch: Batch, verb: str, so_far: int) -> str:
    """The same for every button of one moment, so that two clicks in two tabs are one request."""
    return uuid.uuid5(_KEYS, f"{batch.pk}:{verb}:{so_far}").hex


def list_items(batch: Batch) -> list[BatchItem]:
    """The batch's items in order, with their newest runs and these runs' pictures."""
    pictures = Prefetch("run__pictures", Picture.objects.order_by("position"))
    found = batch.items.select_related("run__spend__restoration").prefetch_related(pictures)
    return list(found.order_by("position"))


def _row(request: MerchantRequest, item: BatchItem) -> dict[str, Any]:
    run = item.run
    return {
        "item": item,
        "run": run,
        "name": name_of(item),
        "thumbnail": thumbnail(item),
        "is_result": run is not None and run.state == Generation.State.SUCCEEDED,
        "url": url(request, "run", run.pk) if run is not None and not run.deleted_at else "",
    }


def name_of(item: BatchItem) -> str:
    """The product's title, else the merchant's own file name, else the item's number."""
    named = item.title or item.name
    return named or _("Image %(number)s") % {"number": item.position}


def thumbnail(item: BatchItem) -> str:
    """A link to the small form of the item's result, or of what it works on; empty for none."""
    if item.run is None:
        return links.link_kept(item) if item.preview else ""
    pictures = first_pictures(item.run)
    shown = pictures.get(Picture.Role.OUTPUT) or pictures.get(Picture.Role.INPUT)
    return links.link(shown, preview=True) if shown and shown.preview else ""


def _is_new(run: Generation) -> bool:
    return run.state == Generation.State.SUCCEEDED and not run.review and run.deleted_at is None


# --- Shared by the pages of batches --------------------------------------------------------------


def get_batch(request: MerchantRequest, batch_id: uuid.UUID) -> Batch:
    """A batch of this account; 404 for another's."""
    try:
        return progress.get(request.account.pk, batch_id)
    except Batch.DoesNotExist:
        raise Http404 from None


def requester(request: MerchantRequest) -> Requester:
    """Who presses the button."""
    person_id = request.person.pk if request.person else None
    is_owner = request.role == "owner"
    return Requester(request.account.pk, person_id, request.surface, is_owner=is_owner)


def url(request: MerchantRequest, name: str, *args: Any) -> str:
    """The address of a page on the surface that asked."""
    return reverse(f"pages:{name}", args=args, current_app=request.surface)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None
