"""Views about single pictures: the free check before a run, and the brush on what came of one."""

from __future__ import annotations

import json
import uuid

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from credits.refusals import Refusal
from ecomvance_app.http import MerchantRequest, answer_refusal
from generations import catalog
from generations.media import links
from generations.models import Generation
from generations.pages import picture_check
from generations.pages.forms import ToolForm
from generations.results import brushing
from generations.runs import queries


@require_POST
def check_picture(request: MerchantRequest, slug: str) -> JsonResponse:
    """What is to be said of a picture before a run of this tool; free, and nothing is stored."""
    tool = catalog.TOOLS.get(slug)
    if tool is None:
        raise Http404
    form = ToolForm(tool, request.account.pk, request.POST, request.FILES)
    form.full_clean()
    try:
        advice = picture_check.advise(request.account.pk, form)
        return JsonResponse({"advice": advice.sentences, "sizes": advice.sizes})
    except Refusal as refusal:
        return JsonResponse({"refused": str(refusal)}, status=refusal.status)


@require_http_methods(["GET", "HEAD", "POST"])
def brush(request: MerchantRequest, generation_id: uuid.UUID) -> HttpResponse:
    """Correct a cut-out by hand: free, and it can be undone; what is sent replaces what was."""
    try:
        run = queries.get_for_account(request.account.pk, generation_id)
    except Generation.DoesNotExist:
        raise Http404 from None
    if request.method == "POST":
        return _brushed(request, run)
    return render(request, "generations/brush.html", _brush_context(run))


def _brush_context(run: Generation) -> dict[str, object]:
    found = brushing.sides(run)
    if found is None:
        raise Http404
    photo, made = (links.link(picture, preview=True) for picture in found)
    strokes = brushing.strokes_of(run)
    return {"nav_active": "gallery", "run": run, "photo": photo, "made": made, "strokes": strokes}


def _brushed(request: MerchantRequest, run: Generation) -> HttpResponse:
    try:
        strokes = json.loads(request.POST.get("strokes", ""))
    except ValueError:
        strokes = None
    try:
        brushing.brush(request.account.pk, run.pk, strokes)
    except Refusal as refusal:
        return answer_refusal(
            request, refusal, "generations/brush.html", lambda: _brush_context(run)
        )
    return render(request, "generations/_brushed.html", {"run": run, "strokes": strokes})
