"""The merchant's pages about tools and runs, the same on the web and inside Shopify's admin."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from credits import periods
from credits import queries as credit_queries
from credits.accounts import limits
from credits.refusals import KeyConflict, Refusal
from credits.reports import receipts, usage
from credits.representations import balance_json
from ecomvance_app import clock
from ecomvance_app.http import MerchantRequest, answer_refusal
from generations import catalog
from generations.assist import hints
from generations.catalog import Tool
from generations.engines import routing
from generations.media import conversions, links
from generations.models import Approval, Generation, Picture
from generations.pages import source_choices, tool_page, tools_page
from generations.pages.forms import ToolForm
from generations.pages.results import result_details, result_text
from generations.pages.results.gallery import first_pictures, row
from generations.results import brushing, texts
from generations.runs import approvals, consents, lifecycle, queries
from generations.runs.orders import Order
from generations.runs.outages import health
from generations.runs.quote import SplitChanged, check_split
from generations.runs.request import Requester, place

RECENT_USE = timedelta(days=30)
QUICK_START_TOOLS = 4


@require_safe
def home(request: MerchantRequest) -> HttpResponse:
    """Where a merchant stands: the balance, what needs them, what they can make now."""
    recent = queries.list_recent(request.account.pk)
    context = {
        "nav_active": "home",
        "runs": [row(request, generation) for generation in recent],
        "tiles": _quick_start(request),
    }
    return render(request, "generations/home.html", context)


def _quick_start(request: MerchantRequest) -> list[dict[str, Any]]:
    """The tools used most here of late, of those that can be started.

    A tool that the balance does not pay for says what is missing and stands behind the others.
    """
    tiles = [tile for tile in _tiles(request) if not tile["disabled_reason"]]
    for tile in tiles:
        if tile["short_by"]:
            tile["disabled_reason"] = ngettext(
                "Needs %(short)s more credit.", "Needs %(short)s more credits.", tile["short_by"]
            ) % {"short": localize(tile["short_by"])}
    today = periods.local_day(clock.now(), request.account.time_zone)
    recent = usage.read_days(request.account.pk, today - RECENT_USE, today + timedelta(days=1))
    runs = {share.name: share.runs for share in recent.tools}
    # A placeholder helps nobody as long as there is real work to offer.
    tiles.sort(
        key=lambda tile: (
            tile["is_placeholder"],
            bool(tile["disabled_reason"]),
            -runs.get(tile["slug"], 0),
        )
    )
    return tiles[:QUICK_START_TOOLS]


@require_safe
def tools(request: MerchantRequest) -> HttpResponse:
    """Every tool with its price, and why one cannot be started now; by words and by goals."""
    words, goal = request.GET.get("q", "").strip()[:100], request.GET.get("goal", "")
    context = {"nav_active": "tools"} | tools_page.describe(_tiles(request), words, goal)
    return render(request, "generations/tools.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def tool(request: MerchantRequest, slug: str) -> HttpResponse:
    """One tool: choose a picture, see the price, run, see the result beside the original."""
    if slug not in catalog.TOOLS:
        raise Http404
    found = catalog.TOOLS[slug]
    if found.output == "chat" and request.method != "POST":
        return HttpResponseRedirect(_url(request, "assist"))
    if request.method == "POST":
        return _start(request, found)
    return render(request, "generations/tool.html", _tool_context(request, found))


@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: MerchantRequest) -> HttpResponse:
    """The notice that is accepted before the first picture goes to Google."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    following = asked if asked in catalog.TOOLS else ""
    if request.method == "POST":
        consents.accept(request.account.pk, request.person.pk if request.person else None)
        where = _url(request, "tool", following) if following else _url(request, "tools")
        return HttpResponseRedirect(where)
    context = {
        "nav_active": "tools",
        "notice": consents.NOTICE,
        "missing": consents.is_missing(request.account.pk, consents.GOOGLE),
        "next": following,
    }
    return render(request, "generations/consent.html", context)


@require_safe
def run(request: MerchantRequest, generation_id: uuid.UUID) -> HttpResponse:
    """One run: its pictures, its receipt and what became of its credits."""
    generation = get_run(request, generation_id)
    context = run_context(generation) | {"asks_cancel": _asks_cancel(request)}
    context |= {"nav_active": "gallery", "whole_page": True}
    return render(request, "generations/run.html", context)


@require_safe
def run_status(request: MerchantRequest, generation_id: uuid.UUID) -> HttpResponse:
    """What changes while a run works: the result beside a tool, or with `part=page` a run's page."""
    return _status(request, generation_id, asks=_asks_cancel(request))


def _status(request: MerchantRequest, generation_id: uuid.UUID, *, asks: bool) -> HttpResponse:
    context = run_context(get_run(request, generation_id)) | {"asks_cancel": asks}
    if request.GET.get("part") == "page":
        return render(request, "generations/_run_page.html", context | {"whole_page": True})
    return render(request, "generations/_run.html", context)


