"""What a merchant does with a run on its page: run it again, report a problem, delete it."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from credits.ledger import KeyConflict
from credits.refusals import Refusal
from ecomvance_app.addresses import read_text
from ecomvance_app.http import MerchantRequest, answer_refusal
from generations.models import Generation
from generations.pages.views import get_run, place_order, requester_of, run_context
from generations.results import again as runs_again
from generations.results import problems
from generations.runs import lifecycle


@require_POST
def again(request: MerchantRequest, generation_id: uuid.UUID) -> HttpResponse:
    """The same run once more, at most for the price that its button named."""
    generation = get_run(request, generation_id)
    key, shown = (read_text(request.POST, name) for name in ("key", "max_credits"))
    try:
        most = int(shown) if shown.isascii() and shown.isdecimal() and len(shown) < 10 else 0
        placed = place_order(request, runs_again.order_of(generation, most), key)
    except KeyConflict:
        return _refuse(
            request, generation, Refusal(_("Reload the page, then try again."), status=409)
        )
    except Refusal as refusal:
        return _refuse(request, generation, refusal)
    name = "run" if isinstance(placed, Generation) else "approval"
    return _lead(request, reverse(f"pages:{name}", args=[placed.pk], current_app=request.surface))


def _refuse(request: MerchantRequest, generation: Generation, refusal: Refusal) -> HttpResponse:
    response = answer_refusal(
        request, refusal, "generations/run.html",
        lambda: run_context(generation) | {"nav_active": "gallery", "whole_page": True},
    )  # fmt: skip
    response["HX-Retarget"] = f"#again-errors-{generation.pk}"
    response["HX-Reswap"] = "innerHTML"
    return response


@require_POST
def report(request: MerchantRequest, generation_id: uuid.UUID) -> HttpResponse:
    """Tell staff that something is wrong with a run; they find everything in one row."""
    generation = get_run(request, generation_id)
    words = read_text(request.POST, "words")
    browser = request.headers.get("User-Agent", "")
    problem = problems.report(requester_of(request), generation, words, browser)
    if not request.htmx:
        url = reverse("pages:run", args=[generation.pk], current_app=request.surface)
        return HttpResponseRedirect(url)
    context = {"generation": generation, "problem": problem}
    return render(request, "generations/_problem.html", context)


@require_POST
def delete(request: MerchantRequest, generation_id: uuid.UUID) -> HttpResponse:
    """Put a run among the deleted ones, from where it can be restored for 30 days."""
    try:
        done = lifecycle.delete(request.account.pk, str(generation_id))
    except Generation.DoesNotExist:
        raise Http404 from None
    if not done:
        refusal = Refusal(_("A run can be deleted when it has ended."), "not_final", status=409)
        return _refuse(request, get_run(request, generation_id), refusal)
    return _lead(request, reverse("pages:gallery", current_app=request.surface))


def _lead(request: MerchantRequest, url: str) -> HttpResponse:
    if not request.htmx:
        return HttpResponseRedirect(url)
    response = HttpResponse()
    response["HX-Redirect"] = url
    return response
