"""Views about single pictures: the free check of one before it is paid for."""

from __future__ import annotations

from django.http import Http404, JsonResponse
from django.views.decorators.http import require_POST

from credits.refusals import Refusal
from ecomvance_app.http import MerchantRequest
from generations import catalog
from generations.pages import picture_check
from generations.pages.forms import ToolForm


@require_POST
def check_picture(request: MerchantRequest, slug: str) -> JsonResponse:
    """What is to be said of a picture before a run of this tool; free, and nothing is stored."""
    tool = catalog.TOOLS.get(slug)
    if tool is None:
        raise Http404
    form = ToolForm(tool, request.account.pk, request.POST, request.FILES)
    form.full_clean()
    try:
        return JsonResponse({"advice": picture_check.advise(request.account.pk, form)})
    except Refusal as refusal:
        return JsonResponse({"refused": str(refusal)}, status=refusal.status)