def _asks_cancel(request: MerchantRequest) -> bool:
    """Whether the page asks if a run that works is really to be cancelled."""
    return request.GET.get("ask") == "cancel"


@require_POST
def cancel(request: MerchantRequest, generation_id: uuid.UUID) -> HttpResponse:
    """Cancel a run that has not ended; one that has begun since the click is asked about first."""
    generation = get_run(request, generation_id)
    waits = "waits" in request.POST
    done = (lifecycle.give_back if waits else _cancel_for_good)(generation)
    asks = waits and not done
    if request.htmx:
        return _status(request, generation_id, asks=asks)
    query = "?ask=cancel" if asks else ""
    return HttpResponseRedirect(_url(request, "run", generation.pk) + query)


@require_POST
def edit_text(request: MerchantRequest, generation_id: uuid.UUID) -> HttpResponse:
    """Keep a written result as the merchant has changed it, or with `undo` as it was written."""
    generation = get_run(request, generation_id)
    try:
        if "undo" in request.POST:
            texts.take_back(request.account.pk, generation.pk)
        else:
            texts.keep(request.account.pk, generation.pk, request.POST.dict())
    except Generation.DoesNotExist:
        raise Http404 from None
    except Refusal as refusal:
        response = answer_refusal(
            request, refusal, "generations/run.html",
            lambda: run_context(generation) | {"nav_active": "gallery", "whole_page": True},
        )  # fmt: skip
        response["HX-Retarget"] = f"#text-errors-{generation.pk}"
        response["HX-Reswap"] = "innerHTML"
        return response
    if request.htmx:
        return _status(request, generation_id, asks=False)
    return HttpResponseRedirect(_url(request, "run", generation.pk))


def _cancel_for_good(generation: Generation) -> bool:
    return lifecycle.cancel(generation.account_id, str(generation.pk))


def get_run(request: MerchantRequest, generation_id: uuid.UUID) -> Generation:
    """A run of the account; 404 for any other."""
    try:
        return queries.get_for_account(request.account.pk, generation_id)
    except Generation.DoesNotExist:
        raise Http404 from None


def _url(request: MerchantRequest, name: str, *args: Any) -> str:
    return reverse(f"pages:{name}", args=args, current_app=request.surface)


# --- Tool page -----------------------------------------------------------------------------------


def _tool_context(
    request: MerchantRequest, found: Tool, form: ToolForm | None = None
) -> dict[str, Any]:
    """The page, as its address asks for or as a refused form was sent."""
    route = health.route(found.slug)
    unavailable = route.unavailable_reason
    search = request.GET.get("search", "").strip()[:100]
    context: dict[str, Any] = {
        "nav_active": "tools",
        "tool": found,
        "unavailable": unavailable,
        "needs_consent": bool(found.max_images)
        and consents.is_missing(request.account.pk, route.engine),
        "key": uuid.uuid4().hex,
        "search": search,
    }
    if unavailable:
        return context
    again, source, draft = (request.GET.get(name, "") for name in ("again", "source", "draft"))
    asked = (
        source_choices.read_form(form)
        if form
        else source_choices.read_asked(request.account.pk, again, source, draft)
    )
    context["hint"] = hints.for_tool(request.account.pk, found)
    return context | tool_page.describe(request.account.pk, found, search, asked)


def _start(request: MerchantRequest, found: Tool) -> HttpResponse:
    form = ToolForm(found, request.account.pk, request.POST, request.FILES)
    if not form.is_valid():
        sentences = [str(error) for errors in form.errors.values() for error in errors]
        return _refuse(request, form, Refusal(" ".join(sentences)))
    try:
        promised = form.cleaned_data["promised_package"]
        placed = place_order(request, form.order(), form.cleaned_data["key"], promised)
    except KeyConflict:
        message = _(
            "Your last click did start a run: you find it in the gallery. Press the button again "
            "to start this one too."
        )
        return _refuse(request, form, Refusal(message, status=409))
    except Refusal as refusal:
        return _refuse(request, form, refusal)
    if isinstance(placed, Approval):
        return _asked(request, placed)
    if not request.htmx:
        return HttpResponseRedirect(_url(request, "run", placed.pk))
    context = run_context(queries.get_for_account(request.account.pk, placed.pk))
    context |= {"next_key": uuid.uuid4().hex}
    response = render(request, "generations/_started.html", context, status=201)
    # Whoever leaves the page and comes back finds what was asked for, and pays for nothing twice.
    address = _url(request, "tool", placed.tool)
    response["HX-Replace-Url"] = f"{address}?again={placed.pk}"
    return response


def place_order(
    request: MerchantRequest, order: Order, key: str, promised: int | None = None
) -> Generation | Approval:
    """Start what was asked for; above the spending limit keep it until an owner decides.

    `promised` is what the page has said that package credits would pay. Raises as `place` does.
    """
    requester = requester_of(request)
    if known := approvals.find(request.account.pk, key, [order]):
        return known  # Whatever became of the limit since: one key is one thing.
    try:
        if promised is not None:
            _check_promise(request.account.pk, order, key, promised)
        return place(requester, order, key)[0]
    except limits.ApprovalRequired:
        return approvals.keep(requester, order, key)


