"""The page of a new batch: products with a photo each, or uploads; one look; the price; the button."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from credits.accounts import limits
from credits.refusals import KeyConflict, Refusal
from ecomvance_app import clock
from ecomvance_app.addresses import read_text
from ecomvance_app.http import MerchantRequest, answer_refusal
from generations import catalog, products
from generations.media import product_photos
from generations.models import Batch, BatchItem
from generations.pages import tool_page
from generations.pages.batches.batch_form import KEPT, BatchForm, picture_of
from generations.pages.batches.listing import name_of, requester, thumbnail, url
from generations.pages.source_choices import Asked
from generations.runs import approvals, batches
from generations.runs.batches import previews, progress
from generations.runs.outages import health
from generations.runs.quote import SplitChanged, price_now

_PAGE = "generations/batches/new.html"


@require_http_methods(["GET", "HEAD", "POST"])
def new_batch(request: MerchantRequest) -> HttpResponse:
    """Choose, see the price, begin."""
    if request.method != "POST":
        return render(request, _PAGE, _context(request))
    form = BatchForm(request.account.pk, request.POST, request.FILES)
    if not form.is_valid():
        sentences = [str(error) for errors in form.errors.values() for error in errors]
        return _refuse(request, Refusal(" ".join(sentences)))
    try:
        address = _place(request, form)
    except KeyConflict:
        message = _("Your last click had started a batch after all: it stands under Batches.")
        return _refuse(request, Refusal(message, status=409))
    except Refusal as refusal:
        return _refuse(request, refusal)
    if not request.htmx:
        return HttpResponseRedirect(address)
    response = HttpResponse(status=201)
    response["HX-Redirect"] = address
    return response


def _place(request: MerchantRequest, form: BatchForm) -> str:
    """Begin, and lead to the batch; above the spending limit keep it until an owner decides."""
    data, orders = form.cleaned_data, form.orders()
    charged, each = form.charged(len(orders)), data["price_each"]
    asker, how = requester(request), form.together()
    if known := approvals.find(request.account.pk, data["key"], orders):
        return url(request, "approval", known.pk)
    _check_split(request, form, charged)
    try:
        batch, _created = batches.place(
            asker,
            orders,
            data["key"],
            together=how,
            max_credits=each * charged if each is not None else None,
        )
    except limits.ApprovalRequired:
        approval = approvals.keep_batch(asker, orders, data["key"], how)
        return url(request, "approval", approval.pk)
    return url(request, "batch", batch.pk)


def _check_split(request: MerchantRequest, form: BatchForm, charged: int) -> None:
    """SplitChanged where other credits would pay than the page has named."""
    promised, each = form.cleaned_data["promised_package"], form.cleaned_data["price_each"]
    if promised is None or each is None:
        return
    now = batches.cost(request.account.pk, each, charged, clock.now())
    # The key is asked for last: sent twice at once it may have paid since the page was made.
    is_other = not now.short_by and now.package != promised
    if is_other and not _is_known(request, form.cleaned_data["key"]):
        raise SplitChanged(now.plan, now.package)


def _is_known(request: MerchantRequest, key: str) -> bool:
    return progress.find_by_key(request.account.pk, key) is not None


def _refuse(request: MerchantRequest, refusal: Refusal) -> HttpResponse:
    next_key = uuid.uuid4().hex if refusal.status == 409 else ""
    response = answer_refusal(
        request, refusal, _PAGE, lambda: _context(request),
        "generations/_refusal.html", next_key=next_key,
    )  # fmt: skip
    response["HX-Retarget"] = "#run-errors"
    response["HX-Reswap"] = "innerHTML"
    return response


@require_safe
def quote(request: MerchantRequest) -> HttpResponse:
    """What so many items would cost, out of which credits, and how many of them can be run now."""
    count = _number(read_text(request.GET, "count"))
    three_first = request.GET.get("three_first") == "on" and count > batches.SAMPLE
    resolution = read_text(request.GET, "resolution")
    context = _quote(request, count, resolution, three_first=three_first)
    return render(request, "generations/batches/_quote.html", context)


def _quote(
    request: MerchantRequest, count: int, resolution: str, *, three_first: bool
) -> dict[str, Any]:
    each, now = _price(resolution), clock.now()
    whole = batches.cost(request.account.pk, each, count, now)
    first = min(batches.SAMPLE, count) if three_first else count
    first_cost = batches.cost(request.account.pk, each, first, now)
    few = batches.cost(request.account.pk, each, first_cost.runnable, now)
    return {
        "count": count,
        "most": batches.MAX_ITEMS,
        "is_too_many": count > batches.MAX_ITEMS,
        "three_first": three_first,
        "whole": whole,
        "rest": count - first,
        "rest_credits": each * (count - first),
        "now": few if first_cost.short_by else first_cost,
        "is_short": bool(first_cost.short_by),
        "short_by": first_cost.short_by,
    }


def _price(resolution: str) -> int:
    """What one item costs now; of the lowest class for one that there is not."""
    variants = catalog.TOOLS[batches.TOOL].variants
    found = [one for one in variants if one.resolution == resolution] or list(variants)
    return price_now(found[0], health.route(batches.TOOL).label)


@require_POST
def preview(request: MerchantRequest) -> HttpResponse:
    """Try the look on one picture: small, marked, free, ten a day."""
    form = BatchForm(request.account.pk, request.POST, request.FILES)
    if not form.is_valid():
        told = {"refusal": _("This page is too old. Reload it and try again.")}
        return render(request, "components/refusal.html", told, status=422)
    try:
        name = previews.ask(request.account.pk, form.orders()[0])
    except Refusal as refusal:
        told = {"refusal": str(refusal)}
        return render(request, "components/refusal.html", told, status=422)
    return _preview(request, name)


@require_safe
def preview_status(request: MerchantRequest, name: str) -> HttpResponse:
    """How a preview stands, or the preview."""
    return _preview(request, name)


def _preview(request: MerchantRequest, name: str) -> HttpResponse:
    found = previews.read(request.account.pk, name)
    picture = base64.b64encode(found.content).decode()
    context = {"preview": found, "name": name, "picture": picture}
    return render(request, "generations/batches/_preview.html", context)


@require_safe
def picked(request: MerchantRequest) -> HttpResponse:
    """The cards of products that were picked by their ids, as the admin's own picker tells them."""
    wanted = request.GET.getlist("id")[: batches.MAX_ITEMS]
    found = []
    for product_id in wanted:
        try:
            found.append(products.read_product(request.account.pk, product_id[:100]))
        except products.UnknownProduct:
            continue
    return render(request, "generations/batches/_cards.html", {"cards": _cards(found, chosen=True)})


