"""The gallery: every result with views, filters and search, and what is done to many at once."""

from __future__ import annotations

import json
import uuid
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from ecomvance_app.addresses import read_text
from ecomvance_app.http import MerchantRequest
from generations import catalog
from generations.engines import routing
from generations.media import archives, links
from generations.models import Batch, Generation, Picture
from generations.results import gallery, retention
from generations.results.gallery import Chosen

MOST_SEARCHED = 100
VIEW_NAMES = {
    "": gettext_lazy("All"),
    "review": gettext_lazy("To review"),
    "failed": gettext_lazy("Failed"),
    "deleted": gettext_lazy("Deleted"),
}
STATE_NAMES = {
    "queued": gettext_lazy("Waiting"),
    "running": gettext_lazy("Running"),
    "succeeded": gettext_lazy("Ready"),
    "failed": gettext_lazy("Failed"),
    "cancelled": gettext_lazy("Cancelled"),
}
LABEL_NAMES = {
    "real": gettext_lazy("Made as asked"),
    "limited": gettext_lazy("Made within limits"),
    "sandbox": gettext_lazy("Placeholder"),
}
# What an address may say besides the cursors; anything else in it leads nowhere.
PARAMETERS = (
    "view", "q", "tool", "state", "label", "batch", "person", "from", "to", "expiring", "layout",
)  # fmt: skip


@require_safe
def gallery_page(request: MerchantRequest) -> HttpResponse:
    """What was made, newest first, as pictures or as a list with cost, engine and person."""
    return render(request, "generations/gallery.html", _page(request, request.GET))


@require_safe
def history(request: MerchantRequest) -> HttpResponse:
    """Where the history was: its addresses lead to the same runs in the gallery."""
    query = request.GET.urlencode()
    return HttpResponseRedirect(_url(request) + (f"?{query}" if query else ""))


@require_POST
def act(request: MerchantRequest) -> HttpResponse:
    """Do one thing to the chosen runs: zip, delete, restore, accept or reject them."""
    chosen = [run_id for text in request.POST.getlist("run") if (run_id := _uuid(text))]
    if request.POST.get("act") == "zip":
        return _zip(request, chosen)
    told = _do(request.account.pk, request.POST.get("act", ""), chosen)
    back = QueryDict(read_text(request.POST, "back"))
    if not request.htmx:
        query = back.urlencode()
        return HttpResponseRedirect(_url(request) + (f"?{query}" if query else ""))
    response = render(request, "generations/_gallery_list.html", _page(request, back))
    response["HX-Trigger"] = json.dumps({"toast": {"message": told}})
    return response


def _do(account_id: int, what: str, chosen: list[uuid.UUID]) -> str:
    """Do it, and say in a few words how many it was done to."""
    if what == "delete":
        done = gallery.delete_all(account_id, chosen)
        told = ngettext("%(runs)s run deleted", "%(runs)s runs deleted", done)
    elif what == "restore":
        done = gallery.restore_all(account_id, chosen)
        told = ngettext("%(runs)s run is back", "%(runs)s runs are back", done)
    elif what in (Generation.Review.ACCEPTED, Generation.Review.REJECTED):
        done = gallery.review_all(account_id, chosen, what)
        told = ngettext("%(runs)s result reviewed", "%(runs)s results reviewed", done)
    else:
        return _("Nothing was chosen")
    return told % {"runs": done}


def _zip(request: MerchantRequest, chosen: list[uuid.UUID]) -> HttpResponse:
    results = gallery.list_results(request.account.pk, chosen)
    url = archives.link(request.account.pk, [run.pk for run in results]) if results else ""
    if url and not request.htmx:
        return HttpResponseRedirect(url)
    context = {"zip_url": url, "results": len(results)}
    response = render(request, "generations/_zip.html", context)
    response["HX-Retarget"] = "#gallery-zip"
    response["HX-Reswap"] = "innerHTML"
    return response


# --- What the page shows -------------------------------------------------------------------------


def _page(request: MerchantRequest, query: QueryDict) -> dict[str, Any]:
    chosen = read_chosen(query)
    account = request.account
    before, after = (read_text(query, name) for name in ("before", "after"))
    page = gallery.read_page(account.pk, chosen, account.time_zone, before=before, after=after)
    kept = {name: text for name in PARAMETERS if (text := read_text(query, name))}
    layout = "list" if kept.get("layout") == "list" else "grid"
    cursors = {name: text for name, text in (("before", before), ("after", after)) if text}
    return {
        "nav_active": "gallery",
        "runs": [row(request, run) for run in page.runs],
        "newer_url": _url(request, kept | {"after": page.newer}) if page.newer else "",
        "older_url": _url(request, kept | {"before": page.older}) if page.older else "",
        "views": _views(request, kept, chosen),
        "chosen": chosen,
        "layout": layout,
        "grid_url": _url(request, kept | cursors | {"layout": ""}),
        "list_url": _url(request, kept | cursors | {"layout": "list"}),
        "clear_url": _url(request, {"view": chosen.view, "layout": kept.get("layout", "")}),
        "back": urlencode(kept | cursors),
        "filters": _filters(account.pk, chosen),
    }


