"""Runs and restoration cases as staff judge them: what went in, what came out, why, and how often."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from credits.admin.forms import DecisionForm
from credits.outcomes import cases
from credits.reports import for_staff
from ecomvance_app import clock
from ecomvance_app.staff.rooms import render_page, staff_page
from generations.catalog import TOOLS
from generations.media import links
from generations.models import Generation, Picture

if TYPE_CHECKING:
    from credits.models import LedgerEntry

RATE_OVER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of a run by its signed link; `text` for what is no picture."""

    role: str
    kind: str
    preview: str
    full: str
    text: object


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of an account's runs of thirty days ended in a case."""

    runs: int
    cases: int

    @property
    def percent(self) -> int:
        """Of a hundred runs so many."""
        return round(100 * self.cases / self.runs) if self.runs else 0


@dataclass(frozen=True, slots=True)
class Card:
    """A run with all that a decision needs; `case` is None when there is nothing to decide."""

    run: Generation | None
    case: cases.Case | None
    tool: str
    inputs: list[Shown]
    outputs: list[Shown]
    rule: str
    rate: Rate | None
    form: DecisionForm | None

    @property
    def spend(self) -> LedgerEntry | None:
        """What the run cost; None when it cost nothing."""
        return self.case.spend if self.case is not None else self.run.spend if self.run else None


@require_safe
@staff_page("credits.view_restorationcase")
def queue(request: HttpRequest) -> HttpResponse:
    """Open cases, oldest first, each with what is needed to decide it."""
    after = request.GET.get("after", "")
    waiting = cases.read_queue(int(after) if after.isdecimal() and len(after) < 19 else None)
    context = {
        "cards": _cards(waiting.cases, clock.now()),
        "next_after": waiting.next_after,
        "may_decide": request.user.has_perm("credits.change_restorationcase"),
    }
    return render_page(request, "staff/cases.html", _("Restoration cases"), context)


@require_safe
@staff_page("credits.view_restorationcase")
def page(request: HttpRequest, case_id: int) -> HttpResponse:
    """One case, open or decided."""
    case = cases.find(case_id)
    if case is None:
        raise Http404
    return _one(request, _cards([case], clock.now())[0], _("Restoration case %d") % case.pk)


@require_safe
@staff_page("generations.view_generation")
def run_page(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """One run of any account, with its case if it has one."""
    run = _runs(Q(pk=run_id)).get(run_id)
    if run is None:
        raise Http404
    case = cases.find_by_spend(run.spend_id) if run.spend_id else None
    if case is not None and request.user.has_perm("credits.view_restorationcase"):
        card = _cards([case], clock.now())[0]
    else:
        card = _card(run, None, for_staff.rules(), None)
    return _one(request, card, _("Run of %s") % card.tool)


def _one(request: HttpRequest, card: Card, title: str) -> HttpResponse:
    may_decide = request.user.has_perm("credits.change_restorationcase")
    return render_page(request, "staff/case.html", title, {"card": card, "may_decide": may_decide})


def _cards(shown: list[cases.Case], now: datetime) -> list[Card]:
    """A card for each case, in a number of queries that does not depend on how many there are."""
    by_spend = {
        run.spend_id: run for run in _runs(Q(spend__in=[case.spend_id for case in shown])).values()
    }
    rates = _rates({case.account_id for case in shown}, now - RATE_OVER)
    rules = for_staff.rules()
    return [
        _card(by_spend.get(case.spend_id), case, rules, rates[case.account_id]) for case in shown
    ]


def cards_of_runs(run_ids: Collection[uuid.UUID], now: datetime) -> dict[uuid.UUID, Card]:
    """A card for each run, with its case if it has one, in a fixed number of queries."""
    runs = _runs(Q(pk__in=run_ids))
    by_spend = cases.find_by_spends({run.spend_id for run in runs.values() if run.spend_id})
    rates = _rates({run.account_id for run in runs.values()}, now - RATE_OVER)
    rules = for_staff.rules()
    return {
        pk: _card(run, by_spend.get(run.spend_id or 0), rules, rates[run.account_id])
        for pk, run in runs.items()
    }


def _card(
    run: Generation | None, case: cases.Case | None, rules: dict[str, str], rate: Rate | None
) -> Card:
    slug = run.tool if run is not None else case.spend.tool if case is not None else ""
    outcome = run.outcome if run is not None else case.outcome if case is not None else ""
    pictures = list(run.pictures.all()) if run is not None else []
    is_open = case is not None and case.state == cases.State.OPEN
    return Card(
        run=run,
        case=case,
        tool=TOOLS[slug].name if slug in TOOLS else slug,
        inputs=[_shown(picture) for picture in pictures if picture.role != Picture.Role.OUTPUT],
        outputs=[_shown(picture) for picture in pictures if picture.role == Picture.Role.OUTPUT],
        rule=rules.get(outcome, ""),
        rate=rate,
        form=DecisionForm(auto_id=f"case-{case.pk}-%s") if case is not None and is_open else None,
    )


def _runs(which: Q) -> dict[uuid.UUID, Generation]:
    pictures = Prefetch("pictures", Picture.objects.order_by("role", "position"))
    runs = Generation.objects.filter(which).select_related(
        "account", "spend__restoration", "requested_by"
    )
    return {run.pk: run for run in runs.prefetch_related(pictures)}


def _shown(picture: Picture) -> Shown:
    has_preview = bool(picture.preview)
    return Shown(
        role=str(picture.get_role_display()),
        kind=picture.kind,
        preview=links.link(picture, preview=has_preview) if picture.file else "",
        full=links.link(picture) if picture.file else "",
        text=picture.text,
    )


def _rates(account_ids: set[int], since: datetime) -> dict[int, Rate]:
    """The rate of cases of each account, in two queries."""
    asked = Generation.objects.filter(account__in=account_ids, created_at__gte=since)
    counted = asked.values_list("account").annotate(runs=Count("pk")).order_by()
    runs = dict(counted)
    opened = for_staff.cases_since(account_ids, since)
    return {pk: Rate(runs.get(pk, 0), opened.get(pk, 0)) for pk in account_ids}