# --- What the page shows -------------------------------------------------------------------------


def _context(request: MerchantRequest) -> dict[str, Any]:
    tool = catalog.TOOLS[batches.TOOL]
    route = health.route(tool.slug)
    search = read_text(request.GET, "search").strip()[:100]
    one_photo = request.GET.get("one_photo") == "on"
    context: dict[str, Any] = {
        "nav_active": "batches",
        "tool": tool,
        "unavailable": route.unavailable_reason,
        "key": uuid.uuid4().hex,
        "search": search,
        "one_photo": one_photo,
        "most": batches.MAX_ITEMS,
    }
    if route.unavailable_reason:
        return context
    again = _again(request)
    resolution = again.resolution if again else ""
    asked = Asked(resolution=resolution, options=again.options if again else {})
    described = tool_page.describe(request.account.pk, tool, search, asked, list_sources=False)
    kept = _kept(request, again)
    count = sum(card["checked"] for card in kept)
    context |= described | _listed(request, search, one_photo=one_photo, chosen=kept)
    context |= {"again": again, "kept": kept, "mail": bool(request.person)}
    three_first = count > batches.SAMPLE
    return context | {"quote": _quote(request, count, resolution, three_first=three_first)}


def _listed(
    request: MerchantRequest, search: str, *, one_photo: bool, chosen: list[dict[str, Any]]
) -> dict[str, Any]:
    try:
        listed = products.list_products(request.account.pk, search)
    except products.ProductsUnavailable as error:
        return {"products_unavailable": str(error)}
    known = {card["value"] for card in chosen}
    shown = [one for one in listed if one.id not in known]
    if one_photo:
        shown = [one for one in shown if len(one.photos) == 1]
    is_cut = len(listed) >= products.MOST_LISTED
    return {"cards": _cards(shown), "listed": len(listed) if is_cut else 0}


def _cards(listed: Iterable[products.Product], *, chosen: bool = False) -> list[dict[str, Any]]:
    return [
        {
            "value": product.id,
            "label": product.title,
            "src": product_photos.link(product.photos[0]) if product.photos else "",
            "photos": [
                {
                    "id": photo.id,
                    "src": product_photos.link(photo),
                    "title": photo.alt or _("Photo %(number)s") % {"number": localize(number)},
                }
                for number, photo in enumerate(product.photos, 1)
            ],
            "checked": chosen and bool(product.photos),
        }
        for product in listed
    ]


def _again(request: MerchantRequest) -> Batch | None:
    """The batch whose items come again with another look; None for what is not this account's."""
    try:
        return progress.get(request.account.pk, uuid.UUID(read_text(request.GET, "again")))
    except (ValueError, Batch.DoesNotExist):
        return None


def _kept(request: MerchantRequest, again: Batch | None) -> list[dict[str, Any]]:
    """The items of an earlier batch, chosen from the start; those whose picture is gone are left out."""
    if again is None:
        return []
    items = again.items.select_related("run").prefetch_related("run__pictures")
    return [_kept_card(item) for item in items.order_by("position") if picture_of(item)]


def _kept_card(item: BatchItem) -> dict[str, Any]:
    return {
        "value": f"{KEPT} {item.pk}",
        "label": name_of(item),
        "src": thumbnail(item),
        "photos": [{"id": "", "src": "", "title": ""}],
        "checked": True,
    }


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else 0
