"""The page about an account's data: an export of all of it, and how an account ends."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from credits.accounts.zones import HasStore
from credits.refusals import Refusal
from ecomvance_app.http import MerchantRequest, for_owners, public
from generations.results import data_exports


@for_owners
@require_http_methods(["GET", "HEAD", "POST"])
def data_page(request: MerchantRequest, has_store: HasStore) -> HttpResponse:
    """What an owner may take along: a press has the export made, its link stands here for 24 hours."""
    status, refusal = 200, ""
    if request.method == "POST":
        try:
            data_exports.ask(request.account.pk, request.person.pk if request.person else None)
        except Refusal as error:
            status, refusal = 422, str(error)
    newest = data_exports.newest(request.account.pk)
    is_ready = newest is not None and newest.state == "ready"
    context: dict[str, Any] = {
        "nav_active": "settings",
        "has_store": has_store(request.account),
        "export": newest,
        # The file is all there is to know of an account, so it is the owners' alone.
        "link": data_exports.link(newest)
        if newest and is_ready and request.role == "owner"
        else "",
        "refusal": refusal,
    }
    template = "generations/_data.html" if request.htmx else "generations/data.html"
    return render(request, template, context, status=status)


@public
@require_safe
def download(_request: HttpRequest, token: str) -> HttpResponseBase:
    """The zip that a signed link names; 410 when its day is over, 404 for a link that is forged."""
    try:
        export = data_exports.find(token)
    except signing.BadSignature:
        raise Http404 from None
    if export is None or not default_storage.exists(export.file):
        words = _("This link is older than 24 hours. Ask for a new export in the settings.")
        return HttpResponse(words, content_type="text/plain; charset=utf-8", status=410)
    name = f"ecomvance-data-{export.created_at.date().isoformat()}.zip"
    response = FileResponse(
        default_storage.open(export.file),
        as_attachment=True,
        filename=name,
        content_type="application/zip",
    )
    response["Cache-Control"] = "private, no-store"
    return response