def read_chosen(query: QueryDict) -> Chosen:
    """The view and the filters that an address names; what cannot be read filters nothing."""
    view, state, label, tool = (
        read_text(query, name) for name in ("view", "state", "label", "tool")
    )
    person = read_text(query, "person")
    return Chosen(
        view=view if view in gallery.VIEWS else "",
        search=read_text(query, "q").strip()[:MOST_SEARCHED],
        tool=tool if tool in catalog.TOOLS else "",
        state=state if state in STATE_NAMES else "",
        label=label if label in LABEL_NAMES else "",
        batch=_uuid(read_text(query, "batch")),
        expiring=read_text(query, "expiring") == "1",
        person=int(person)
        if person.isascii() and person.isdecimal() and len(person) < 10
        else None,
        first=_day(read_text(query, "from")),
        last=_day(read_text(query, "to")),
    )


def _views(request: MerchantRequest, kept: dict[str, str], chosen: Chosen) -> list[dict[str, Any]]:
    """The tabs; the filters stay when the view changes, but for a state that it has not."""
    stay = {name: text for name, text in kept.items() if name not in ("view", "state")}
    return [
        {"name": name, "url": _url(request, {"view": view} | stay), "current": view == chosen.view}
        for view, name in VIEW_NAMES.items()
    ]


def _filters(account_id: int, chosen: Chosen) -> list[dict[str, Any]]:
    tools = {slug: tool.name for slug, tool in catalog.TOOLS.items() if tool.output != "chat"}
    people = {str(person.pk): str(person) for person in gallery.list_people(account_id)}
    person = str(chosen.person) if chosen.person is not None else ""
    batches = {str(batch.pk): _batch_name(batch) for batch in gallery.list_batches(account_id)}
    return [
        _filter("tool", _("Tool"), tools, chosen.tool),
        _filter("state", _("State"), STATE_NAMES, chosen.state),
        _filter("label", _("Kind"), LABEL_NAMES, chosen.label),
        _filter("batch", _("Batch"), batches, str(chosen.batch or "")),
        _filter("person", _("Person"), people, person),
    ]


def _batch_name(batch: Batch) -> str:
    begun = date_format(timezone.localtime(batch.created_at), "SHORT_DATETIME_FORMAT")
    return f"{catalog.TOOLS[batch.tool].name}, {begun}" if batch.tool in catalog.TOOLS else begun


def _filter(name: str, title: str, choices: Any, chosen: str) -> dict[str, Any]:
    options = [
        {"value": value, "title": text, "selected": value == chosen}
        for value, text in choices.items()
    ]
    return {"name": name, "title": title, "options": options}


def row(request: MerchantRequest, generation: Generation) -> dict[str, Any]:
    """What a list or a grid shows of one run."""
    pictures = first_pictures(generation)
    shown = pictures.get(Picture.Role.OUTPUT) or pictures.get(Picture.Role.INPUT)
    return {
        "generation": generation,
        "tool": catalog.TOOLS[generation.tool],
        "engine": routing.engine_title(generation.engine),
        "url": reverse("pages:run", args=[generation.pk], current_app=request.surface),
        "thumbnail": links.link(shown, preview=True) if shown and shown.preview else "",
        "is_result": Picture.Role.OUTPUT in pictures,
        "kept_until": retention.kept_until(generation),
        "restorable_until": generation.deleted_at + retention.RESTORABLE_FOR
        if generation.deleted_at
        else None,
    }


def first_pictures(generation: Generation) -> dict[str, Picture]:
    """The first picture of each role, from what was prefetched; a result as it was brushed by hand."""
    first: dict[str, Picture] = {}
    for picture in generation.pictures.all():
        if picture.strokes is not None:
            first[picture.role] = picture
        first.setdefault(picture.role, picture)
    return first


def _url(request: MerchantRequest, query: dict[str, str] | None = None) -> str:
    told = urlencode({name: text for name, text in (query or {}).items() if text})
    address = reverse("pages:gallery", current_app=request.surface)
    return f"{address}?{told}" if told else address


def _day(text: str) -> date | None:
    """A calendar day that every zone has; None for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2999 else None


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
