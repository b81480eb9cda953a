"""Reviewing a batch: every result beside what it was made from, accepted or rejected; the zip; the CSV.

A result is reviewed by its run, so that the gallery and the batch say the same. Two tabs may review
at once: the last word counts, and the other tab is told.
"""

from __future__ import annotations

import csv
import io
import json
import uuid
from typing import Any

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from credits.reports.exports import BYTE_ORDER_MARK, LINK_SECONDS, cell
from ecomvance_app import live
from ecomvance_app.http import MerchantRequest, public
from generations.media import archives, links
from generations.models import Batch, BatchItem, Generation, Picture
from generations.pages.batches.listing import get_batch, list_items, name_of, url
from generations.pages.results.gallery import first_pictures
from generations.results import gallery
from generations.runs.batches import progress

COLUMNS = (
    "position", "product_id", "product_title", "file_name", "state", "outcome", "reason", "credits",
    "plan_part", "package_part", "restored", "review", "run_id",
)  # fmt: skip
_SALT = "batch-export"


@require_http_methods(["GET", "HEAD", "POST"])
def review(request: MerchantRequest, batch_id: uuid.UUID) -> HttpResponse:
    """The results of a batch, before and after; a press accepts, rejects or downloads them."""
    batch = get_batch(request, batch_id)
    if request.method != "POST":
        return render(request, "generations/batches/review.html", _context(request, batch))
    act, chosen = _pressed(request, batch)
    if act == "zip":
        return _zip(request, batch, chosen)
    done = gallery.review_all(request.account.pk, chosen, act)
    if done:
        live.publish(request.account.pk, "generation", str(chosen[0]))
    if not request.htmx:
        return HttpResponseRedirect(url(request, "batch_review", batch.pk))
    response = render(request, "generations/batches/_review.html", _context(request, batch))
    told = ngettext("%(runs)s result reviewed", "%(runs)s results reviewed", done)
    if len(chosen) > 1:
        response["HX-Trigger"] = json.dumps({"toast": {"message": told % {"runs": done}}})
    return response


def _pressed(request: MerchantRequest, batch: Batch) -> tuple[str, list[uuid.UUID]]:
    """What is to be done, and to which of this batch's runs: one card's, or those that are chosen."""
    act, _space, alone = request.POST.get("one", "").partition(" ")
    names = [alone] if alone else request.POST.getlist("run")
    act = act or request.POST.get("act", "")
    if act not in (Generation.Review.ACCEPTED, Generation.Review.REJECTED, "zip"):
        return "", []
    own = Generation.objects.filter(batch_item__batch=batch, deleted_at=None)
    known = {str(pk): pk for pk in own.values_list("pk", flat=True)}
    return act, [known[name] for name in names if name in known]


def _zip(request: MerchantRequest, batch: Batch, chosen: list[uuid.UUID]) -> HttpResponse:
    results = gallery.list_results(request.account.pk, chosen)
    address = archives.link(request.account.pk, [run.pk for run in results]) if results else ""
    if not request.htmx:
        return HttpResponseRedirect(address or url(request, "batch_review", batch.pk))
    response = render(
        request, "generations/_zip.html", {"zip_url": address, "results": len(results)}
    )
    response["HX-Retarget"] = "#gallery-zip"
    response["HX-Reswap"] = "innerHTML"
    return response


def _context(request: MerchantRequest, batch: Batch) -> dict[str, Any]:
    items = list_items(batch)
    cards = [_card(request, item) for item in items if _is_result(item)]
    return {
        "nav_active": "batches",
        "batch": batch,
        "standing": progress.read(batch),
        "cards": cards,
        "reviewed": sum(bool(card["run"].review) for card in cards),
    }


def _is_result(item: BatchItem) -> bool:
    run = item.run
    return run is not None and run.state == Generation.State.SUCCEEDED and run.deleted_at is None


def _card(request: MerchantRequest, item: BatchItem) -> dict[str, Any]:
    run = item.run
    if run is None:
        raise TypeError("An item that was not charged has no result")
    pictures = first_pictures(run)
    before, after = pictures.get(Picture.Role.INPUT), pictures.get(Picture.Role.OUTPUT)
    return {
        "run": run,
        "name": name_of(item),
        "before": links.link(before, preview=True) if before and before.preview else "",
        "after": links.link(after, preview=True) if after and after.preview else "",
        "url": url(request, "run", run.pk),
    }


# --- The CSV -------------------------------------------------------------------------------------


@require_safe
def export(request: MerchantRequest, batch_id: uuid.UUID) -> HttpResponse:
    """Sends the browser to a fresh link: a download inside the admin carries no session token."""
    batch = get_batch(request, batch_id)
    token = signing.dumps([request.account.pk, str(batch.pk)], salt=_SALT)
    return HttpResponseRedirect(reverse("batch_csv", args=[token]))


@public
@require_safe
def serve_csv(_request: HttpRequest, token: str) -> HttpResponse:
    """The CSV that a signed link names; 410 for a link that is too old, 404 for a forged one."""
    try:
        account_id, batch_id = signing.loads(token, salt=_SALT, max_age=LINK_SECONDS)
        batch = progress.get(account_id, batch_id)
    except signing.SignatureExpired:
        words = _("This link is older than 15 minutes. Go back to the batch and export again.")
        return HttpResponse(words, content_type="text/plain; charset=utf-8", status=410)
    except (signing.BadSignature, Batch.DoesNotExist):
        raise Http404 from None
    response = HttpResponse(_written(batch), content_type="text/csv; charset=utf-8")
    name = f"ecomvance-batch-{batch.created_at:%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _written(batch: Batch) -> str:
    sheet = io.StringIO()
    sheet.write(BYTE_ORDER_MARK)
    writer = csv.writer(sheet)
    writer.writerow(COLUMNS)
    for item in list_items(batch):
        writer.writerow([cell(value) for value in _columns(item)])
    return sheet.getvalue()


def _columns(item: BatchItem) -> list[object]:
    run = item.run
    named: list[object] = [item.position, item.product_id, item.title, item.name]
    if run is None:
        return [*named, "not_charged", "", "", 0, 0, 0, 0, "", ""]
    paid = [run.price, run.plan_part, run.package_part, run.restored]
    return [*named, run.state, run.outcome, run.message, *paid, run.review, str(run.pk)]