def _check_promise(account_id: int, order: Order, key: str, promised: int) -> None:
    """SplitChanged where other credits would pay than was promised, but for a key that has paid."""
    try:
        check_split(account_id, order, promised)
    except SplitChanged:
        # Asked last: the same key sent twice at once may have paid between the two questions.
        if queries.find_by_key(account_id, key) is None:
            raise


def requester_of(request: MerchantRequest) -> Requester:
    """Who presses the button."""
    return Requester(
        request.account.pk,
        request.person.pk if request.person else None,
        request.surface,
        is_owner=request.role == "owner",
    )


def _asked(request: MerchantRequest, approval: Approval) -> HttpResponse:
    if not request.htmx:
        return HttpResponseRedirect(_url(request, "approval", approval.pk))
    context = {"approval": approval, "next_key": uuid.uuid4().hex}
    return render(request, "generations/_asked.html", context, status=202)


def _refuse(request: MerchantRequest, form: ToolForm, refusal: Refusal) -> HttpResponse:
    """Say what is wrong beside the button; what was chosen stays in the page."""
    next_key = uuid.uuid4().hex if refusal.status == 409 else ""
    told = refusal if refusal.status == 409 else _nothing_charged(refusal)
    response = answer_refusal(
        request, told, "generations/tool.html", lambda: _tool_context(request, form.tool, form),
        "generations/_refusal.html", next_key=next_key,
    )  # fmt: skip
    response["HX-Retarget"] = "#run-errors"
    response["HX-Reswap"] = "innerHTML"
    if isinstance(refusal, SplitChanged):
        # The next click has to promise what the page shows then.
        balance = credit_queries.get_balance(request.account.pk)
        response["HX-Trigger"] = json.dumps({"balance:fresh": balance_json(balance)})
    return response


def _nothing_charged(refusal: Refusal) -> Refusal:
    """The same refusal; its sentence says what it did not cost."""
    nothing = _("Nothing was charged.")
    sentence = str(refusal)
    said = sentence if nothing in sentence else f"{sentence} {nothing}"
    return Refusal(said, refusal.code, refusal.field, refusal.status)


def _tiles(request: MerchantRequest) -> list[dict[str, Any]]:
    total = credit_queries.balance_of(request.account, clock.now()).total
    trial = request.account.period_kind == "trial"
    routes = health.routes()
    return [
        _tile(found, routes[found.slug], total, trial=trial) for found in catalog.TOOLS.values()
    ]


def _tile(found: Tool, route: routing.Route, total: int, *, trial: bool) -> dict[str, Any]:
    is_free = route.label == "sandbox"
    price, reason = 0 if is_free else found.lowest_price, route.unavailable_reason
    if reason is None and found.output == "video" and trial and total < price:
        reason = _(
            "Needs %(price)s; the trial gives %(daily)s a day. Purchase a package or choose a plan."
        ) % {
            "price": localize(price),
            "daily": localize(periods.TRIAL_CREDITS),
        }
    return {
        "slug": found.slug,
        "name": found.name,
        "suite": found.suite,
        "text": found.summary,
        "variants": found.variants,
        "price": price,
        "is_placeholder": is_free,
        "icon": found.icon,
        "disabled_reason": reason,
        "runs_left": total // price if price else "",
        "short_by": max(0, price - total),
    }


# --- Runs ----------------------------------------------------------------------------------------


def run_context(generation: Generation) -> dict[str, Any]:
    """What a run's page and its result beside a tool show."""
    pictures = first_pictures(generation)
    before, after = pictures.get(Picture.Role.INPUT), pictures.get(Picture.Role.OUTPUT)
    return result_details.read(generation) | {
        "generation": generation,
        "tool": catalog.TOOLS[generation.tool],
        "engine": routing.engine_title(generation.engine),
        "before": before,
        "before_url": links.link(before, preview=True) if before else "",
        "original_url": links.link(before) if before else "",
        "after": after,
        "written": result_text.read(generation, after),
        "after_url": links.link(after, preview=True) if after and after.preview else "",
        "view_url": links.link(after) if after and after.file else "",
        "download_url": links.link(after, download=True) if after and _has_download(after) else "",
        "can_brush": brushing.sides(generation) is not None,
        "download_ratios": conversions.RATIOS,
        "run_text": str(generation.pk),
        "next_tools": tool_page.next_tools(generation.tool),
        "receipt": receipts.read_receipt(
            generation.account_id, generation.spend_id, generation.outcome
        )
        if generation.spend_id
        else None,
    }


def _has_download(output: Picture) -> bool:
    return bool(output.file) or output.kind == Picture.Kind.TEXT
